"""Trains the dense autoencoder of one channel's standardised window, and writes model.onnx, model.toml, reference.json.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r requirements.txt
    /tmp/venv/bin/python train.py

The model sees W samples of *one* channel, in units of that channel's standard deviation in its calibration; the channels
of a plant are its batch. So nothing trained here assumes how many channels there are or what they measure. It learns the
shapes that a healthy signal takes; what it cannot redraw is unlike them: a spike, a change of roughness, a level far
outside what was seen. Every number is generated here from SEED; no measurement of any plant is used.
"""

import os

# One thread: the order of the sums, and with it the file, is then the same on every run of one machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import hashlib
import json
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPRegressor

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20240611
WINDOW = 32
HIDDEN = (48, 8, 48)
WINDOWS_TRAIN = 150_000
WINDOWS_TEST = 6_000
EPOCHS = (40, 20)
RATES = (1.5e-3, 2e-4)
# What the plugin clips its input to.
CLIP = 8.0
TOLERANCE = 1e-4


def ar1(rng):
    """First-order autoregressive noise of unit variance, any correlation from white to almost a walk."""
    phi = rng.choice([rng.uniform(0.0, 0.95), rng.uniform(0.9, 0.995)])
    x = np.empty(WINDOW)
    x[0] = rng.normal()
    for t in range(1, WINDOW):
        x[t] = phi * x[t - 1] + np.sqrt(1.0 - phi * phi) * rng.normal()
    return x


def ramp(rng):
    """A slow rise or fall across the window, from any level."""
    t = np.linspace(-0.5, 0.5, WINDOW)
    return rng.normal() + rng.normal() * t


def load_step(rng):
    """A step of load somewhere in the window or before it, answered with a first-order lag."""
    start = rng.uniform(-WINDOW, WINDOW)
    lag = np.exp(rng.uniform(np.log(0.3), np.log(25.0)))
    after = np.clip(np.arange(WINDOW) - start, 0.0, None)
    return rng.normal() * 0.8 + rng.normal() * 1.2 * (1.0 - np.exp(-after / lag))


def periodic(rng):
    """One to three sines, from a fifth of a period in the window to four samples a period."""
    t = np.arange(WINDOW)
    x = np.zeros(WINDOW)
    for _ in range(rng.integers(1, 4)):
        period = np.exp(rng.uniform(np.log(4.0), np.log(5.0 * WINDOW)))
        x += rng.normal() * np.sin(2.0 * np.pi * (t / period + rng.uniform()))
    return x + 0.5 * rng.normal()


def walk(rng):
    """A random walk from any level."""
    return rng.normal() + np.cumsum(rng.normal(size=WINDOW)) * np.exp(rng.uniform(np.log(0.01), np.log(0.3)))


FAMILY = {"ar1": ar1, "ramp": ramp, "load_step": load_step, "periodic": periodic, "walk": walk}


def windows(rng, n, only=None):
    """n windows (n, WINDOW): each from a random member, of random size, with measurement noise on top."""
    names = [only] if only else list(FAMILY)
    out = np.empty((n, WINDOW))
    for i in range(n):
        clean = FAMILY[names[rng.integers(len(names))]](rng) * rng.uniform(0.4, 1.4)
        out[i] = clean + rng.normal(size=WINDOW) * rng.uniform(0.0, 0.6)
    return np.clip(out, -CLIP, CLIP)


def fit(rng):
    """Adam at two rates, one after the other: the second one settles what the first has found."""
    net = MLPRegressor(
        hidden_layer_sizes=HIDDEN, activation="tanh", solver="adam", alpha=1e-6, batch_size=256,
        tol=0.0, n_iter_no_change=sum(EPOCHS) + 1, random_state=SEED, warm_start=True,
    )
    x = windows(rng, WINDOWS_TRAIN)
    for epochs, rate in zip(EPOCHS, RATES):
        net.set_params(max_iter=epochs, learning_rate_init=rate)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It ends by its epochs, as meant.
            net.fit(x, x)
    return net


