"""Writes models/*.onnx and, beside each, what onnxruntime gives for it: NAME.json with inputs and outputs.

python3 -m venv VENV && VENV/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 onnx==1.23.2 \
    onnxruntime==1.32.0 skl2onnx==1.20.0 && OMP_NUM_THREADS=1 VENV/bin/python generate.py
"""
import itertools, json, pathlib, warnings
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper

warnings.filterwarnings("ignore")
OUT = pathlib.Path(__file__).parent / "models"
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
FEATURES = 4


def record(name, model, x):
    """Saves a model of one input with what onnxruntime gives for `x`."""
    for field in ("doc_string", "producer_version"):
        model.ClearField(field)
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name
    outputs = {}
    for output, value in zip(session.get_outputs(), session.run(None, {given: x})):
        if isinstance(value, list) and isinstance(value[0], dict):
            value = np.array([list(row.values()) for row in value], np.float32)
        value = np.asarray(value)
        if value.dtype.kind in "OU":  # labels that are text: their positions
            order = labels_of(model)
            value = np.array([order.index(label) for label in value.ravel()]).reshape(value.shape)
        outputs[output.name] = tensor(value.astype(np.float32))
    (OUT / f"{name}.onnx").write_bytes(data)
    (OUT / f"{name}.json").write_text(json.dumps({"inputs": {given: tensor(x)}, "outputs": outputs}, separators=(",", ":")))


def labels_of(model):
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "classlabels_strings":
                return [label.decode() for label in attribute.strings]


def tensor(value):
    # The shortest text that reads back as the same f32.
    values = [None if v != v else float(str(v)) for v in value.ravel().astype(np.float32)]
    return {"shape": list(value.shape), "values": values}


def model_of(nodes, outputs, initializers=(), features=FEATURES):
    """`outputs`: name -> (element type, shape)."""
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", FLOAT, [None, features])],
        [helper.make_tensor_value_info(n, t, s) for n, (t, s) in outputs.items()], list(initializers))
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def ml(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=outputs[0] + "_node", domain="ai.onnx.ml", **attributes)


def random_trees(rng, trees, depth, modes, leaf, missing=False):
    """Attributes nodes_*, and leaves as (tree, node). `leaf(tree, node)` is called for each leaf."""
    a = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
                         "missing_value_tracks_true")}

    def grow(tree, level):
        node = sum(1 for t in a["treeids"] if t == tree)
        place = len(a["treeids"])
        is_leaf = level == depth or (level > 0 and rng.random() < 0.2)
        row = dict(treeids=tree, nodeids=node, featureids=0 if is_leaf else int(rng.integers(FEATURES)),
                   modes="LEAF" if is_leaf else str(rng.choice(modes)),
                   values=0.0 if is_leaf else float(np.float32(rng.integers(-3, 4) / 2)), truenodeids=0,
                   falsenodeids=0, missing_value_tracks_true=int(missing and rng.random() < 0.5))
        for key, value in row.items():
            a[key].append(value)
        if is_leaf:
            leaf(tree, node)
        else:
            a["truenodeids"][place] = grow(tree, level + 1)
            a["falsenodeids"][place] = grow(tree, level + 1)
        return node

    for tree in range(trees):
        grow(tree, 0)
    if not missing:
        del a["missing_value_tracks_true"]
    return {"nodes_" + key: value for key, value in a.items()}


def weights(prefix, rng, targets, positive=False, every=True):
    lists = {prefix + key: [] for key in ("treeids", "nodeids", "ids", "weights")}

    def leaf(tree, node):
        for target in targets if every else [rng.choice(targets)]:
            value = float(np.float32(rng.uniform(0.05, 0.2) if positive else rng.normal()))
            for key, item in zip(lists, (tree, node, int(target), value)):
                lists[key].append(item)

    return lists, leaf


ALL_MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


def half_steps(rows, rng, nan=False):
    """Values that meet thresholds exactly now and then."""
    x = (rng.integers(-4, 5, (rows, FEATURES)) / 2).astype(np.float32)
    if nan:
        x[rng.random(x.shape) < 0.2] = np.nan
    return x


def regressor(rng, name, modes=("BRANCH_LEQ",), missing=False, targets=1, every=True, positive=False, depth=2, **more):
    lists, leaf = weights("target_", rng, list(range(targets)), positive, every)
    nodes = random_trees(rng, 4, depth, list(modes), leaf, missing)
    return ml("TreeEnsembleRegressor", ["x"], [name], n_targets=targets, **nodes, **lists, **more)


