"""Reference values for crates/chextransfer-models/tests/parity.rs, written to tests/reference/torchvision.toml of that crate.

Run by hand with torch 2.15.0, torchvision 0.29.2 and NumPy 2.4.6:

    python tests/reference/torchvision_parity.py > crates/chextransfer-models/tests/reference/torchvision.toml

Weights, images and targets are a formula of a tensor's name and an element's index, so that both sides make them and none
are stored. All is float32 there and is then computed in float64 here: a difference is the rounding of the network under
test alone.
"""

import math

import numpy as np
import torch
import torchvision

CLASSES = 14
# Neither square nor small enough for the last map to lose its shape: 2x3 at a reduction of 32.
IMAGES = (2, 3, 64, 96)
MOMENTS = ("running_mean", "running_var")

STAGES = [f"layer{stage}" for stage in range(1, 5)]
DENSE_BLOCKS = [f"features.denseblock{block}" for block in range(1, 5)]
# The last inverted residual of each row of the paper's table.
INVERTED_RESIDUALS = [f"features.{unit}" for unit in (1, 3, 6, 10, 13, 16, 17)]
# Architecture, the modules whose outputs are the blocks' maps, and whether training is compared too.
NETWORKS = [
    ("densenet121", DENSE_BLOCKS, False),
    ("densenet169", DENSE_BLOCKS, False),
    ("densenet201", DENSE_BLOCKS, False),
    ("resnet18", STAGES, True),
    ("resnet34", STAGES, False),
    ("resnet50", STAGES, False),
    ("resnet101", STAGES, False),
    ("mobilenet_v2", INVERTED_RESIDUALS, True),
]


def uniform(name, count):
    """Numbers in [-1, 1): splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits, exact in float32."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def formula(name, shape):
    """Values that neither blow up nor die out in any of the networks; statistics near 0 and 1."""
    values = uniform(name, math.prod(shape))
    kind = name.rsplit(".", 1)[-1]
    if kind == "weight" and len(shape) > 1:
        values = values * (2.0 / math.sqrt(math.prod(shape[1:])))
    elif kind == "weight":
        values = values * 0.2 + 1.0
    elif kind == "running_var":
        values = values * 0.25 + 1.0
    elif kind == "images":
        values = values * 2.0
    else:
        values = values * 0.1
    return torch.from_numpy(values.astype(np.float32)).reshape(shape).double()


def fill(network):
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = formula(name, tuple(tensor.shape))
    network.load_state_dict(state)
    return network


def show(key, tensor, samples):
    """The Euclidean norm and a few elements."""
    flat = tensor.detach().flatten()
    places = [(2 * i + 1) * len(flat) // (2 * samples) for i in range(samples)]
    numbers = [flat.norm().item()] + [flat[place].item() for place in places]
    print(f"{key} = [{', '.join(f'{number:.8e}' for number in numbers)}]")


def evaluation(name, network, blocks):
    maps = {}
    for block in blocks:
        keep = lambda _module, _inputs, output, block=block: maps.update({block: output.clone()})
        network.get_submodule(block).register_forward_hook(keep)
    with torch.no_grad():
        logits = network.eval()(formula("images", IMAGES))
    print(f"\n[{name}.evaluation]")
    show("logits", logits, logits.numel())
    for block in blocks:
        print(f"\n[[{name}.evaluation.blocks]]")
        print(f"shape = {list(maps[block].shape)}")
        show("map", maps[block], 6)


def training(name, network):
    """One forward and backward pass with the batch's statistics; dropout is off, as its draws cannot be compared."""
    for module in network.train().modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    logits = network(formula("images", IMAGES))
    targets = (formula("targets", (IMAGES[0], CLASSES)) > 0).double()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    loss.backward()
    print(f"\n[{name}.training]")
    show("logits", logits, logits.numel())
    print(f"\n[{name}.training.statistics]")
    for key, tensor in network.state_dict().items():
        if key.endswith(MOMENTS):
            show(f'"{key}"', tensor, 1)
    print(f"\n[{name}.training.gradients]")
    for key, parameter in network.named_parameters():
        show(f'"{key}"', parameter.grad, 1)


def main():
    torch.set_num_threads(1)
    versions = [f"{module.__name__} {module.__version__.split('+')[0]}" for module in (torch, torchvision)]
    print(f"# Written by tests/reference/torchvision_parity.py with {' and '.join(versions)}, in float64.")
    print("# Every list of numbers: the tensor's Euclidean norm, then elements at even distances.")
    for name, blocks, train in NETWORKS:
        network = fill(torchvision.models.get_model(name, weights=None, num_classes=CLASSES).double())
        evaluation(name, network, blocks)
        if train:
            training(name, network)


if __name__ == "__main__":
    main()
