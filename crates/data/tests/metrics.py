"""Prints the cases of metrics.json: predictions, and what scikit-learn says of them.

    pip install scikit-learn==1.9.1
    python crates/data/tests/metrics.py > crates/data/tests/metrics.json

`metrics.rs` compares nxm-data with the file. Definitions that have changed are those of 1.9: the log loss is clipped by the ε of the type of the
probabilities, and the Brier score of more than two classes is a sum over the classes.
"""

import json
import math
import warnings

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn import metrics as m

warnings.filterwarnings("ignore")
random = np.random.default_rng(14)


def number(x):
    x = float(x)
    return None if math.isnan(x) else x


def judge_classes(labels, p, classes):
    """Of probabilities [rows, classes]."""
    y, every = np.array(labels), list(range(classes))
    predicted = p.argmax(axis=1)
    score = p[:, 1] if classes == 2 else p
    precision, recall, f1, support = m.precision_recall_fscore_support(y, predicted, labels=every, zero_division=0)
    macro = m.precision_recall_fscore_support(y, predicted, average="macro", zero_division=0)
    try:
        auc = m.roc_auc_score(y, score, multi_class="ovr", average="macro", labels=every)
    except ValueError:
        auc = float("nan")  # only one class is present
    top = p[:, 1] if classes == 2 else p
    if classes == 2:
        bins = calibration_curve(y, p[:, 1], n_bins=10, strategy="uniform") if len(set(labels)) == 2 else None
    else:
        right = predicted == y
        bins = calibration_curve(right, p.max(axis=1), n_bins=10) if len(set(right.tolist())) == 2 else None
    return {
        "accuracy": number(m.accuracy_score(y, predicted)),
        "balanced_accuracy": number(m.balanced_accuracy_score(y, predicted)),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "macro": [number(x) for x in macro[:3]],
        "roc_auc": number(auc),
        "log_loss": number(m.log_loss(y, p, labels=every)),
        "brier_score": number(m.brier_score_loss(y, p, labels=every)),
        "confusion": m.confusion_matrix(y, predicted, labels=every).ravel().tolist(),
        "top_k": [
            [k, number(m.top_k_accuracy_score(y, top, k=k, labels=every))] for k in (2, 3, 5) if k < classes
        ],
        # Bins that are not empty: the fraction that is positive, and the mean probability.
        "calibration": None if bins is None else [bins[0].tolist(), bins[1].tolist()],
    }


def classes(name, labels, p, dtype=np.float64, training=None):
    p = np.asarray(p, dtype=dtype)
    if p.ndim == 1:
        p = np.stack([1 - p, p], axis=1)
    training = labels if training is None else training
    count = p.shape[1]
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(training), 1)), training)
    prior = np.zeros((len(labels), count))
    prior[:, dummy.classes_] = dummy.predict_proba(np.zeros((len(labels), 1)))
    return {
        "name": name,
        "dtype": np.dtype(dtype).name,
        "classes": count,
        "labels": list(map(int, labels)),
        "training": list(map(int, training)),
        "probabilities": p.astype(np.float64).ravel().tolist(),
        "expected": judge_classes(labels, p, count),
        "baseline": judge_classes(labels, prior, count),
    }


def rows(labels, count, dtype, sharp=1.0):
    logits = random.normal(size=(len(labels), count)) * sharp
    logits[np.arange(len(labels)), labels] += sharp
    p = np.exp(logits)
    return (p / p.sum(axis=1, keepdims=True)).astype(dtype)


def judge_numbers(y, p):
    return {
        "mse": number(m.mean_squared_error(y, p)),
        "rmse": number(m.root_mean_squared_error(y, p)),
        "mae": number(m.mean_absolute_error(y, p)),
        "r2": number(m.r2_score(y, p)) if len(y) > 1 else None,
        "median_absolute_error": number(m.median_absolute_error(y, p)),
        "max_error": number(m.max_error(y, p)),
    }


def numbers(name, targets, predictions, training=None):
    y, p = np.asarray(targets, dtype=float), np.asarray(predictions, dtype=float)
    training = y if training is None else np.asarray(training, dtype=float)
    dummy = DummyRegressor().fit(np.zeros((len(training), 1)), training)
    return {
        "name": name,
        "targets": y.tolist(),
        "predictions": p.tolist(),
        "training": training.tolist(),
        "expected": judge_numbers(y, p),
        "baseline": judge_numbers(y, dummy.predict(np.zeros((len(y), 1)))),
    }


