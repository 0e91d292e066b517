//! What is learned is found.

use super::*;
use crate::testing::table;

fn find(cells: &[&str], task: Option<Task>) -> Result<(Target, Vec<String>), String> {
    let table = table(&format!("y\n{}", cells.join("\n")));
    Target::find(&table, &["y".to_owned()], task).map_err(|error| error.to_string())
}

fn classes(cells: &[&str]) -> Option<Vec<String>> {
    match find(cells, None).unwrap().0 {
        Target::Classes { classes, .. } => Some(classes),
        _ => None,
    }
}

#[test]
fn what_is_learned_is_found() {
    assert_eq!(classes(&["b", "a", "", "b"]).unwrap(), ["a", "b"]);
    assert_eq!(classes(&["10", "9", "ten"]).unwrap(), ["10", "9", "ten"]);
    // Numbered classes, by number; 0.0 and 0 are one.
    assert_eq!(classes(&["1", "0", "2", "0.0"]).unwrap(), ["0", "1", "2"]);
    assert_eq!(classes(&["-1", "1"]).unwrap(), ["-1", "1"]);
    // Fractions, gaps, and whole numbers that begin elsewhere are numbers.
    for cells in
        [&["0.0", "0.1", "0.2"][..], &["0", "1", "2", "3", "7", "7"], &["12", "13", "14", "14"], &["0", "1", "2"]]
    {
        assert_eq!(classes(cells), None, "{cells:?}");
    }
    let many: Vec<String> = (0..21).map(|i| i.to_string()).collect();
    assert_eq!(classes(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
    assert!(matches!(find(&["0", "1"], Some(Task::Numbers)).unwrap().0, Target::Numbers { .. }));
    let Target::Classes { classes, .. } = find(&["12", "13", "12.0"], Some(Task::Classes)).unwrap().0 else { panic!() };
    assert_eq!(classes, ["12", "13"]);
}

#[test]
fn classes_that_look_alike_are_named() {
    let (_, notes) = find(&["Yes", "yes", "no"], None).unwrap();
    assert!(notes[0].contains("\"Yes\", \"yes\"") && notes.len() == 1, "{notes:?}");
    assert!(find(&["-1", "1", "a"], None).unwrap().1.is_empty());
}

#[test]
fn what_can_not_be_learned_is_refused() {
    assert!(find(&["a", "a"], None).unwrap_err().contains("two classes are needed"));
    assert!(find(&["", "NA"], None).is_err());
    let words: Vec<String> = (0..30).map(|i| format!("w{i}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert!(find(&words, None).unwrap_err().contains("30 different values in 30 rows"));
    let mut mistake: Vec<String> = (0..30).map(|i| (i * 3).to_string()).collect();
    mistake[4] = "l2".to_owned();
    let mistake: Vec<&str> = mistake.iter().map(String::as_str).collect();
    assert!(find(&mistake, None).unwrap_err().contains("\"l2\""));
}

#[test]
fn several_columns_are_numbers_or_labels() {
    let table = table("a,b,c,d\n1,yes,0,x\n2.5,no,1,y\n,yes,0,x");
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (labels, _) = Target::find(&table, &columns(&["b", "c"]), None).unwrap();
    assert_eq!(labels.values(&table).unwrap(), TargetValues::Numbers(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0]));
    let (mut numbers, _) = Target::find(&table, &columns(&["a", "c"]), None).unwrap();
    let values = numbers.values(&table).unwrap();
    assert!(!numbers.is_whole(&values, 2) && numbers.is_whole(&values, 1));
    numbers.fit(&table, &values, &[0, 1]).unwrap();
    let Target::Numbers { standards, .. } = &numbers else { panic!() };
    assert_eq!(standards[0], Standard { mean: 1.75, deviation: 0.75 });
    for strange in [&["a", "d"][..], &["a", "a"], &["a", "e"], &[]] {
        assert!(Target::find(&table, &columns(strange), None).is_err(), "{strange:?}");
    }
}

#[test]
fn a_class_that_is_not_known_is_named() {
    let (target, _) = Target::find(&table("y\n0\n1\n2\n2"), &["y".to_owned()], None).unwrap();
    assert_eq!(target.values(&table("y\n2.0\n\n1")).unwrap(), TargetValues::Classes(vec![2, NO_CLASS, 1]));
    let error = target.values(&table("y\n2\n3")).unwrap_err().to_string();
    assert!(error.contains("row 2, column \"y\": \"3\" is none of the classes \"0\", \"1\", \"2\""), "{error}");
}