def regressors():
    rng = np.random.default_rng(1)
    nodes, outputs = [], {}

    def add(name, targets=1, **how):
        nodes.append(regressor(rng, name, targets=targets, **how))
        outputs[name] = (FLOAT, [None, targets])

    for mode in ALL_MODES:
        add("mode_" + mode, modes=[mode])
        add("missing_" + mode, modes=[mode], missing=True)
    add("mixed", modes=ALL_MODES, missing=True, depth=5)
    record("tree_modes", model_of(nodes, outputs), half_steps(24, rng, nan=True))
    nodes, outputs = [], {}
    for how, targets in itertools.product(["SUM", "AVERAGE", "MIN", "MAX"], [1, 3]):
        add(f"{how}_{targets}", targets, aggregate_function=how)
        add(f"{how}_{targets}_base", targets, aggregate_function=how, base_values=[0.5, -1.25, 2.0][:targets])
        add(f"{how}_{targets}_sparse", targets, aggregate_function=how, every=False)
    record("tree_aggregates", model_of(nodes, outputs), half_steps(12, rng))
    nodes, outputs = [], {}
    for transform, targets in itertools.product(TRANSFORMS, [1, 3]):
        # Probit takes probabilities.
        add(f"{transform}_{targets}", targets, positive=transform == "PROBIT", aggregate_function="AVERAGE",
            post_transform=transform, base_values=[0.3] * targets)
    record("tree_regressor_transforms", model_of(nodes, outputs), half_steps(12, rng))


def classifiers():
    rng = np.random.default_rng(2)
    x = half_steps(16, rng)

    def add(nodes, outputs, name, classes, ids, positive, **more):
        lists, leaf = weights("class_", rng, ids, positive, every=True)
        trees = random_trees(rng, 3, 2, ["BRANCH_LEQ"], leaf)
        labels = [7, -3, 12, 5][:classes]
        nodes.append(ml("TreeEnsembleClassifier", ["x"], [name + "_label", name], classlabels_int64s=labels,
                        **trees, **lists, **more))
        outputs[name + "_label"] = (INT64, [None])
        outputs[name] = (FLOAT, [None, classes])

    for ids, base in (([0], []), ([0], [0.25]), ([1], []), ([0, 1], [])):
        nodes, outputs = [], {}
        for positive, transform in itertools.product([True, False], TRANSFORMS):
            if transform == "PROBIT" and not (positive and len(ids) == 2):
                continue  # onnxruntime leaves a score unwritten, or a NaN comes of a negative one
            sign = "positive" if positive else "mixed"
            more = {"base_values": base} if base else {}
            add(nodes, outputs, f"{sign}_{transform}", 2, ids, positive, post_transform=transform, **more)
        if len(ids) == 2:  # its labels are 1 and 0 there, whatever the model says
            outputs = {name: kind for name, kind in outputs.items() if kind[0] == FLOAT}
        which = "both" if len(ids) == 2 else f"only{ids[0]}"
        record(f"tree_binary_{which}_base{len(base)}", model_of(nodes, outputs), x)
    nodes, outputs = [], {}
    for transform, base in itertools.product(TRANSFORMS, ([], [0.1, 0.2, 0.3])):
        more = {"base_values": base} if base else {}
        add(nodes, outputs, f"{transform}_{len(base)}", 3, [0, 1, 2], transform == "PROBIT", post_transform=transform, **more)
    record("tree_classes", model_of(nodes, outputs), x)