def labels(name, has, p, dtype=np.float64):
    has, p = np.asarray(has, dtype=int), np.asarray(p, dtype=dtype)
    predicted = (p > 0.5).astype(int)
    each = [judge_classes(has[:, i].tolist(), np.stack([1 - p[:, i], p[:, i]], axis=1), 2) for i in range(p.shape[1])]
    return {
        "name": name,
        "dtype": np.dtype(dtype).name,
        "labels": p.shape[1],
        "has": [bool(x) for x in has.ravel()],
        "probabilities": p.astype(np.float64).ravel().tolist(),
        "expected": {
            "subset_accuracy": number(m.accuracy_score(has, predicted)),
            "macro_f1": number(m.f1_score(has, predicted, average="macro", zero_division=0)),
            "each": each,
        },
    }


def drawn(count, size):
    """Labels, each of which occurs."""
    return np.concatenate([np.arange(count), random.integers(0, count, size - count)]).tolist()


binary, three, seven = drawn(2, 60), drawn(3, 60), drawn(7, 80)
coarse = np.round(random.uniform(size=60), 1)
absent = [0, 2, 2, 0, 2, 0, 0]
noisy = random.normal(size=50) * 3 + 100
cases = {
    "scikit_learn": sklearn.__version__,
    "classes": [
        classes("two classes", binary, rows(binary, 2, np.float64)),
        classes("two classes, f32", binary, rows(binary, 2, np.float32), np.float32),
        classes("two classes, f32 and very sure", binary, rows(binary, 2, np.float32, 30), np.float32),
        classes("two classes, very sure", binary, rows(binary, 2, np.float64, 30)),
        classes("three classes", three, rows(three, 3, np.float64), training=drawn(3, 40)),
        classes("three classes, f32", three, rows(three, 3, np.float32), np.float32),
        classes("seven classes", seven, rows(seven, 7, np.float64), training=drawn(7, 40)),
        classes("ties and edges of bins", binary, coarse),
        classes("ties and edges of bins, f32", binary, coarse, np.float32),
        classes("all the same", [0, 1, 2, 3], np.full((4, 4), 0.25)),
        classes("zero and one", [0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0]),
        classes("zero and one, f32", [0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0], np.float32),
        classes("perfect", [0, 1, 2], np.eye(3)),
        classes("all wrong", [1, 0, 1], [0.1, 0.9, 0.2]),
        classes("a class has no row", absent, rows(absent, 3, np.float64)),
        classes("a class has no row and no prediction", [0, 2, 0], [[0.9, 0, 0.1], [0.2, 0, 0.8], [0.3, 0, 0.7]]),
        classes("one class only", [1, 1, 1], [0.3, 0.6, 0.9], training=[0, 1, 0]),
        classes("one row", [1], [[0.2, 0.5, 0.3]], training=[0, 1, 2]),
        classes("the training had another class", [0, 1, 1], [0.3, 0.6, 0.9], training=[0, 0]),
    ],
    "numbers": [
        numbers("about a line", noisy, noisy + random.normal(size=50), training=random.normal(size=30) + 99),
        numbers("no relation", noisy, random.normal(size=50)),
        numbers("an even number of rows", [1, 2, 3, 4], [1, 2.5, 2, 8]),
        numbers("perfect", [1.5, 2.5, -3], [1.5, 2.5, -3]),
        numbers("constant targets, right", [3, 3, 3], [3, 3, 3]),
        numbers("constant targets, wrong", [3, 3, 3], [3, 3, 4]),
        numbers("constant predictions", [1, 2, 3, 7], [2, 2, 2, 2]),
        numbers("one row", [2], [5]),
        numbers("two rows", [2, 4], [5, 4]),
        numbers("large", noisy * 1e12, noisy * 1e12 + 1e11 * random.normal(size=50)),
        numbers("tiny", noisy * 1e-12, noisy * 1e-12 + 1e-13 * random.normal(size=50)),
    ],
    "labels": [
        labels("three labels", random.integers(0, 2, (40, 3)), random.uniform(size=(40, 3))),
        labels("two labels, f32", random.integers(0, 2, (40, 2)), random.uniform(size=(40, 2)), np.float32),
        labels("exactly one half", [[0, 1], [1, 0]], [[0.5, 0.5], [0.75, 0.25]]),
        labels("a label that no row has", [[0, 1], [0, 0]], [[0.25, 0.75], [0.75, 0.25]]),
    ],
}
print(json.dumps(cases))
