"""Reference values for crates/chextransfer-models/tests/parity: one JSON file a network in tests/reference of that crate.

Run by hand with torch 2.15.0, torchvision 0.29.2, timm 1.0.31 and NumPy 2.4.6; without names it writes all of them:

    python tests/reference/network_parity.py [densenet121 densenet121-minus1 ...]

Weights, images and targets are a formula of a tensor's name and an element's index, so that both sides make them and none
are stored. All are float32 there and are then computed with in float64 here: a difference is the rounding of the network
under test alone. How far torch's own float32 is from this, measured alike, stands in every file under "float32".
"""

import argparse
import contextlib
import json
import math
import pathlib
import sys
from unittest import mock

import numpy as np
import timm
import torch
import torchvision

CLASSES = 14
BATCH = 2
STEPS = 3
OUTPUT = pathlib.Path(__file__).parents[2] / "crates/chextransfer-models/tests/reference"

DENSE_BLOCKS = [f"features.denseblock{block}" for block in range(1, 5)]
STAGES = [f"layer{stage}" for stage in range(1, 5)]
MBCONV_STAGES = [f"features.{stage}" for stage in range(1, 8)]
# Architecture, gain of its weights in evaluation, and the modules whose outputs are the blocks' maps. torchvision numbers the
# inverted residuals of MobileNets through: the last of each row of the papers' tables is named here.
NETWORKS = {
    "densenet121": (2.45, DENSE_BLOCKS),
    "densenet169": (2.45, DENSE_BLOCKS),
    "densenet201": (2.45, DENSE_BLOCKS),
    "resnet18": (1.9, STAGES),
    "resnet34": (1.7, STAGES),
    "resnet50": (1.8, STAGES),
    "resnet101": (1.6, STAGES),
    "inception_v3": (2.45, [f"Mixed_{unit}" for unit in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split()]),
    "inception_v4": (2.45, [f"features.{unit}" for unit in range(6, 22)]),
    "mnasnet1_0": (2.1, [f"layers.{layer}" for layer in range(7, 14)]),
    "efficientnet_b0": (2.65, MBCONV_STAGES),
    "efficientnet_b1": (2.5, MBCONV_STAGES),
    "efficientnet_b2": (2.5, MBCONV_STAGES),
    "efficientnet_b3": (2.45, MBCONV_STAGES),
    "mobilenet_v2": (2.2, [f"features.{unit}" for unit in (1, 3, 6, 10, 13, 16, 17)]),
    "mobilenet_v3_large": (2.3, [f"features.{unit}" for unit in (1, 3, 6, 10, 12, 15)]),
}
# In training, normalisation makes the scale of the weights before it meaningless.
TRAINING_GAIN = 2.0
TRAINED_AT = {
    # The auxiliary classifier does not fit less than 299, and there ends in a map of 1x1: two values, of which normalisation
    # makes 1 and -1 whatever they are.
    "inception_v3": (299, 347),
    # Few enough windows of max pooling that images exist which have no two elements all but equal in any of them.
    "inception_v4": (128, 128),
}
# How many of the last blocks the paper drops, at most, and the head that stays where it was.
TRUNCATIONS = {
    "densenet121": (3, "classifier"),
    "resnet18": (3, "fc"),
    "efficientnet_b0": (2, "classifier.1"),
    "mnasnet1_0": (4, "classifier.1"),
}
# Which of many draws of images a network is trained on, by the start of its name and the size: those with a wide `margin`,
# found with `--search`. The first, where none is named.
DRAWS = {
    ("densenet", (224, 224)): 59,
    ("resnet", (224, 224)): 18,
    ("resnet", (320, 320)): 5,
    ("resnet", (299, 267)): 31,
    ("inception_v3", (299, 347)): 50,
    ("inception_v4", (128, 128)): 47,
    ("mobilenet_v2", (224, 224)): 24,
}


class Case:
    """A network, the images it sees in evaluation and in training, and how many steps it is trained."""

    def __init__(self, architecture, minus=0, image=(224, 224), trained_at=None, steps=STEPS, transform_input=False):
        self.architecture = architecture
        self.minus = minus
        self.image = image
        self.trained_at = trained_at
        self.steps = steps
        self.transform_input = transform_input

    @property
    def name(self):
        minus = f"-minus{self.minus}" if self.minus else ""
        image = f"-{self.image[0]}x{self.image[1]}" if self.image != (224, 224) else ""
        return self.architecture + minus + image + ("-transform_input" if self.transform_input else "")

    @property
    def draw(self):
        """Which images it is trained on."""
        found = (draw for (stem, size), draw in DRAWS.items() if self.architecture.startswith(stem) and self.trained_at == size)
        return next(found, 0)

    @property
    def gain(self):
        return NETWORKS[self.architecture][0]

    @property
    def blocks(self):
        blocks = NETWORKS[self.architecture][1]
        return blocks[: len(blocks) - self.minus]


