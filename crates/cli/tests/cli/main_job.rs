//! The main job, as it prints into a pipe.

use crate::common::printed;

#[test]
fn five_sections_for_a_person() {
    let text = printed(&[]);
    let titles: Vec<&str> =
        text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() && c != '0')).collect();
    for number in 1..=5 {
        assert!(titles.iter().any(|title| title.starts_with(&format!("{number}. "))), "{number} in {text}");
    }
    assert!(text.contains("1,800 multiplications, 1,800 additions, 60 sigmoids"), "{text}");
    assert!(text.contains("Forecast: the training will take") && text.contains("the forecast was"), "{text}");
    let levels: Vec<&str> = nxm_kernels::Level::available().map(nxm_kernels::Level::name).collect();
    let fastest = levels.last().expect("scalar and wide are everywhere");
    let shared = ["1 thread", "2 threads"].map(|threads| format!(" {fastest}, {threads}  "));
    for run in levels.iter().map(|level| format!(" {level}  ")).chain(shared) {
        let line = text.lines().find(|line| line.starts_with(&run)).expect(&run);
        assert!(line.ends_with(" agrees"), "{line}");
    }
    let speeds = text.lines().find(|line| line.trim_start().starts_with("plain loop ")).expect("a header");
    assert!(levels.iter().all(|level| speeds.contains(level)), "{speeds}");
    assert!(text.lines().count() <= 70, "{} lines", text.lines().count());
    for line in text.lines() {
        assert!(line.chars().count() <= 100 && line.trim_end() == line && !line.contains('\u{1b}'), "{line:?}");
    }
}
