"""Names and shapes of every tensor of the reference networks, for crates/chextransfer-models/tests/dialects.rs.

Run by hand with torch 2.15.0, torchvision 0.29.2 and timm 1.0.31:

    python tests/reference/key_lists.py crates/chextransfer-models/tests/reference/keys

One file a dialect. A line is a layer: its name, then its tensors with their shapes; `bn=C` stands for the four vectors
of C elements and the counter of a batch normalisation.
"""

import sys
import warnings
from pathlib import Path

import timm
import torch
import torchvision

ARCHITECTURES = """densenet121 densenet169 densenet201 resnet18 resnet34 resnet50 resnet101 inception_v3 inception_v4
mnasnet1_0 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 mobilenet_v2 mobilenet_v3_large""".split()
TIMM = {"mnasnet1_0": "mnasnet_100", "mobilenet_v2": "mobilenetv2_100", "mobilenet_v3_large": "mobilenetv3_large_100"}


def torchvision_network(name):
    if name == "inception_v4":
        return None
    return torchvision.models.get_model(name, weights=None, **({"init_weights": False} if name == "inception_v3" else {}))


def timm_network(name):
    return timm.create_model(TIMM.get(name, name))


def lines(network):
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            yield f"{name} bn={module.num_features}"
        else:
            own = [(key, tensor) for key, tensor in module.named_parameters(recurse=False)]
            assert not list(module.named_buffers(recurse=False)), name
            if own:
                shapes = [f"{key}={'x'.join(map(str, tensor.shape))}" for key, tensor in own]
                yield f"{name} {' '.join(shapes)}"


def main(folder):
    warnings.simplefilter("ignore")
    for dialect, make in (("torchvision", torchvision_network), ("timm", timm_network)):
        with open(Path(folder) / f"{dialect}.txt", "w") as file:
            version = {"torchvision": torchvision, "timm": timm}[dialect].__version__.split("+")[0]
            print(f"# Written by tests/reference/key_lists.py with {dialect} {version}.", file=file)
            for name in ARCHITECTURES:
                if network := make(name):
                    print(f"\n[{name}]", file=file)
                    print(*lines(network), sep="\n", file=file)


if __name__ == "__main__":
    main(*sys.argv[1:])