def export(net):
    """Gemm and Tanh only, the batch symbolic."""
    nodes, weights, at = [], [], "window"
    for i, (w, b) in enumerate(zip(net.coefs_, net.intercepts_)):
        last = i + 1 == len(net.coefs_)
        weights += [numpy_helper.from_array(w.astype(np.float32), f"w{i}"), numpy_helper.from_array(b.astype(np.float32), f"b{i}")]
        to = "reconstruction" if last else f"h{i}"
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [to], name=f"gemm{i}"))
        if not last:
            nodes.append(helper.make_node("Tanh", [to], [f"a{i}"], name=f"tanh{i}"))
            at = f"a{i}"
    shape = ["batch", WINDOW]
    graph = helper.make_graph(
        nodes, "channel-autoencoder",
        [helper.make_tensor_value_info("window", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("reconstruction", TensorProto.FLOAT, shape)],
        weights,
    )
    model = helper.make_model(graph, producer_name="dinrail", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def rms_error(run, x):
    x = x.astype(np.float32)
    return np.sqrt(np.mean((run(x) - x) ** 2, axis=1))


def measure(run):
    """Unseen windows: the error by member, against what eight principal components leave, and how far faults stand out."""
    rng = np.random.default_rng(SEED + 1)
    metrics = {f"rms_{name}": float(np.mean(rms_error(run, windows(rng, WINDOWS_TEST // 5, name)))) for name in FAMILY}
    x = windows(rng, WINDOWS_TEST)
    clean = rms_error(run, x)
    metrics["rms_all"] = float(np.mean(clean))
    _, _, axes = np.linalg.svd(windows(rng, WINDOWS_TEST), full_matrices=False)
    metrics["rms_all_of_8_principal_components"] = float(np.mean(np.sqrt(np.mean((x - x @ axes[:8].T @ axes[:8]) ** 2, axis=1))))
    spike = x.copy()
    spike[np.arange(len(x)), rng.integers(WINDOW, size=len(x))] += 4.0
    level = x + 6.0
    for name, faulty in {"spike_of_4": spike, "level_of_6": level}.items():
        # The chance that a faulty window has the larger error (area under the ROC curve).
        metrics[f"auc_{name}"] = float(np.mean(np.searchsorted(np.sort(clean), rms_error(run, faulty)) / len(x)))
    return metrics


def reference(run):
    rng = np.random.default_rng(SEED + 2)
    cases = []
    for batch in (1, 3):
        x = windows(rng, batch).astype(np.float32)
        cases.append({
            "inputs": {"window": {"shape": [batch, WINDOW], "values": x.ravel().tolist()}},
            "outputs": {"reconstruction": {"shape": [batch, WINDOW], "values": run(x).ravel().tolist()}},
        })
    return {"tolerance": TOLERANCE, "cases": cases}


def manifest(digest, metrics):
    figures = "\n".join(f"{name} = {value:.4f}" for name, value in metrics.items())
    return f'''# Written by train.py; not edited by hand.
name = "channel-autoencoder"
summary = "Redraws one channel's standardised window; what it cannot redraw is unlike a healthy signal"
file = "model.onnx"
sha256 = "{digest}"
licence = "Apache-2.0 OR MIT"
reference = "reference.json"

[[inputs]]
name = "window"
shape = ["batch", {WINDOW}]
unit = "1"
summary = "Channels x samples, oldest first, in standard deviations of the channel's calibration, clipped to +-{CLIP:g}"
# No `statistics`: the plugin standardises each window by the channel's own calibration and clips it, so that no range of
# the training data would tell a channel that is unlike them.

[[outputs]]
name = "reconstruction"
shape = ["batch", {WINDOW}]
unit = "1"
summary = "The same windows, redrawn"

[provenance]
script = "train.py"
requirements = "requirements.txt"
data = "generated by the script: AR(1) noise, ramps, lagged load steps, periodic signals, random walks, with measurement noise"
seed = {SEED}
windows = {WINDOWS_TRAIN}
epochs = {sum(EPOCHS)}
layers = "{WINDOW}-{'-'.join(map(str, HIDDEN))}-{WINDOW}, tanh"

# On windows that were not trained on.
[metrics]
{figures}
'''


def main():
    blob = export(fit(np.random.default_rng(SEED)))
    session = onnxruntime.InferenceSession(blob, providers=["CPUExecutionProvider"])
    run = lambda x: session.run(["reconstruction"], {"window": x})[0]
    metrics = measure(run)
    digest = hashlib.sha256(blob).hexdigest()
    (HERE / "model.onnx").write_bytes(blob)
    (HERE / "model.toml").write_text(manifest(digest, metrics))
    (HERE / "reference.json").write_text(json.dumps(reference(run)) + "\n")
    print(f"model.onnx {len(blob)} bytes sha256 {digest}")
    for name, value in metrics.items():
        print(f"{name} {value:.4f}")


if __name__ == "__main__":
    main()
