//! Files besides the checkpoint: that they can't be written is said before anything is learned or changed.

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};

const VALUE: &str = "something of value";

#[test]
fn places_that_cannot_be_written_are_refused_before_anything_is_learned() {
    let folder = Folder::new("places");
    let (data, model) = (folder.write("flowers.csv", flowers(30)), folder.name("m"));
    let foreign = folder.write("foreign.csv", VALUE);
    let folder_of = |name: &str| {
        std::fs::create_dir_all(folder.path(name)).expect("a folder");
        folder.name(name)
    };
    let (a_folder, nowhere) = (folder_of("folder.csv"), folder.name("none/x.csv"));
    let history = folder.name("history.csv");
    let train = ["train", &data, "--label", "kind", "--epochs", "1", "--hidden", "2", "--history", &history];
    printed(&train);
    let before = std::fs::read(&history).expect("a history");
    let train = [&train[..], &["--checkpoint", &model]].concat();
    let count = || std::fs::read_dir(folder.here()).expect("a folder").count();
    let files = count();
    for (flag, place, named) in [
        ("--report", &foreign, "no report"),
        ("--report", &a_folder, "no report"),
        ("--report", &nowhere, "No such file"),
        ("--tensorboard", &foreign, "foreign.csv"),
        ("--tensorboard", &format!("{foreign}/logs"), "foreign.csv"),
    ] {
        assert_refused_in_a_line(&run(&[&train[..], &[flag, place]].concat()), &[place, named], flag);
        assert_eq!((count(), std::fs::read(&history).expect("a history")), (files, before.clone()), "{flag}");
    }
    for (place, named) in
        [(&foreign, "no training history"), (&a_folder, "no regular file"), (&nowhere, "No such file")]
    {
        let train = ["train", &data, "--label", "kind", "--epochs", "1", "--checkpoint", &model, "--history", place];
        assert_refused_in_a_line(&run(&train), &[place, named], "--history");
        assert_eq!(count(), files);
    }
    assert_eq!(std::fs::read_to_string(&foreign).expect("a file"), VALUE);
}

#[test]
fn no_file_is_written_twice() {
    let folder = Folder::new("twice");
    let (data, model) = (folder.write("flowers.csv", flowers(30)), folder.name("m.csv"));
    let train = ["train", &data, "--label", "kind", "--epochs", "1", "--checkpoint", &model];
    // The same file by another name.
    let again = folder.here().join(".").join("m.csv").into_os_string().into_string().expect("UTF-8");
    for (flag, place, other) in
        [("--report", &model, "--checkpoint"), ("--history", &again, "--checkpoint"), ("--history", &data, "the table")]
    {
        let output = run(&[&train[..], &[flag, place]].concat());
        assert_refused_in_a_line(&output, &[flag, other, "the same file"], flag);
    }
    assert_eq!(std::fs::read_dir(folder.here()).expect("a folder").count(), 1);
}
