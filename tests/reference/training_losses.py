"""Losses of a hundred optimiser steps, for crates/chextransfer-train/tests/faithful.rs: one JSON file a network.

Run by hand with torch 2.15.0, torchvision 0.29.2 and NumPy 2.4.6, in about three minutes:

    python tests/reference/training_losses.py [resnet18 densenet121 mobilenet_v2]

Weights come from the formula of network_parity.py, and so do images, targets and masks; both sides make them, so that only
losses are stored. Everything is float32 to begin with and computed with in float64; the losses of torch's own float32 stand
beside them, as the yardstick of what rounding alone does in so many steps.

The convolutions of resnet18 are larger: with the formula's own its training is chaotic, and torch's float32 strays from its
float64 by 5 %. Normalisation makes their scale meaningless, but the larger they are, the smaller are Adam's steps beside them.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch
import torchvision

import network_parity as parity

# Factors of the convolutions' weights.
NETWORKS = {"resnet18": 20.0, "densenet121": 1.0, "mobilenet_v2": 1.0}
STEPS = 100
# Batches that are taken in turn.
BATCHES = 5
BATCH = 4
SIDE = 64
# Of the masks' and targets' numbers in [-1, 1): one label in five is left out, three in ten are positive.
COUNTED_ABOVE = -0.6
POSITIVE_ABOVE = 0.4
OUTPUT = pathlib.Path(__file__).parents[2] / "crates/chextransfer-train/tests/reference"


def batch(number, dtype):
    """Images of coarse squares under noise, 0 or 1 for every label, and which labels count."""
    tiles = parity.uniform(f"squares{number}", (BATCH, 3, SIDE // 32, SIDE // 32)).repeat(32, 2).repeat(32, 3)
    images = (tiles + parity.uniform(f"noise{number}", (BATCH, 3, SIDE, SIDE))).astype(np.float32)
    labels = (BATCH, parity.CLASSES)
    targets = parity.uniform(f"targets{number}", labels) > POSITIVE_ABOVE
    mask = parity.uniform(f"mask{number}", labels) > COUNTED_ABOVE
    return [torch.from_numpy(values).to(dtype) for values in (images, targets, mask)]


def losses(architecture, dtype):
    """The loss before every step of Adam."""
    def weights(name, shape, gain, normalization):
        factor = NETWORKS[architecture] if len(shape) == 4 else 1.0
        return factor * parity.in_training(name, shape, gain, normalization)

    network = parity.build(parity.Case(architecture), weights, dtype).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.999), eps=1e-8)
    batches = [batch(number, dtype) for number in range(BATCHES)]
    result = []
    for step in range(STEPS):
        images, targets, mask = batches[step % BATCHES]
        elements = torch.nn.functional.binary_cross_entropy_with_logits(network(images), targets, reduction="none")
        loss = (elements * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    torch.set_num_threads(1)
    for name in parser.parse_args().names:
        exact, rounded = losses(name, torch.float64), losses(name, torch.float32)
        strays = max(abs(r / e - 1.0) for r, e in zip(rounded, exact))
        print(f"{name}: {exact[0]:.4f} to {exact[-1]:.4f}, float32 strays by {strays:.1e}", file=sys.stderr)
        result = {
            "written_by": f"tests/reference/training_losses.py with torch {torch.__version__.split('+')[0]}, "
            f"torchvision {torchvision.__version__.split('+')[0]}",
            "architecture": name,
            "float64": [float(f"{loss:.9g}") for loss in exact],
            "float32": [float(f"{loss:.9g}") for loss in rounded],
        }
        OUTPUT.mkdir(exist_ok=True)
        (OUTPUT / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