def small():
    rng = np.random.default_rng(3)
    x = half_steps(9, rng)
    x[3] = 0
    f = (FLOAT, [None, FEATURES])
    nodes = [
        ml("Scaler", ["x"], ["scaled"], offset=[0.5, -1.0, 2.0, 0.0], scale=[2.0, 0.1, -1.0, 3.0]),
        ml("Scaler", ["x"], ["scaled_alike"], offset=[0.5], scale=[2.0]),
        ml("Normalizer", ["x"], ["norm_max"], norm="MAX"), ml("Normalizer", ["x"], ["norm_l1"], norm="L1"),
        ml("Normalizer", ["x"], ["norm_l2"], norm="L2"), ml("Binarizer", ["x"], ["binary"], threshold=0.5),
        ml("LabelEncoder", ["x"], ["found"], keys_floats=[0.0, 1.0, -1.5, 1.0], values_floats=[10.0, 11.0, 12.0, 13.0],
           default_float=-7.5),
        ml("LabelEncoder", ["x"], ["integers"], keys_floats=[0.0, 1.0], values_int64s=[100, -100]),
        ml("LabelEncoder", ["integers"], ["back"], keys_int64s=[100, -100], values_floats=[0.5, 1.5], default_float=9.0),
        ml("LabelEncoder", ["integers"], ["others"], keys_int64s=[100, -1], values_int64s=[1, 2], default_int64=3),
        ml("ArrayFeatureExtractor", ["x", "columns"], ["picked"]),
    ]
    outputs = {n: f for n in ("scaled", "scaled_alike", "norm_max", "norm_l1", "norm_l2", "binary", "found", "back")}
    outputs |= {n: (INT64, [None, FEATURES]) for n in ("integers", "others")}
    outputs["picked"] = (FLOAT, [None, 3])
    columns = helper.make_tensor("columns", INT64, [3], [2, 0, 2])
    record("elementwise", model_of(nodes, outputs, [columns]), x)
    x = half_steps(9, rng, nan=True)
    nodes = [ml("Imputer", ["x"], ["imputed"], imputed_value_floats=[1.0, 2.0, 3.0, 4.0], replaced_value_float=float("nan")),
             ml("Imputer", ["x"], ["imputed_alike"], imputed_value_floats=[8.0], replaced_value_float=float("nan")),
             ml("Imputer", ["imputed"], ["replaced"], imputed_value_floats=[-1.0], replaced_value_float=1.0)]
    record("imputer", model_of(nodes, {n: f for n in ("imputed", "imputed_alike", "replaced")}), x)


def linear():
    rng = np.random.default_rng(4)
    x = half_steps(10, rng)
    nodes, outputs = [], {}
    for classes, scores, transform in itertools.product([2, 3], [1, 2, 3], TRANSFORMS):
        if (classes == 3) != (scores == 3) or transform == "PROBIT":
            continue
        name = f"{transform}_{classes}_{scores}"
        nodes.append(ml("LinearClassifier", ["x"], [name + "_label", name], classlabels_ints=[4, 9, -2][:classes],
                        coefficients=rng.normal(size=scores * FEATURES).tolist(),
                        intercepts=rng.normal(size=scores).tolist(), post_transform=transform))
        outputs |= {name + "_label": (INT64, [None]), name: (FLOAT, [None, classes])}
    record("linear_classifiers", model_of(nodes, outputs), x)
    nodes, outputs = [], {}
    for targets, transform in itertools.product([1, 3], TRANSFORMS[:4]):
        name = f"{transform}_{targets}"
        nodes.append(ml("LinearRegressor", ["x"], [name], targets=targets, post_transform=transform,
                        coefficients=rng.normal(size=targets * FEATURES).tolist(),
                        intercepts=rng.normal(size=targets).tolist()))
        outputs[name] = (FLOAT, [None, targets])
    record("linear_regressors", model_of(nodes, outputs), x)


def support_vectors():
    rng = np.random.default_rng(5)
    x = half_steps(10, rng)
    kernels = {"LINEAR": [0.0, 0.0, 3.0], "POLY": [0.3, 1.0, 2.0], "RBF": [0.4, 0.0, 3.0], "SIGMOID": [0.2, -0.3, 3.0]}
    nodes, outputs = [], {}
    for kernel, one_class in itertools.product(kernels, [0, 1]):
        name = f"{kernel}_{one_class}"
        nodes.append(ml("SVMRegressor", ["x"], [name], kernel_type=kernel, kernel_params=kernels[kernel], n_supports=5,
                        support_vectors=rng.normal(size=5 * FEATURES).tolist(), coefficients=rng.normal(size=5).tolist(),
                        rho=[0.3], one_class=one_class))
        outputs[name] = (FLOAT, [None, 1])
    nodes.append(ml("SVMRegressor", ["x"], ["bare"], kernel_type="LINEAR", kernel_params=[0.0, 0.0, 3.0],
                    coefficients=rng.normal(size=4).tolist(), rho=[0.1]))
    outputs["bare"] = (FLOAT, [None, 1])
    record("svm_regressors", model_of(nodes, outputs), x)
    nodes, outputs = [], {}

    def classifier(name, kernel, classes, positive, probable, transform):
        per, pairs = [2, 3, 2, 2][:classes], classes * (classes - 1) // 2
        coefficients = rng.normal(size=sum(per) * (classes - 1))
        more = dict(prob_a=(-rng.uniform(0.5, 2, pairs)).tolist(), prob_b=rng.normal(size=pairs).tolist()) if probable else {}
        nodes.append(ml("SVMClassifier", ["x"], [name + "_label", name], kernel_type=kernel, kernel_params=kernels[kernel],
                        vectors_per_class=per, support_vectors=rng.normal(size=sum(per) * FEATURES).tolist(),
                        coefficients=(abs(coefficients) if positive else coefficients).tolist(),
                        rho=rng.normal(size=pairs).tolist(), classlabels_ints=[5, 3, 8, 1][:classes],
                        post_transform=transform, **more))
        outputs.update({name + "_label": (INT64, [None]), name: (FLOAT, [None, classes if probable or classes == 2 else pairs])})

    for kernel, classes, probable in itertools.product(kernels, [2, 3], [False, True]):
        classifier(f"{kernel}_{classes}_{probable}", kernel, classes, False, probable, "NONE")
    record("svm_classifiers", model_of(nodes, outputs), x)
    nodes, outputs = [], {}
    for transform, classes, positive in itertools.product(TRANSFORMS[:4], [2, 4], [False, True]):
        classifier(f"{transform}_{classes}_{positive}", "RBF", classes, positive, False, transform)
    record("svm_transforms", model_of(nodes, outputs), x)


