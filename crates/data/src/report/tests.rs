//! Whole pages.

use super::*;
use crate::metrics::{ClassBaseline, LabelBaseline, NumberBaseline};

const HOSTILE: &str = "</td><script>alert('1')</script>\"&\u{1b}[2J\u{202e}";

/// Rows of three classes, of which the model knows something.
fn classes(names: [&str; 3]) -> TargetMetrics {
    let labels: Vec<usize> = (0..120).map(|i| (i * i + i / 7) % 3).collect();
    let row = |(i, label): (usize, &usize)| {
        let right = 0.35 + 0.6 * ((i * 37 % 100) as f64 / 100.0);
        let label = if i % 11 == 0 { (label + 1) % 3 } else { *label };
        (0..3).map(move |class| if class == label { right } else { (1.0 - right) / 2.0 })
    };
    let probabilities: Vec<f64> = labels.iter().enumerate().flat_map(row).collect();
    let model = ClassMetrics::new(&labels, &probabilities, 3).unwrap().with_names(names).unwrap();
    let baseline = ClassBaseline::new(&labels, 3).unwrap().metrics(&labels).unwrap();
    TargetMetrics::Classes(Comparison { model, baseline })
}

fn numbers() -> TargetMetrics {
    let targets: Vec<f64> = (0..300).map(|i| f64::from(i * 7919 % 1000) * 20.0 + 500.0).collect();
    let predictions: Vec<f64> =
        targets.iter().enumerate().map(|(i, y)| y * 0.95 + f64::from(i as u32 * 104_729 % 4001) - 2000.0).collect();
    let metrics = Comparison {
        model: NumberMetrics::new(&targets, &predictions).unwrap(),
        baseline: NumberBaseline::new(&targets[..50]).unwrap().metrics(&targets).unwrap(),
    };
    TargetMetrics::Numbers { metrics, points: targets.into_iter().zip(predictions).collect() }
}

/// A model that is useless.
fn labels() -> TargetMetrics {
    let has = [true, false, true, true, false, false, true, false];
    let model = LabelMetrics::new(&has, &[0.1, 0.8, 0.2, 0.3, 0.9, 0.6, 0.4, 0.7], 2).unwrap();
    let baseline = LabelBaseline::new(&has, 2).unwrap().metrics(&has).unwrap();
    TargetMetrics::Labels(Comparison { model: model.with_names(["red", HOSTILE]).unwrap(), baseline })
}

fn pairs(all: &[[&str; 2]]) -> Vec<(String, String)> {
    all.iter().map(|[name, value]| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn whole() -> Report {
    let losses = |start: f64, rise: f64| (1..=60).map(move |i: u64| (i, start / i as f64 + 0.2 + rise * i as f64));
    let importance = [("petal length", 0.412, 0.031), (HOSTILE, 0.1, 0.02), ("sepal width", -0.002, 0.01)];
    let of = |(column, (name, mean, spread)): (usize, &(&str, f64, f64))| {
        ((*name).to_owned(), Importance { column, mean: *mean, spread: *spread })
    };
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Report {
        title: "iris.csv: species".to_owned(),
        command: Some("nxm train iris.csv --label species --report report.html".to_owned()),
        summary: pairs(&[["network", "4 → 32 (ReLU) → 3, 259 parameters"], ["seed", "7"], ["hostile", HOSTILE]]),
        results: vec![
            TargetResult {
                target: "species".to_owned(),
                on: "held out".to_owned(),
                metrics: classes(["setosa", HOSTILE, "virginica"]),
            },
            TargetResult { target: "price".to_owned(), on: String::new(), metrics: numbers() },
            TargetResult { target: HOSTILE.to_owned(), on: HOSTILE.to_owned(), metrics: labels() },
        ],
        losses: Some(LossCurves {
            train: losses(1.0, 0.0).collect(),
            held_out: losses(1.1, 0.004).collect(),
            best_epoch: Some(17),
            loss: "cross-entropy".to_owned(),
        }),
        importance: Some(importance.iter().enumerate().map(of).collect()),
        data: Some(DataDescription {
            facts: pairs(&[["rows", "150, of which 30 are held out"], ["separator", "comma"]]),
            headings: texts(&["column", "kind", "missing", "range", "encoded as"]),
            columns: vec![
                texts(&["petal length", "number", "0", "1 to 6.9", "standardised"]),
                texts(&[HOSTILE, "category", "3", HOSTILE, "one-hot"]),
            ],
        }),
        cost: vec![
            CostRow { what: "time".to_owned(), forecast: Some("1.2 s".to_owned()), taken: Some("1.3 s".to_owned()) },
            CostRow { what: "memory".to_owned(), forecast: Some("3 MB".to_owned()), taken: None },
        ],
        notes: vec![format!("2 rows without a label were left out: {HOSTILE}")],
    }
}

/// Elements that have no end.
const VOID: [&str; 1] = ["meta"];

/// Checks that tags are closed in their order, that attributes are quoted, and that ids are unique; returns the names of all elements.
fn elements(html: &str) -> Vec<String> {
    let (mut open, mut names) = (Vec::new(), Vec::new());
    let body = html.strip_prefix("<!doctype html>\n").expect("a doctype");
    // The style sheet has no tags; what stands in it is not HTML.
    let (before, rest) = body.split_once("<style>").unwrap();
    let (style, after) = rest.split_once("</style>").unwrap();
    assert!(!style.contains('<'));
    let body = format!("{before}{after}");
    let mut rest = &*body;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name.trim()), "{tag} closes another element");
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "a quote is open in {tag}");
        assert!(!tag.contains("='") && !tag.contains('<'), "{tag}");
        let name = tag.split([' ', '\n', '/']).next().unwrap().to_owned();
        if !tag.ends_with('/') && !VOID.contains(&&*name) {
            open.push(name.clone());
        }
        names.push(name);
    }
    assert_eq!(open, Vec::<String>::new());
    names
}

