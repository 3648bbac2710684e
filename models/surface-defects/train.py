"""Trains a small CNN that names a surface's defect; writes model.onnx, model.toml and reference.json.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r requirements.txt
    /tmp/venv/bin/python train.py                                   # on made-up pictures
    /tmp/venv/bin/python train.py --pictures FOLDER [--unseen FOLDER] [--steps COUNT]

FOLDER has a sub-folder for each class, with pictures of one size; names and size are taken from it. The figures are of the
pictures in the `--unseen` folder, else of every tenth of FOLDER, which is then not trained on. Without `--pictures` cargo
builds the example `surface` of host/sim, which makes them up: from one seed to train on, from another for the figures.

A convolution of 16 x 16 pixels that steps by 8, one of 3 x 3 places, two over single places, two dense layers. It was chosen
by measuring what tract runs well: no padding, no depthwise convolution, no maximum over places; few places and wide
kernels, so that nearly all of the time goes into large matrix products. The first layer is lines, spots and slopes at several
places and angles, and stays as it is: trained with the others it learns its pictures by heart, and is worse on others. Muon
(K. Jordan, 2024) turns the weights, Adam moves the rest. Batch normalisation is folded into the weights.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20260701
# Of the made-up pictures: what is trained on, and what the figures are of; how many of each class.
MADE_UP = {"train": (20260701, 12000), "unseen": (20260703, 1000)}
MADE_UP_DATA = "made up by host/sim/examples/surface.rs: " + ", ".join(
    f"{count} of each class from seed {seed} {use}"
    for (seed, count), use in zip(MADE_UP.values(), ("to train on", "for the figures"))
)
STEPS = 5000
BATCH = 64
RATE = 2e-3
# The last share of the steps, in which the rate falls to nothing.
LAST = 0.4
# How far a step turns a weight matrix, over the rate.
TURN = 20.0
MOMENTUM = 0.9
SMOOTHING = 0.02
# Weights that are exported are the mean over about so many steps.
AVERAGED = 200
# Of the stem, in pixels.
KERNEL, STEP = 16, 8
# Of each layer: width, kernel, step; the stem's in blocks of its step.
LAYERS = {"stem": (160, 2, 1), "mixed": (96, 1, 1), "far": (96, 3, 2), "narrow": (32, 1, 1), "dense": (64, 1, 1)}
# Deviations of a filter's answers above which a line or a spot is clear: found by a linear classifier on their means.
CLEAR = 1.7
# Against a picture without any contrast.
DEVIATION_LEAST = 1e-6
TOLERANCE = 1e-3
# Of the figures by contrast.
BANDS = (0.5, 0.7, 1.0, 1.4, 2.01)


def read(folder):
    """Class names, pictures (n, height, width, channels) of bytes, classes, and contrasts where pictures tell theirs."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    pictures, classes, contrasts = [], [], []
    for index, name in enumerate(names):
        for path in sorted((folder / name).iterdir()):
            with Image.open(path) as image:
                contrasts.append(float(image.info.get("contrast", "nan")))
                grey = image.mode in ("1", "L", "I;16")
                pictures.append(np.asarray(image.convert("L" if grey else "RGB"), np.uint8))
                classes.append(index)
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise SystemExit(f"{folder}: the pictures have {len(shapes)} shapes: {sorted(shapes)[:4]}")
    stack = np.stack(pictures)
    return names, stack.reshape(*stack.shape[:3], -1), np.array(classes), np.array(contrasts)


def made_up(folder):
    """Makes pictures up: the folders to train on and for the figures."""
    for name, (seed, count) in MADE_UP.items():
        command = ["run", "--release", "--quiet", "-p", "dinrail-sim", "--example", "surface", "--"]
        arguments = [str(folder / name), str(count), str(seed)]
        subprocess.run([os.environ.get("CARGO", "cargo"), *command, *arguments], cwd=HERE.parents[1], check=True)
    return [read(folder / name) for name in MADE_UP]


