//! Metrics against scikit-learn's, on the cases that `metrics.py` has stored in `metrics.json`.

use nxm_data::{
    CalibrationBin, ClassBaseline, ClassMetrics, LabelMetrics, MetricsError, NumberBaseline, NumberMetrics,
};
use serde_json::Value;

/// Both sides sum n numbers, each rounded a few times: k ε with k = n + 16 bounds what they may differ by, relative to the larger of the
/// value and 1 (a metric may be a difference from 1).
const ROUNDINGS: usize = 16;

fn cases(kind: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("metrics.json")).unwrap();
    file[kind].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn integers(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|x| x as usize).collect()
}

/// How far two numbers may be apart, and in which case they are compared.
struct Near<'a> {
    case: &'a str,
    epsilon: f64,
    rows: usize,
    /// What a number of size 1 means: targets in thousands have errors in thousands.
    scale: f64,
}

impl Near<'_> {
    fn check(&self, what: &str, found: f64, expected: &Value) {
        let expected = expected.as_f64().unwrap_or_else(|| panic!("{}: {what} is not defined", self.case));
        let bound = (self.rows + ROUNDINGS) as f64 * self.epsilon * expected.abs().max(self.scale);
        assert!((found - expected).abs() <= bound, "{}: {what} is {found}, expected {expected}", self.case);
    }

    fn check_option(&self, what: &str, found: Option<f64>, expected: &Value) {
        match found {
            Some(found) => self.check(what, found, expected),
            None => assert!(expected.is_null(), "{}: {what} is not defined, expected {expected}", self.case),
        }
    }

    fn check_all(&self, what: &str, found: impl Iterator<Item = f64>, expected: &Value) {
        let (found, expected) = (found.collect::<Vec<_>>(), expected.as_array().unwrap());
        assert_eq!(found.len(), expected.len(), "{}: {what}", self.case);
        found.iter().zip(expected).for_each(|(found, expected)| self.check(what, *found, expected));
    }

    fn check_classes(&self, found: &ClassMetrics, expected: &Value) {
        self.check("accuracy", found.accuracy, &expected["accuracy"]);
        self.check("balanced accuracy", found.balanced_accuracy, &expected["balanced_accuracy"]);
        let classes = || found.classes.iter();
        self.check_all("precision", classes().map(|class| class.precision), &expected["precision"]);
        self.check_all("recall", classes().map(|class| class.recall), &expected["recall"]);
        self.check_all("F1", classes().map(|class| class.f1), &expected["f1"]);
        let means = [found.macro_precision, found.macro_recall, found.macro_f1];
        self.check_all("macro means", means.into_iter(), &expected["macro"]);
        let support: Vec<usize> = classes().map(|class| class.support).collect();
        assert_eq!(support, integers(&expected["support"]), "{}", self.case);
        self.check_option("ROC AUC", found.roc_auc, &expected["roc_auc"]);
        self.check("log loss", found.log_loss, &expected["log_loss"]);
        self.check("Brier score", found.brier_score, &expected["brier_score"]);
        assert_eq!(found.confusion.as_ref().unwrap().counts, integers(&expected["confusion"]), "{}", self.case);
        let top = expected["top_k"].as_array().unwrap();
        assert_eq!(found.top_k.len(), top.len(), "{}", self.case);
        for (found, expected) in found.top_k.iter().zip(top) {
            assert_eq!(found.k as u64, expected[0], "{}", self.case);
            self.check("top-k accuracy", found.accuracy, &expected[1]);
        }
        if let Some(expected) = expected["calibration"].as_array() {
            let bins = || found.calibration.iter();
            let known = |of: fn(&CalibrationBin) -> Option<f64>| bins().filter_map(of);
            self.check_all("calibration", known(|bin| bin.fraction_positive), &expected[0]);
            self.check_all("calibration", known(|bin| bin.mean_predicted), &expected[1]);
            assert_eq!(bins().map(|bin| bin.count).sum::<usize>(), found.rows, "{}", self.case);
        }
    }
}

fn judge(labels: &[usize], probabilities: &[f64], classes: usize, dtype: &Value) -> Result<ClassMetrics, MetricsError> {
    if dtype == "float32" {
        let probabilities: Vec<f32> = probabilities.iter().map(|p| *p as f32).collect();
        ClassMetrics::new(labels, &probabilities, classes)
    } else {
        ClassMetrics::new(labels, probabilities, classes)
    }
}