#[test]
fn a_page_is_well_formed_and_needs_nothing_else() {
    for report in [whole(), Report::default()] {
        let html = report.html();
        let names = elements(&html);
        for forbidden in ["script", "link", "img", "iframe", "image", "a", "use", "object"] {
            assert!(!names.iter().any(|name| name == forbidden), "<{forbidden}>");
        }
        for forbidden in ["http:", "https:", "src=", "href", "url(", "@import", "//", "on=", "NaN"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        assert_eq!(names.iter().filter(|name| *name == "h1").count(), 1);
        assert_eq!(names.iter().filter(|name| *name == "title").count(), 1);
    }
}

#[test]
fn what_strangers_wrote_is_text() {
    let html = whole().html();
    assert!(!html.contains("<script") && !html.contains("</td><s") && !html.contains(['\u{1b}', '\u{202e}']));
    // Title, fact, class in three tables, target, label, importance, column, cell, note.
    let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;\\u{1b}[2J\\u{202e}";
    assert!(html.matches(escaped).count() >= 9, "{}", html.matches(escaped).count());
}

#[test]
fn all_parts_are_shown_to_everybody() {
    let html = whole().html();
    let plots = html.matches("<svg ").count();
    assert_eq!(plots, 3, "losses, calibration, predicted against true");
    assert_eq!(html.matches("role=\"img\" aria-label=\"").count(), plots);
    for text in
        ["Confusion matrix", "Calibration", "Predicted against true", "Loss", "Importance of columns", "Data", "Cost"]
    {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(html.matches("The model is no better than the baseline").count(), 1);
    assert!(html.contains("The model of epoch 17 is kept; its held-out loss is"));
    // A label's name is cut, and not what is measured of it.
    let TargetMetrics::Labels(both) = labels() else { unreachable!() };
    let named = both.model.with_names(["a", &"long ".repeat(40)]).unwrap();
    let metrics = TargetMetrics::Labels(Comparison { model: named, ..both });
    let result = TargetResult { target: "x".to_owned(), on: String::new(), metrics };
    assert!(Report { results: vec![result], ..Report::default() }.html().contains("…: F1</th>"));
    // Whatever is left out has no heading.
    assert!(!Report::default().html().contains("<h2>"));
}

#[test]
fn many_classes_are_listed_by_their_confusions() {
    const CLASSES: usize = 30;
    let labels: Vec<usize> = (0..CLASSES).chain([3, 3]).collect();
    let predicted = |i: usize, label: usize| if i >= CLASSES { 4 } else { label };
    let probabilities: Vec<f32> = labels
        .iter()
        .enumerate()
        .flat_map(|(i, label)| (0..CLASSES).map(move |class| f32::from(u8::from(class == predicted(i, *label)))))
        .collect();
    let model = ClassMetrics::new(&labels, &probabilities, CLASSES).unwrap();
    let metrics = TargetMetrics::Classes(Comparison { baseline: model.clone(), model });
    let html = Report {
        results: vec![TargetResult { target: "x".to_owned(), on: String::new(), metrics }],
        ..Report::default()
    }
    .html();
    assert!(
        html.contains("<th scope=\"row\">3</th><td>4</td><td class=\"number\">2</td>")
            && !html.contains("Confusion matrix")
    );
}

#[test]
fn only_reports_are_replaced() {
    let folder = std::env::temp_dir().join(format!("nxm-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("report.html");
    whole().write(&path).unwrap();
    Report::default().write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), Report::default().html());
    for content in ["a,b\n1,2\n", "<!doctype html>\n<html>"] {
        std::fs::write(&path, content).unwrap();
        let error = whole().write(&path).unwrap_err().to_string();
        assert!(error.contains("report.html exists and is no report"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    let nowhere = whole().write(&folder.join("no/report.html")).unwrap_err().to_string();
    assert!(nowhere.contains("can't write the report"), "{nowhere}");
    assert!(whole().write(&folder).is_err());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    std::fs::remove_dir_all(&folder).unwrap();
    // What a person looks at: NXM_REPORT=FILE cargo test -p nxm-data report
    if let Some(file) = std::env::var_os("NXM_REPORT") {
        whole().write(Path::new(&file)).unwrap();
    }
}