def given(pictures, unseen):
    if unseen:
        return read(pictures), read(unseen)
    names, x, y, contrast = read(pictures)
    # Within a class by name, so that every class has its share.
    held = np.concatenate([np.arange(np.sum(y == index)) % 10 == 9 for index in range(len(names))])
    return (names, x[~held], y[~held], contrast[~held]), (names, x[held], y[held], contrast[held])


def first_filters(rng, count, channels):
    """Filters and offsets. Lines of 16 angles and spots, of which only a clear one passes; bars along the rows, brightness
    and slopes, bright and dark; the rest by chance."""
    y, x = np.mgrid[:KERNEL, :KERNEL] - (KERNEL - 1) / 2
    window = np.exp(-(x * x + y * y) / (2 * (KERNEL / 3) ** 2))
    spot = lambda dx, dy, width: np.exp(-((x - dx) ** 2 + (y - dy) ** 2) / (2 * width**2))
    shapes = []
    for angle in np.arange(16) * np.pi / 16:
        across = y * np.cos(angle) - x * np.sin(angle)
        lines = [np.exp(-((across - offset) ** 2) / (2 * 1.7**2)) * window for offset in (-3, -1, 1, 3)]
        shapes += [sign * line for line in lines for sign in (1, -1)]
    shapes += [-spot(dx, dy, 2.6) for dx in (-3, -1, 1, 3) for dy in (-3, -1, 1, 3)]
    shapes += [-spot(0, 0, 3.6), spot(0, 0, 3.6)]
    clear = len(shapes)
    shapes += [-np.exp(-((y - offset) ** 2) / (2 * 2.5**2)) * window for offset in (-4, 0, 4)]
    shapes = [shape - window * (shape.sum() / window.sum()) for shape in shapes]
    shapes += [sign * shape for shape in (window, x * window, y * window) for sign in (1, -1)]
    shapes += [rng.normal(size=window.shape) * window for _ in range(max(0, count - len(shapes)))]
    filters = np.stack([shape / np.linalg.norm(shape) for shape in shapes[:count]], -1)
    offsets = np.where(np.arange(count) < clear, -CLEAR, 0.0)
    return np.repeat(filters[:, :, None] / np.sqrt(channels), channels, 2), offsets


def places(size):
    """How many places there are along a side in the end."""
    size = (size - KERNEL) // STEP + 1
    _, kernel, step = LAYERS["far"]
    size = (size - kernel) // step + 1
    if size < 1:
        raise SystemExit("the pictures are too small: 32 pixels a side are the least")
    return size


def initial(rng, shape, classes):
    height, width, channels = shape
    parameters = {}
    inputs = STEP * STEP * channels
    for name, (outputs, kernel, _) in LAYERS.items():
        count = places(height) * places(width) if name == "dense" else 1
        weights = rng.normal(size=(kernel, kernel, inputs, outputs)) * np.sqrt(2 / (inputs * kernel**2))
        offsets = np.zeros(outputs)
        if name == "stem":
            blocks = KERNEL // STEP
            filters, offsets = first_filters(rng, outputs, channels)
            filters = filters.reshape(blocks, STEP, blocks, STEP, channels, outputs)
            weights = filters.transpose(0, 2, 1, 3, 4, 5).reshape(weights.shape)
        # A mean over all places at first: most defects may lie anywhere.
        weights = np.tile(weights, (1, 1, count, 1)) / np.sqrt(count)
        parameters[name] = {"w": weights, "gain": np.ones(outputs), "b": offsets}
        inputs = outputs
    parameters["classes"] = {"w": rng.normal(size=(1, 1, inputs, classes)) / np.sqrt(inputs), "b": np.zeros(classes)}
    return jax.tree.map(lambda values: jnp.asarray(values, jnp.float32), parameters)