fn epsilon(dtype: &Value) -> f64 {
    if dtype == "float32" { f32::EPSILON.into() } else { f64::EPSILON }
}

#[test]
fn classes_are_judged_as_by_scikit_learn() {
    let cases = cases("classes");
    assert!(cases.len() >= 15);
    for case in &cases {
        let (labels, classes) = (integers(&case["labels"]), case["classes"].as_u64().unwrap() as usize);
        let found = judge(&labels, &numbers(&case["probabilities"]), classes, &case["dtype"]).unwrap();
        let name = case["name"].as_str().unwrap();
        let near = Near { case: name, epsilon: epsilon(&case["dtype"]), rows: labels.len(), scale: 1.0 };
        near.check_classes(&found, &case["expected"]);
        let baseline = ClassBaseline::new(&integers(&case["training"]), classes).unwrap();
        let near = Near { case: &format!("{name}, baseline"), epsilon: f64::EPSILON, ..near };
        near.check_classes(&baseline.metrics(&labels).unwrap(), &case["baseline"]);
    }
}

#[test]
fn numbers_are_judged_as_by_scikit_learn() {
    for case in &cases("numbers") {
        let (targets, training) = (numbers(&case["targets"]), numbers(&case["training"]));
        let baseline = NumberBaseline::new(&training).unwrap().metrics(&targets).unwrap();
        let model = NumberMetrics::new(&targets, &numbers(&case["predictions"])).unwrap();
        for (found, expected) in [(model, &case["expected"]), (baseline, &case["baseline"])] {
            // A difference of targets is rounded as the targets are.
            let scale = targets.iter().chain(&training).fold(0.0, |most: f64, x| most.max(x.abs()));
            let (case, rows, epsilon) = (case["name"].as_str().unwrap(), targets.len(), f64::EPSILON);
            let near = Near { case, epsilon, rows, scale };
            near.check("RMSE", found.rmse, &expected["rmse"]);
            near.check("MAE", found.mae, &expected["mae"]);
            near.check("median", found.median_absolute_error, &expected["median_absolute_error"]);
            near.check("largest error", found.max_error, &expected["max_error"]);
            Near { case, epsilon, rows, scale: scale * scale }.check("MSE", found.mse, &expected["mse"]);
            Near { case, epsilon, rows, scale: 1.0 }.check_option("R²", found.r2, &expected["r2"]);
        }
    }
}

#[test]
fn labels_are_judged_as_by_scikit_learn() {
    for case in &cases("labels") {
        let has: Vec<bool> = case["has"].as_array().unwrap().iter().map(|x| x.as_bool().unwrap()).collect();
        let (p, labels) = (numbers(&case["probabilities"]), case["labels"].as_u64().unwrap() as usize);
        let single: Vec<f32> = p.iter().map(|p| *p as f32).collect();
        let found = if case["dtype"] == "float32" {
            LabelMetrics::new(&has, &single, labels)
        } else {
            LabelMetrics::new(&has, &p, labels)
        };
        let (found, expected) = (found.unwrap(), &case["expected"]);
        let (rows, epsilon) = (found.rows, epsilon(&case["dtype"]));
        let near = Near { case: case["name"].as_str().unwrap(), epsilon, rows, scale: 1.0 };
        near.check("subset accuracy", found.subset_accuracy, &expected["subset_accuracy"]);
        near.check("macro F1", found.macro_f1, &expected["macro_f1"]);
        assert_eq!(found.labels.len(), expected["each"].as_array().unwrap().len());
        found.labels.iter().zip(expected["each"].as_array().unwrap()).for_each(|(a, b)| near.check_classes(a, b));
    }
}

#[test]
fn metrics_are_written_as_json() {
    let metrics = ClassMetrics::binary(&[1, 1], &[0.25, 0.75]).unwrap();
    let json = serde_json::to_value(&metrics).unwrap();
    assert_eq!((&json["accuracy"], &json["roc_auc"]), (&Value::from(0.5), &Value::Null));
    assert_eq!(json["calibration"].as_array().unwrap().len(), nxm_data::CALIBRATION_BINS);
    let nothing = NumberMetrics::new(&[1.0], &[f64::NAN]).unwrap();
    assert!(serde_json::to_value(&nothing).unwrap()["rmse"].is_null());
}