def cases():
    for architecture in NETWORKS:
        trained_at = TRAINED_AT.get(architecture, (224, 224))
        deepest_cut, _ = TRUNCATIONS.get(architecture, (0, None))
        for minus in range(deepest_cut + 1):
            yield Case(architecture, minus, trained_at=trained_at)
    for architecture in ("resnet18", "efficientnet_b0"):
        for image in ((320, 320), (299, 267)):
            yield Case(architecture, image=image, trained_at=image, steps=0)
    yield Case("inception_v3", transform_input=True)


def uniform(name, shape):
    """Numbers in [-1, 1): splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits, exact in float32."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, math.prod(shape) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0).reshape(shape)


def in_evaluation(name, shape, gain, _normalization):
    """Maps keep their scale from the first block to the last, with zero within their spread."""
    values = uniform(name, shape)
    kind = name.rsplit(".", 1)[-1]
    if kind == "weight" and len(shape) > 1:
        return values * (gain / math.sqrt(math.prod(shape[1:])))
    if kind == "weight":
        return 1.0 + 0.2 * values
    if kind == "running_var":
        return 1.0 + 0.25 * values
    return 0.1 * values


def in_training(name, shape, _gain, normalization):
    """Like `in_evaluation`, but normalised values lie about five standard deviations from the nearest kink of ReLU (0),
    ReLU6 (0, 6) and hard-swish (-3, 3), above zero in three quarters of the channels.

    A value that rounding moves across a kink changes all gradients before it. With normalised values about zero some of a
    network's ten million always do, and torch's own float32 gradients are then 1 % to 30 % off.
    """
    values = uniform(name, shape)
    if normalization and name.endswith(".weight"):
        return 0.3 * (1.0 + 0.2 * values)
    if normalization and name.endswith(".bias"):
        # These are added to a shortcut before the activation: some above zero and some below would give any sum.
        added = any(part in ("bn2", "bn3", "downsample") for part in name.split("."))
        return np.where((values >= -0.5) | added, 1.5, -4.5) + 0.1 * values
    return in_evaluation(name, shape, TRAINING_GAIN, normalization)


def images(size, draw=0):
    """Squares of 32 pixels under noise: images that differ from each other, and from place to place."""
    height, width = size
    squares = uniform("squares", (BATCH, 3, -(-height // 32), -(-width // 32))).repeat(32, 2).repeat(32, 3)
    noise = uniform(f"noise{draw}", (BATCH, 3, height, width))
    return torch.from_numpy((squares[:, :, :height, :width] + noise).astype(np.float32))


def targets():
    return torch.from_numpy(uniform("targets", (BATCH, CLASSES)) > 0.0)


def build(case, formula, dtype):
    options = {"transform_input": case.transform_input, "init_weights": False} if case.architecture == "inception_v3" else {}
    if case.architecture == "inception_v4":
        network = timm.create_model(case.architecture, pretrained=False, num_classes=CLASSES)
    else:
        network = torchvision.models.get_model(case.architecture, weights=None, num_classes=CLASSES, **options)
    if case.minus:
        truncate(network, case)
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            normalization = f"{name.rsplit('.', 1)[0]}.running_var" in state
            values = formula(name, tuple(tensor.shape), case.gain, normalization)
            state[name] = torch.from_numpy(values.astype(np.float32))
    network.load_state_dict(state)
    # Random draws cannot be compared.
    for module in network.modules():
        if isinstance(module, (torch.nn.Dropout, torchvision.ops.StochasticDepth)):
            module.p = 0.0
    return network.to(dtype)


def truncate(network, case):
    """Keeps the children up to the last kept block; then global average pooling and one linear layer."""
    path, _, last = case.blocks[-1].rpartition(".")
    body = network.get_submodule(path)
    children = list(dict(body.named_children()))
    kept = children[: children.index(last) + 1]
    for child in children[len(kept) :]:
        delattr(body, child)

    def features(map):
        for child in kept:
            map = body.get_submodule(child)(map)
        return map.mean((2, 3))

    with torch.no_grad():
        channels = features(images((64, 64))).shape[1]
    head = TRUNCATIONS[case.architecture][1]
    network.set_submodule(head, torch.nn.Linear(channels, CLASSES))
    network.forward = lambda images: network.get_submodule(head)(features(images))


def sketch(tensor, samples):
    """The Euclidean norm, the inner product with a direction of the formula's, and elements at steps of the golden ratio."""
    flat = tensor.detach().double().flatten()
    # Even steps would meet the same channel again and again.
    places = [(i * 0x9E3779B9 % 2**32) * len(flat) >> 32 for i in range(1, samples + 1)]
    along = torch.from_numpy(uniform("direction", flat.shape)).dot(flat)
    return [flat.norm().item(), along.item()] + [flat[place].item() for place in places]


