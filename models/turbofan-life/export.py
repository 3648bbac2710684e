"""Networks of one shape as one ONNX graph of Gemm, Relu and Concat, which gives their mean."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# What the networks' outputs were scaled by in training.
CENTRE, SCALE = 80.0, 40.0


def export(members, name):
    """The model's bytes. Scalings are folded into the first and the last layer, the mean into the last."""
    nodes, weights, hidden = [], [], []

    def gemm(at, w, b, to):
        weights.extend(numpy_helper.from_array(a.astype(np.float32), f"{to}_{part}") for part, a in (("w", w), ("b", b)))
        nodes.append(helper.make_node("Gemm", [at, f"{to}_w", f"{to}_b"], [to], name=to))

    for m, (network, mean, sd) in enumerate(members):
        at = "features"
        for i in range(network.layers - 1):
            w, b = network.p[i].astype(float), network.p[network.layers + i].astype(float)
            if i == 0:
                w, b = w / sd[:, None].astype(float), b - (mean.astype(float) / sd.astype(float)) @ w
            gemm(at, w, b, f"m{m}_{i}")
            at = f"m{m}_{i}_relu"
            nodes.append(helper.make_node("Relu", [f"m{m}_{i}"], [at], name=at))
        hidden.append(at)
    nodes.append(helper.make_node("Concat", hidden, ["hidden"], name="hidden", axis=1))
    last = [(n.p[n.layers - 1].astype(float), n.p[-1].astype(float)) for n, _, _ in members]
    gemm("hidden", np.concatenate([w for w, _ in last]) * SCALE / len(members), np.mean([b for _, b in last], 0) * SCALE + CENTRE, "life")
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", len(members[0][1])])],
        [helper.make_tensor_value_info("life", TensorProto.FLOAT, ["batch", 1])],
        weights,
    )
    model = helper.make_model(graph, producer_name="dinrail", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
