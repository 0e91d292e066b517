//! The report of `nxm train`: the command that made it, what it cost, and losses of one unit.

use crate::common::{Folder, flowers, printed};

#[test]
fn a_report_says_which_command_made_it_and_what_that_cost() {
    let folder = Folder::new("report");
    let (file, page) = (folder.write("my flowers.csv", flowers(90)), folder.name("report.html"));
    const EPOCHS: &str = "7";
    let args = ["train", &file, "--label", "weight", "--epochs", EPOCHS, "--patience", "0", "--report", &page];
    let said = printed(&args);
    let html = std::fs::read_to_string(&page).expect("a report");
    // A quote is an entity in HTML.
    let command = format!("nxm train &#39;{file}&#39; --label weight --epochs {EPOCHS} --patience 0 --report {page}");
    assert!(html.contains(&format!("<pre><code>{command}</code></pre>")), "{html}");
    // All epochs were trained, so what the kernels took is what was said before.
    let flops = said.split(" in an epoch, ").nth(1).and_then(|rest| rest.split(" in all").next()).expect("a cost");
    let row = format!("flops of the kernels</th><td class=\"number\">{flops}</td><td class=\"number\">{flops}</td>");
    assert!(html.contains(&row), "{row}\n{html}");
    for fact in ["rows to learn from", "rows held out", "bytes of memory"] {
        assert!(html.contains(fact), "{fact}");
    }
}
