//! That the mutations, which a command applies (`examples/mutations.rs`), still say what is in the kernels. Not among the count tests: in a
//! mutated copy it would fail whatever those find.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "../mutations.rs"]
mod set;

#[test]
fn mutations_change_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mutations = set::all().expect("valid JSON");
    let names: BTreeSet<_> = mutations.iter().map(|mutation| &mutation.name).collect();
    assert_eq!(names.len(), mutations.len());
    let document = include_str!("../../../docs/counting.md");
    for mutation in &mutations {
        let text = fs::read_to_string(root.join(&mutation.file)).expect("a source file");
        let row = format!("| {} | `{}` | ", mutation.name, mutation.file);
        assert!(document.contains(&row), "docs/counting.md says nothing of {:?}", mutation.name);
        assert_ne!(mutation.apply(&text).unwrap_or_else(|error| panic!("{error}")), text);
    }
}