def evaluation(case, dtype):
    network = build(case, in_evaluation, dtype).eval()
    maps = {}
    for block in case.blocks:
        keep = lambda _module, _inputs, output, block=block: maps.update({block: output.clone()})
        network.get_submodule(block).register_forward_hook(keep)
    with torch.no_grad():
        logits = network(images(case.image).to(dtype))
    blocks = [{"module": block, "shape": list(map.shape), "map": sketch(map, 200)} for block, map in maps.items()]
    return {"blocks": blocks, "logits": logits.flatten().tolist()}


def training(case, dtype):
    """One backward pass with the batch's statistics, and the losses before and after each step of Adam."""
    network = build(case, in_training, dtype).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items() if ".running_" in name}
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.999), eps=1e-8)
    result = {"image": list(case.trained_at), "draw": case.draw}
    losses = []
    for step in range(case.steps + 1):
        output = network(images(case.trained_at, case.draw).to(dtype))
        logits, auxiliary = output if case.architecture == "inception_v3" else (output, None)
        cross_entropy = lambda logits: torch.nn.functional.binary_cross_entropy_with_logits(logits, targets().to(dtype))
        # The weight is that of torchvision's training recipe.
        loss = cross_entropy(logits) + (0.0 if auxiliary is None else 0.4 * cross_entropy(auxiliary))
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            state = network.state_dict()
            result["logits"] = logits.flatten().tolist()
            if auxiliary is not None:
                result["auxiliary"] = auxiliary.flatten().tolist()
            result["changes"] = {name: sketch(state[name] - before[name], 2) for name in before}
            result["gradients"] = {name: sketch(parameter.grad, 4) for name, parameter in network.named_parameters()}
        optimizer.step()
    return result | {"losses": losses}


def farthest(found, expected, typical):
    """The largest difference of elements, relative to a typical one or to themselves."""
    return max(abs(f - e) / max(typical, abs(e)) for f, e in zip(found, expected))


# Where the derivative of an activation jumps.
KINKS = {"relu": (0.0,), "hardtanh": (0.0, 6.0), "hardswish": (-3.0, 3.0), "hardsigmoid": (-3.0, 3.0)}


def margin(case, draw):
    """How far the networks' activations are from kinks, and the largest elements of max-pooling windows from the second, in
    units of float32's rounding: the least of all.

    Rounding that moves a value across a kink, or lets another element win, changes all gradients before it: three windows of
    Inception-v4's last poolings change some by a fifth.
    """
    exact, margins = [], []

    def recorded(function, distance):
        def call(map, *arguments, **options):
            if map.dtype == torch.float64:
                exact.append(map.clone())
            else:
                value = exact.pop(0)
                rounding = (map.double() - value).square().mean().sqrt()
                margins.append((distance(value, *arguments, **options).min() / rounding).item())
            return function(map, *arguments, **options)

        return call

    def to_kinks(kinks):
        return lambda map, *_, **__: torch.stack([(map - kink).abs().min() for kink in kinks])

    def to_second(map, kernel_size, stride, padding=0, *_, **__):
        padded = torch.nn.functional.pad(map, [padding] * 4, value=-math.inf)
        windows = padded.unfold(2, kernel_size, stride).unfold(3, kernel_size, stride).flatten(4)
        first, second = windows.topk(2).values.unbind(-1)
        # Windows of zeros pass no gradient on.
        return (first - second)[first > 0.0]

    distances = {name: to_kinks(kinks) for name, kinks in KINKS.items()} | {"max_pool2d": to_second}
    for dtype in (torch.float64, torch.float32):
        network = build(case, in_training, dtype).train()
        with contextlib.ExitStack() as stack, torch.no_grad():
            for name, distance in distances.items():
                function = getattr(torch.nn.functional, name)
                stack.enter_context(mock.patch.object(torch.nn.functional, name, recorded(function, distance)))
            network(images(case.trained_at, draw).to(dtype))
    return min(margins, default=math.inf)