def trained():
    from sklearn import cluster, decomposition, ensemble, linear_model, naive_bayes, neural_network, pipeline
    from sklearn import preprocessing, svm, tree, impute
    from skl2onnx import to_onnx
    rng = np.random.default_rng(6)
    x = rng.normal(size=(120, FEATURES)).astype(np.float32)
    number = (x[:, 0] * 2 + x[:, 1] ** 2 - x[:, 2] + rng.normal(size=120) * 0.1).astype(np.float32)
    two, three = (number > 0.5).astype(np.int64), np.digitize(number, [0.0, 1.5]).astype(np.int64)
    r = dict(random_state=0)
    cases = {
        "forest_two": (ensemble.RandomForestClassifier(5, max_depth=4, **r), two),
        "forest_three": (ensemble.RandomForestClassifier(5, max_depth=4, **r), three),
        "forest_number": (ensemble.RandomForestRegressor(5, max_depth=4, **r), number),
        "tree_two": (tree.DecisionTreeClassifier(max_depth=4, **r), two),
        "boosted_two": (ensemble.GradientBoostingClassifier(n_estimators=5, **r), two),
        "boosted_three": (ensemble.GradientBoostingClassifier(n_estimators=4, **r), three),
        "boosted_number": (ensemble.GradientBoostingRegressor(n_estimators=6, **r), number),
        "isolation_forest": (ensemble.IsolationForest(n_estimators=3, max_samples=16, **r), None),
        "ada_two": (ensemble.AdaBoostClassifier(n_estimators=3, **r), two),
        "logistic_two": (pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), two),
        "logistic_three": (pipeline.make_pipeline(preprocessing.MinMaxScaler(), linear_model.LogisticRegression()), three),
        "ridge": (pipeline.make_pipeline(preprocessing.RobustScaler(), linear_model.Ridge()), number),
        "svc_two": (svm.SVC(kernel="rbf"), two),
        "svc_three": (svm.SVC(kernel="poly"), three),
        "linear_svc": (svm.LinearSVC(), three),
        "svr": (svm.SVR(kernel="rbf"), number),
        "one_class": (svm.OneClassSVM(), None),
        "normalized": (pipeline.make_pipeline(preprocessing.Normalizer(), linear_model.LinearRegression()), number),
        "imputed": (pipeline.make_pipeline(impute.SimpleImputer(), linear_model.LinearRegression()), number),
        "pca": (decomposition.PCA(2), None),
        "k_means": (cluster.KMeans(3, n_init=1, **r), None),
        "mlp_three": (neural_network.MLPClassifier((6,), max_iter=50, **r), three),
        "bayes_three": (naive_bayes.GaussianNB(), three),
    }
    probe = x[:12]
    for name, (model, target) in cases.items():
        model.fit(x, target)
        options = {"zipmap": False} if hasattr(model, "classes_") and name != "linear_svc" else None
        record("sk_" + name, to_onnx(model, x[:1], options=options, target_opset={"": 17, "ai.onnx.ml": 3}), probe)
    forest = ensemble.RandomForestClassifier(3, max_depth=3, **r).fit(x, np.array(["low", "middle", "high"])[three])
    record("sk_text_labels", to_onnx(forest, x[:1], target_opset={"": 17, "ai.onnx.ml": 3}), probe)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for make in (regressors, classifiers, small, linear, support_vectors, trained):
        make()
    total = sum(path.stat().st_size for path in OUT.iterdir())
    print(f"{len(list(OUT.glob('*.onnx')))} models, {total} bytes in all")