def convolve(x, weights, step):
    """As one product over patches."""
    kernel, _, inputs, outputs = weights.shape
    rows, columns = ((size - kernel) // step + 1 for size in x.shape[1:3])
    part = lambda i, j: x[:, i : i + (rows - 1) * step + 1 : step, j : j + (columns - 1) * step + 1 : step]
    patches = jnp.concatenate([part(i, j) for i in range(kernel) for j in range(kernel)], -1)
    product = patches.reshape(-1, kernel * kernel * inputs) @ weights.reshape(-1, outputs)
    return product.reshape(len(x), rows, columns, outputs)


def blocks(x):
    """Squares of the first layer's step as channels."""
    count, rows, columns, channels = x.shape
    rows, columns = rows // STEP, columns // STEP
    x = x[:, : rows * STEP, : columns * STEP].reshape(count, rows, STEP, columns, STEP, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(count, rows, columns, -1)


def scores(parameters, pictures):
    """A score for each class, and each layer's mean and variance in this batch."""
    x = pictures.astype(jnp.float32) / 255
    x = x - x.mean((1, 2, 3), keepdims=True)
    x = blocks(x / jnp.sqrt((x * x).mean((1, 2, 3), keepdims=True) + DEVIATION_LEAST))
    found = {}
    for name, (_, _, step) in LAYERS.items():
        layer = parameters[name]
        x = convolve(x.reshape(len(x), 1, 1, -1) if name == "dense" else x, layer["w"], step)
        mean, variance = found[name] = x.mean((0, 1, 2)), x.var((0, 1, 2))
        x = jax.nn.relu((x - mean) * (layer["gain"] / jnp.sqrt(variance + 1e-4)) + layer["b"])
        if name == "stem":
            x = jax.lax.stop_gradient(x)
    return (convolve(x, parameters["classes"]["w"], 1) + parameters["classes"]["b"])[:, 0, 0], found


def loss(parameters, pictures, classes):
    given, _ = scores(parameters, pictures)
    count = given.shape[1]
    wanted = jax.nn.one_hot(classes, count) * (1 - SMOOTHING) + SMOOTHING / count
    return -(jax.nn.log_softmax(given) * wanted).sum(1).mean()


def orthogonal(gradient):
    """The nearest matrix whose singular values are about 1, by Newton and Schulz."""
    matrix = gradient.reshape(-1, gradient.shape[-1]).T
    matrix = matrix / (jnp.linalg.norm(matrix) + 1e-7)
    for _ in range(5):
        square = matrix @ matrix.T
        matrix = 3.4445 * matrix + (-4.7750 * square + 2.0315 * square @ square) @ matrix
    return matrix.T.reshape(gradient.shape)


@jax.jit
def improve(state, pictures, classes, step, rate):
    parameters, first, second, averaged = state
    gradients = jax.grad(loss)(parameters, pictures, classes)
    first = jax.tree.map(lambda m, g: MOMENTUM * m + (1 - MOMENTUM) * g, first, gradients)
    second = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, second, gradients)

    def updated(layer, name):
        if layer == "stem":
            return parameters[layer][name]
        at, m, s, g = (tree[layer][name] for tree in (parameters, first, second, gradients))
        if name == "w" and layer in LAYERS:
            to = at - rate * TURN * orthogonal(MOMENTUM * m + (1 - MOMENTUM) * g)
            # Its size means nothing before a normalisation.
            return to * (jnp.linalg.norm(at) / jnp.linalg.norm(to))
        return at - rate * (m / (1 - MOMENTUM**step)) / (jnp.sqrt(s / (1 - 0.99**step)) + 1e-8)

    parameters = {layer: {name: updated(layer, name) for name in values} for layer, values in parameters.items()}
    keep = jnp.minimum(1 - 1 / AVERAGED, step / (step + 9))
    averaged = jax.tree.map(lambda a, p: keep * a + (1 - keep) * p, averaged, parameters)
    return parameters, first, second, averaged


def train(x, y, classes, steps):
    rng = np.random.default_rng(SEED)
    parameters = initial(rng, x.shape[1:], classes)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = parameters, zeros, zeros, parameters
    order, step = rng.permutation(len(x)), 0
    while step < steps:
        step += 1
        if len(order) < BATCH:
            order = np.concatenate([order, rng.permutation(len(x))])
        batch, order = order[:BATCH], order[BATCH:]
        # Mirrored, a surface shows the same defect.
        pictures = np.ascontiguousarray(x[batch][:, :: rng.choice([1, -1]), :: rng.choice([1, -1])])
        left = (steps - step) / (steps * LAST)
        state = improve(state, pictures, y[batch], float(step), RATE * min(1, step / 100, left + 1e-3))
    return state[3]


def moments(parameters, x):
    """Means over a sample of the pictures, for weights that no batch has seen together."""
    run = jax.jit(lambda pictures: scores(parameters, pictures)[1])
    sample = np.random.default_rng(SEED + 1).permutation(len(x))[: 20 * BATCH]
    found = [run(x[sample[at : at + BATCH]]) for at in range(0, len(sample), BATCH)]
    return jax.tree.map(lambda *values: np.mean(values, 0), *found)


def folded(parameters, moments):
    """Weights and offset of each layer, its normalisation in them."""
    layers = {}
    for name in [*LAYERS, "classes"]:
        layer = parameters[name]
        weights, offset = np.asarray(layer["w"], np.float64), np.asarray(layer["b"], np.float64)
        if name in LAYERS:
            mean, variance = moments[name]
            gain = np.asarray(layer["gain"], np.float64) / np.sqrt(np.asarray(variance, np.float64) + 1e-4)
            weights, offset = weights * gain, offset - mean * gain
        layers[name] = weights, offset
    return layers


def export(layers, shape):
    """NCHW; the picture is brought to mean 0 and deviation 1 within the graph. Weights lie in the file as f16."""
    height, width, channels = shape
    nodes, initializers = [], []

    def constant(name, values, kind=np.float32):
        initializers.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(kind, *inputs, to=None, **attributes):
        to = to or f"{kind.lower()}{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [to], name=to, **attributes))
        return to

    def halved(name, values):
        half = constant(f"{name}_f16", values, np.float16)
        nodes.append(helper.make_node("Cast", [half], [name], name=name, to=TensorProto.FLOAT))
        return name

    mean = node("ReduceMean", "picture", axes=[1, 2, 3])
    centred = node("Sub", "picture", mean)
    variance = node("ReduceMean", node("Mul", centred, centred), axes=[1, 2, 3])
    at = node("Div", centred, node("Sqrt", node("Add", variance, constant("least", [DEVIATION_LEAST]))))
    for name, (weights, offset) in layers.items():
        kernel, _, inputs, outputs = weights.shape
        bias = constant(f"{name}_b", offset)
        if name in ("dense", "classes"):
            if name == "dense":
                rows, columns, inner = places(height), places(width), LAYERS["narrow"][0]
                weights = weights.reshape(rows, columns, inner, outputs).transpose(2, 0, 1, 3)
                at = node("Flatten", at)
            last = name == "classes"
            at = node("Gemm", at, halved(f"{name}_w", weights.reshape(-1, outputs)), bias, to="classes" if last else None)
            at = at if last else node("Relu", at)
            continue
        step = LAYERS[name][2]
        if name == "stem":
            blocks = KERNEL // STEP
            weights = weights.reshape(blocks, blocks, STEP, STEP, channels, outputs).transpose(0, 2, 1, 3, 4, 5)
            weights, kernel, step = weights.reshape(KERNEL, KERNEL, channels, outputs), KERNEL, STEP
        shared = halved(f"{name}_w", weights.transpose(3, 2, 0, 1))
        at = node("Relu", node("Conv", at, shared, bias, kernel_shape=[kernel] * 2, strides=[step] * 2))
    value = lambda name, sizes: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sizes])
    count = layers["classes"][1].size
    graph = helper.make_graph(
        nodes, "surface-defects", [value("picture", [channels, height, width])], [value("classes", [count])], initializers
    )
    model = helper.make_model(graph, producer_name="dinrail", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def shares_right(run, x, y, contrast, names):
    """Accuracy in all, of each class, and by contrast where pictures tell theirs (there without the good ones)."""
    right = np.concatenate([run(x[at : at + 200]).argmax(1) for at in range(0, len(x), 200)]) == y
    metrics = {"accuracy": right.mean()}
    metrics |= {f"accuracy_{name}": right[y == index].mean() for index, name in enumerate(names)}
    flawed = np.isfinite(contrast) & np.array([name != "good" for name in names])[y]
    for low, high in zip(BANDS, BANDS[1:]):
        within = flawed & (low <= contrast) & (contrast < high)
        if within.any():
            metrics[f"accuracy_contrast_{low:.1f}_to_{high:.1f}".replace(".", "_")] = right[within].mean()
    return {name: float(value) for name, value in metrics.items()}


def manifest(digest, names, shape, data, steps, metrics):
    height, width, channels = shape
    kind = "grey levels" if channels == 1 else "colours"
    text = f'''# Written by train.py; not edited by hand.
name = "surface-defects"
summary = "Which defect a picture of a surface shows: {", ".join(names)}"
file = "model.onnx"
sha256 = "{digest}"
licence = "Apache-2.0 OR MIT"
reference = "reference.json"

[[inputs]]
name = "picture"
shape = ["batch", {channels}, {height}, {width}]
unit = "1"
summary = "The picture's {kind} from 0 to 1, channels first"
# No `statistics`: the model itself brings every picture to mean 0 and deviation 1.

[[outputs]]
name = "classes"
shape = ["batch", {len(names)}]
unit = "1"
summary = "Logarithm of each class's share, up to a constant: {", ".join(names)}"

[provenance]
script = "train.py"
requirements = "requirements.txt"
data = "{data}"
seed = {SEED}
steps = {steps}
batch = {BATCH}
method = "convolutional network, Muon and Adam, mean of the last weights, weights kept as f16"

# On pictures that were not trained on.
[metrics]
'''
    return text + "".join(f"{name} = {value:.4f}\n" for name, value in metrics.items())


def reference(run, shape):
    """Made-up pictures: none of a plant's is handed on."""
    rng = np.random.default_rng(SEED + 2)
    height, width, channels = shape
    values = lambda a: {"shape": list(a.shape), "values": [float(v) for v in a.ravel()]}
    cases = []
    for slope in (0, 60):
        ramp = np.linspace(-slope, slope, width)[:, None]
        picture = np.clip(128 + ramp + 12 * rng.normal(size=(1, height, width, channels)), 0, 255).astype(np.uint8)
        cases.append({"inputs": {"picture": values(tensor(picture))}, "outputs": {"classes": values(run(picture))}})
    return {"tolerance": TOLERANCE, "cases": cases}


def tensor(pictures):
    """As the host hands pictures over."""
    return pictures.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


def deliver(parameters, known, unseen, data, steps):
    """Writes the three files, and tells the figures."""
    names, x, _, _ = known
    shape = x.shape[1:]
    model = export(folded(parameters, moments(parameters, x)), shape)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    run = lambda pictures: session.run(None, {"picture": tensor(pictures)})[0]
    metrics = shares_right(run, *unseen[1:], names)
    digest = hashlib.sha256(model).hexdigest()
    (HERE / "reference.json").write_text(json.dumps(reference(run, shape)) + "\n")
    (HERE / "model.onnx").write_bytes(model)
    (HERE / "model.toml").write_text(manifest(digest, names, shape, data, steps, metrics))
    print(f"model.onnx {len(model)} bytes sha256 {digest}")
    for name, value in metrics.items():
        print(f"{name} {value:.4f}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pictures", type=pathlib.Path)
    arguments.add_argument("--unseen", type=pathlib.Path)
    arguments.add_argument("--steps", type=int, default=STEPS)
    arguments = arguments.parse_args()
    if arguments.unseen and not arguments.pictures:
        raise SystemExit("--unseen goes with --pictures")
    if arguments.pictures:
        known, unseen = given(arguments.pictures, arguments.unseen)
        data = f"{len(known[1])} pictures; not part of this repository"
    else:
        with tempfile.TemporaryDirectory() as folder:
            known, unseen = made_up(pathlib.Path(folder))
        data = MADE_UP_DATA
    names, x, y, _ = known
    if unseen[0] != names or unseen[1].shape[1:] != x.shape[1:]:
        raise SystemExit("the unseen pictures have other classes or another size")
    parameters = train(x, y, len(names), arguments.steps)
    deliver(parameters, known, unseen, data, arguments.steps)


if __name__ == "__main__":
    main()
