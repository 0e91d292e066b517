//! What is rewritten, and what is left alone.

use std::path::PathBuf;
use std::time::Duration;

use crate::campaign::{Campaign, Outcome, Test};
use crate::report::Equivalent;
use crate::rewrite::{ByHand, LINES, Wanted, rewrite};
use crate::site::{Site, mutants};

/// The rewritten text without white space, and the names of the mutants.
fn rewritten(file: &str, text: &str, wanted: Wanted, by_hand: &[ByHand]) -> Result<(String, Vec<String>), String> {
    LINES.set(text.lines().map(str::to_owned).collect());
    let mut sites: Vec<Site> = Vec::new();
    let (text, _) = rewrite(file, text, wanted, by_hand, &mut sites)?;
    let names = mutants(&sites).into_iter().map(|mutant| mutant.name).collect();
    Ok((text.split_whitespace().collect(), names))
}

#[test]
fn calls_of_tokens_are_mutated_and_those_of_integers_are_not() {
    let text = "fn f() { let x = simd.one().add(simd.abs(a), b); let n = rows.max(cols); }";
    let wanted = Wanted { calls: true, ..Wanted::default() };
    let (text, names) = rewritten("crates/kernels/src/f.rs", text, wanted, &[]).unwrap();
    assert_eq!(
        text,
        "fnf(){letx=crate::mutant::add(simd.one(),1usize,crate::mutant::abs(simd,0usize,a),b,);letn=rows.max(cols);}"
    );
    let call = "crates/kernels/src/f.rs: simd.one().add(simd.abs(a), b)";
    let changes = ["dropped", "doubled", "another kind", "counterpart"];
    let of_add: Vec<_> = changes.into_iter().map(|change| format!("{call}: {change}")).collect();
    assert_eq!(names[0], "crates/kernels/src/f.rs: simd.abs(a): dropped");
    assert_eq!(names[1..], of_add);
}

#[test]
fn bounds_of_loops_are_mutated() {
    let text = "fn f() { for i in 0..n { while j < m { g(&x[..i]); } } }";
    let wanted = Wanted { bounds: true, ..Wanted::default() };
    let (text, names) = rewritten("crates/kernels/src/f.rs", text, wanted, &[]).unwrap();
    let number = "crate::mutant::number";
    assert_eq!(
        text,
        format!("fnf(){{foriin{number}(0,1usize)..{number}(n,2usize){{whilej<{number}(m,0usize){{g(&x[..i]);}}}}}}")
    );
    assert_eq!(names.len(), 2 + 1 + 2);
}

#[test]
fn constants_are_mutated_where_a_program_can_choose_them() {
    let text = "const SIDE: u128 = 8; const KINDS: [u8; 1] = [5]; fn f(x: [u8; 3]) { match x { 4 => 0 * SIDE, _ => 7 + SIDE } }";
    let wanted = Wanted { constants: true, ..Wanted::default() };
    LINES.set(vec![text.to_owned()]);
    let mut sites = Vec::new();
    let (_, skipped) = rewrite("crates/count/src/formula/f.rs", text, wanted, &[], &mut sites).unwrap();
    // 0, SIDE, which is one constant in two places, and 7; a count has nothing below 0.
    assert_eq!(sites.iter().map(|site| site.variants.len()).collect::<Vec<_>>(), [1, 2, 2]);
    // The 5, the length of `x`, and the pattern 4.
    assert_eq!(skipped.constants, 3);
}

#[test]
fn a_mutant_that_is_written_by_hand_must_be_there() {
    let by_hand = |old: &str| ByHand {
        name: "m".to_owned(),
        file: "crates/net/src/f.rs".to_owned(),
        old: old.to_owned(),
        new: "b".to_owned(),
    };
    let text = "fn f() { g( a ) }";
    let rewritten = |old| rewritten("crates/net/src/f.rs", text, Wanted::default(), &[by_hand(old)]);
    let (text, names) = rewritten("g(a)").unwrap();
    assert_eq!(text, "fnf(){(ifnxm_kernels::mutant::on(0usize){b}else{g(a)})}");
    assert_eq!(names, ["crates/net/src/f.rs: m"]);
    assert!(rewritten("h(a)").unwrap_err().contains("does not contain the expression `h(a)`"));
}

#[test]
fn a_star_stands_for_anything() {
    let file = "fn f() { simd.add(a, b); }";
    LINES.set(vec![file.to_owned()]);
    let mut sites: Vec<Site> = Vec::new();
    rewrite("k.rs", file, Wanted { calls: true, ..Wanted::default() }, &[], &mut sites).unwrap();
    let all = mutants(&sites);
    let listed = |pattern: &str| {
        let equivalent = Equivalent { mutant: pattern.to_owned(), because: String::new() };
        all.iter().filter(|mutant| equivalent.is(mutant)).count()
    };
    assert!(all.len() > 1);
    assert_eq!((listed("k.rs*"), listed("*"), listed("k.rs: *add*")), (all.len(), all.len(), all.len()));
    assert_eq!((listed("k.rs: *: dropped"), listed(&all[0].name)), (1, 1));
    assert_eq!((listed("k.rs"), listed("*.rs"), listed("k.rs: *x*"), listed("")), (0, 0, 0, 0));
}

/// What was measured is trusted for tests that are still there, and while sites have the same numbers.
#[test]
fn measured_tests_are_remembered() {
    let campaign = Campaign { programs: Vec::new(), tree: PathBuf::new(), place: PathBuf::new(), jobs: 1 };
    let test = |name: &str| Test {
        program: 1,
        name: name.to_owned(),
        time: Duration::from_micros(7),
        reached: Some(vec![3, 5]),
    };
    let sites = |file: &str| {
        let mut sites = Vec::new();
        LINES.set(vec![file.to_owned()]);
        rewrite("k.rs", file, Wanted { calls: true, ..Wanted::default() }, &[], &mut sites).unwrap();
        sites
    };
    let [before, after] = ["fn f() { simd.add(a, b); }", "fn f() { simd.mul(a, b); }"].map(sites);
    let text = campaign.measured(&[test("a"), test("b")], &before);
    let remembered = campaign.remembered(&text, &before, &[test("b"), test("c")]);
    let [b] = &remembered[..] else { panic!("{remembered:?}") };
    assert_eq!((b.title(), b.time, &b.reached), ("bill b".to_owned(), Duration::from_micros(7), &Some(vec![3, 5])));
    assert!(campaign.remembered(&text, &after, &[test("b")]).is_empty());
    assert!(campaign.remembered("", &before, &[test("b")]).is_empty());
}

#[test]
fn an_outcome_names_its_test() {
    let caught = |title: &str| Outcome::Caught(title.to_owned()).test().map(str::to_owned);
    assert_eq!(caught("net a::b").as_deref(), Some("net a::b"));
    assert_eq!(caught("net a::b (did not end)").as_deref(), Some("net a::b"));
    assert_eq!(Outcome::Survived(3).test(), None);
}