def search(case):
    """Prints the images with the widest margin, and that of those which are used."""
    if case.trained_at:
        used, best, draw = margin(case, case.draw), *max((margin(case, draw), draw) for draw in range(100))
        print(f"{case.name}: {case.draw} has {used:.2g}, {draw} has {best:.2g}")


def deviation(found, expected, elements, floor=0.0):
    """The largest difference of two sketches of a tensor with so many elements; see `Sketch` in tests/parity."""
    norm = max(expected[0], floor)
    along = abs(found[1] - expected[1]) * math.sqrt(3.0)
    return max(abs(found[0] - expected[0]) / norm, along / norm, farthest(found[2:], expected[2:], norm / math.sqrt(elements)))


def median(numbers):
    numbers = sorted(numbers)
    return numbers[len(numbers) // 2]


def root_mean_square(numbers):
    return math.sqrt(sum(number**2 for number in numbers) / len(numbers))


def float32(case, expected):
    """How far float32 is from float64 in torch itself."""
    found = evaluation(case, torch.float32)
    logits = expected["evaluation"]["logits"]
    result = {
        "maps": max(
            deviation(f["map"], e["map"], math.prod(e["shape"]))
            for f, e in zip(found["blocks"], expected["evaluation"]["blocks"])
        ),
        "logits": farthest(found["logits"], logits, root_mean_square(logits)),
    }
    if "training" in expected:
        expected = expected["training"]
        found = training(case, torch.float32)
        elements = {name: tensor.numel() for name, tensor in build(case, in_training, torch.float32).state_dict().items()}
        floor = 0.1 * median(numbers[0] for numbers in expected["gradients"].values())
        for kind, floor in (("changes", 0.0), ("gradients", floor)):
            deviations = [deviation(found[kind][name], e, elements[name], floor) for name, e in expected[kind].items()]
            result |= {kind: max(deviations), f"median_{kind}": median(deviations)}
        result["losses"] = farthest(found["losses"], expected["losses"], 0.0)
    return {kind: float(f"{number:.2g}") for kind, number in result.items()}


def rounded(value):
    """Seven digits, about as many as float32 has."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def lines(value, depth=0):
    """JSON with a line for every block and every tensor, so that a change can be read."""
    entries = lambda items: "\n" + ",\n".join(items) + "\n"
    if depth < 3 and isinstance(value, dict):
        return "{" + entries(f"{json.dumps(key)}:{lines(item, depth + 1)}" for key, item in value.items()) + "}"
    if depth < 3 and isinstance(value, list) and isinstance(value[0], dict):
        return "[" + entries(lines(item, depth + 1) for item in value) + "]"
    return json.dumps(value, separators=(",", ":"))


def write(case):
    versions = [f"{module.__name__} {module.__version__.split('+')[0]}" for module in (torch, torchvision, timm)]
    network = build(case, in_evaluation, torch.float32)
    result = {
        "written_by": f"tests/reference/network_parity.py with {', '.join(versions)}, in float64",
        "architecture": case.architecture,
        "minus": case.minus,
        "transform_input": case.transform_input,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "gain": case.gain,
        "image": list(case.image),
        "evaluation": evaluation(case, torch.float64),
    }
    if case.trained_at:
        result["training"] = training(case, torch.float64)
    result["float32"] = float32(case, result)
    (OUTPUT / f"{case.name}.json").write_text(lines(rounded(result)) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="densenet121, densenet121-minus1, ...; all when none is given")
    parser.add_argument("--search", action="store_true", help="tell the best images for DRAWS instead")
    arguments = parser.parse_args()
    names = arguments.names
    if unknown := set(names) - {case.name for case in cases()}:
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(case.name for case in cases())}")
    torch.set_num_threads(1)
    for case in cases():
        if not names or case.name in names:
            print(case.name, file=sys.stderr)
            search(case) if arguments.search else write(case)


if __name__ == "__main__":
    main()
