"""Trains the failures of parts that a machine makes; writes model.onnx, model.toml and reference.json.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r requirements.txt
    DINRAIL_DATA=FOLDER /tmp/venv/bin/python train.py      # FOLDER/ai4i/*.csv; or --data FOLDER

The data are the AI4I 2020 predictive maintenance set (S. Matzka, "Explainable artificial intelligence for predictive
maintenance applications", AI4I 2020; UCI 601); they are not in this repository. Another machine's table with the same
columns trains another model. The features are those of plugins/quality-control/src/tabular; the classes are the set's four
kinds of failure with a cause, and "well". What fails without a cause (0.1 % of the parts, by a draw) is not learnt.

Bagged trees on few features: a threshold that few parts tell of is found a little differently by each of them, and their
share is how sure it is. Figures are out of fold: each part is judged by trees that never saw it.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import csv
import hashlib
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20260101
TREES = 60
FOLDS = 5
REPEATS = 3
# A part that fails at least so likely is rejected: the plugin's default.
REJECT_ABOVE = 0.5
# In the order of the plugin.
DEFECTS = ["TWF", "HDF", "PWF", "OSF"]
BEARS = {"L": 11_000.0, "M": 12_000.0, "H": 13_000.0}
FEATURES = ["speed", "wear", "power", "difference", "strain"]


def read(folder):
    """Features, class (0: well) and whether the part failed."""
    rows = []
    for path in sorted((folder / "ai4i").glob("*.csv")):
        with open(path, newline="") as file:
            rows += list(csv.DictReader(file))
    column = lambda name: np.array([float(row[name]) for row in rows])
    air, process = column("Air temperature [K]"), column("Process temperature [K]")
    speed, torque, wear = column("Rotational speed [rpm]"), column("Torque [Nm]"), column("Tool wear [min]")
    bears = np.array([BEARS[row["Type"]] for row in rows])
    features = np.stack([speed, wear, torque * speed * (2 * np.pi) / 60, process - air, torque * wear / bears], 1)
    failed = column("Machine failure") != 0
    classes = np.zeros(len(rows), int)
    # Of several causes, the one that a threshold tells of: tool wear comes by a draw.
    for index, name in enumerate(DEFECTS, 1):
        classes[failed & (column(name) != 0)] = index
    return features.astype(np.float32), classes, failed


def forest(seed):
    return RandomForestClassifier(TREES, max_features=None, bootstrap=True, random_state=seed, n_jobs=1)


def scores(failed, rejected):
    right = np.sum(failed & rejected)
    return {
        "f1": 2 * right / (np.sum(failed) + np.sum(rejected)),
        "precision": right / max(np.sum(rejected), 1),
        "recall": right / np.sum(failed),
    }


def out_of_fold(x, classes, failed):
    """Means over several ways to cut the rows."""
    found = []
    for repeat in range(REPEATS):
        shares = np.zeros((len(x), len(DEFECTS) + 1))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED + repeat)
        for train, test in folds.split(x, classes):
            shares[test] = forest(SEED + repeat).fit(x[train], classes[train]).predict_proba(x[test])
        rejected = 1 - shares[:, 0] >= REJECT_ABOVE
        metrics = scores(failed, rejected)
        known = failed & rejected & (classes > 0)
        metrics["defect_named"] = np.mean((1 + np.argmax(shares[:, 1:], 1))[known] == classes[known])
        for index, name in enumerate(DEFECTS, 1):
            metrics[f"recall_{name.lower()}"] = np.mean(rejected[classes == index])
        print({name: round(float(value), 4) for name, value in metrics.items()}, flush=True)
        found.append(metrics)
    return {f"{name}_folds": float(np.mean([metrics[name] for metrics in found])) for name in found[0]}


def below(threshold):
    """The largest f32 that is not above it: what an f32 feature is compared with comes out the same."""
    near = np.float32(threshold)
    return near if near <= threshold else np.nextafter(near, np.float32(-np.inf))


def export(model):
    """The trees as one TreeEnsembleRegressor with a target for each class; leaves hold shares over the number of trees."""
    keys = ["treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "hitrates"]
    nodes = {key: [] for key in keys}
    weights = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for tree_id, estimator in enumerate(model.estimators_):
        tree = estimator.tree_
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(1, keepdims=True)
        for node in range(tree.node_count):
            leaf = tree.children_left[node] < 0
            branch = (0, 0.0, "LEAF", 0, 0) if leaf else (
                int(tree.feature[node]), float(below(tree.threshold[node])), "BRANCH_LEQ",
                int(tree.children_left[node]), int(tree.children_right[node]),
            )
            for key, value in zip(keys, (tree_id, node, *branch, 1.0)):
                nodes[key].append(value)
            for target in np.flatnonzero(shares[node]) if leaf else ():
                for key, value in zip(weights, (tree_id, node, int(target), float(shares[node, target] / TREES))):
                    weights[key].append(value)
    attributes = {f"nodes_{key}": value for key, value in nodes.items()} | {f"target_{key}": value for key, value in weights.items()}
    node = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["shares"], name="forest", domain="ai.onnx.ml",
        n_targets=len(DEFECTS) + 1, aggregate_function="SUM", post_transform="NONE", **attributes,
    )
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph([node], "part-failure", [value("features", len(FEATURES))], [value("shares", len(DEFECTS) + 1)])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    whole = helper.make_model(graph, producer_name="dinrail", opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(whole, full_check=True)
    return whole.SerializeToString(deterministic=True)


def statistics(x):
    ends = [", ".join(f"{v:.4f}" for v in end) for end in (x.min(0), x.max(0))]
    return f"{{ low = [{ends[0]}], high = [{ends[1]}] }}"


def manifest(digest, x, classes, metrics):
    text = f'''# Written by train.py; not edited by hand.
name = "part-failure"
summary = "Whether a part fails, and of what, from the machine's settings while it was made"
file = "model.onnx"
sha256 = "{digest}"
licence = "Apache-2.0 OR MIT"
reference = "reference.json"

[[inputs]]
name = "features"
shape = ["batch", {len(FEATURES)}]
unit = "1"
summary = "Spindle's speed in 1/min, tool's wear in min, power in W, process over air temperature in K, strain over what the variant bears"
# The least and the most of all parts.
statistics = {statistics(x)}

[[outputs]]
name = "shares"
shape = ["batch", {len(DEFECTS) + 1}]
unit = "1"
summary = "Share of the trees that say: well, {", ".join(DEFECTS)}"

[provenance]
script = "train.py"
requirements = "requirements.txt"
data = "AI4I 2020 (UCI 601), {len(x)} parts, {int(np.sum(classes > 0))} of which failed of a known cause; not part of this repository"
seed = {SEED}
trees = {TREES}
method = "bagged classification trees, every feature at every split, grown to the end"

# Out of fold: {FOLDS} folds, the mean of {REPEATS} ways to cut them, failures without a cause counted as missed. A part is rejected
# where {REJECT_ABOVE:.0%} of the trees say that it fails.
[metrics]
'''
    return text + "".join(f"{name} = {value:.4f}\n" for name, value in metrics.items())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--data", default=os.environ.get("DINRAIL_DATA"), required="DINRAIL_DATA" not in os.environ)
    x, classes, failed = read(pathlib.Path(arguments.parse_args().data))
    metrics = out_of_fold(x, classes, failed)
    model = export(forest(SEED).fit(x, classes))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    run = lambda features: session.run(None, {"features": features})[0]
    whole = scores(failed, 1 - run(x)[:, 0] >= REJECT_ABOVE)
    print("on what it was trained on:", {name: round(float(value), 4) for name, value in whole.items()})
    # Made-up parts: none of the set's rows is handed on.
    rng = np.random.default_rng(SEED)
    low, high = x.min(0), x.max(0)
    made_up = (low + (high - low) * rng.random((24, len(FEATURES)))).astype(np.float32)
    values = lambda a: {"shape": list(a.shape), "values": [float(v) for v in a.ravel()]}
    cases = [made_up[:1], made_up[1:8], made_up[8:]]
    reference = {"tolerance": 1e-5, "cases": [{"inputs": {"features": values(c)}, "outputs": {"shares": values(run(c))}} for c in cases]}
    (HERE / "reference.json").write_text(json.dumps(reference) + "\n")
    (HERE / "model.onnx").write_bytes(model)
    (HERE / "model.toml").write_text(manifest(hashlib.sha256(model).hexdigest(), x, classes, metrics))


if __name__ == "__main__":
    main()
