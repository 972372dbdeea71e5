"""Losses and gradients for crates/chextransfer-train/tests/faithful.rs, from PyTorch in float64.

Run by hand with torch 2.15.0:

    python tests/reference/loss_values.py
"""

import json
import pathlib
import sys

import torch

import network_parity as parity

OUTPUT = pathlib.Path(__file__).parents[2] / "crates/chextransfer-train/tests/reference/loss.json"
BATCH = 6
# Name, classes of each target, positives' weights, label smoothing.
CASES = [
    ("binary", [2] * 5, None, 0.0),
    ("pos_weight", [2] * 5, [0.5, 3.0, 1.0, 20.0, 7.25], 0.0),
    ("label_smoothing", [2] * 5, None, 0.1),
    ("pos_weight and label_smoothing", [2] * 5, [0.5, 3.0, 1.0, 20.0, 7.25], 0.2),
    ("three classes", [3] * 4, None, 0.0),
    ("three classes and label_smoothing", [3] * 4, None, 0.15),
    ("both kinds", [2, 2, 3, 3, 2, 3], [2.0, 0.25, 1.0, 1.0, 5.0, 1.0], 0.1),
]


def case(name, classes, pos_weight, smoothing):
    """Elements with PyTorch's own functions, averaged over the targets that count."""
    widths = [1 if count == 2 else count for count in classes]
    numbers = lambda kind, shape: torch.from_numpy(parity.uniform(f"{name} {kind}", shape))
    logits = (numbers("logits", (BATCH, sum(widths))) * 8.0).float().double()
    # The ends of the sigmoid, and its middle.
    logits[0, :3] = torch.tensor([0.0, 40.0, -40.0])
    logits.requires_grad_()
    drawn = numbers("targets", (BATCH, len(classes)))
    counts = numbers("mask", (BATCH, len(classes))) > -0.5
    targets, mask, elements = torch.zeros_like(logits), torch.zeros_like(logits), []
    column = 0
    for target, (count, width) in enumerate(zip(classes, widths)):
        columns = slice(column, column + width)
        column += width
        mask[:, columns] = counts[:, target, None]
        if count == 2:
            positive = (drawn[:, target] > 0.2).double()
            targets[:, columns] = positive[:, None]
            smoothed = positive * (1.0 - smoothing) + smoothing / 2.0
            weight = torch.tensor(1.0 if pos_weight is None else pos_weight[target])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits[:, column - 1], smoothed, pos_weight=weight, reduction="none"
            )
        else:
            index = ((drawn[:, target] + 1.0) * 1.5).long()
            targets[:, columns] = torch.nn.functional.one_hot(index, count).double()
            loss = torch.nn.functional.cross_entropy(
                logits[:, columns], index, label_smoothing=smoothing, reduction="none"
            )
        elements.append(loss * counts[:, target])
    mean = torch.stack(elements).sum() / counts.sum()
    mean.backward()
    flat = lambda tensor: tensor.detach().flatten().tolist()
    return {
        "name": name,
        "widths": widths,
        "pos_weight": pos_weight,
        "label_smoothing": smoothing,
        "logits": flat(logits),
        "targets": flat(targets),
        "mask": flat(mask),
        "counted": int(counts.sum()),
        "loss": mean.item(),
        "gradients": flat(logits.grad),
    }


def main():
    rounded = lambda value: float(f"{value:.9g}")
    result = [
        {key: [rounded(item) for item in value] if key in ("logits", "gradients") else value for key, value in one.items()}
        for one in (case(*arguments) for arguments in CASES)
    ]
    OUTPUT.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in result)
    OUTPUT.write_text(f"[\n{lines}\n]\n")
    print(f"{len(result)} cases with torch {torch.__version__}", file=sys.stderr)


if __name__ == "__main__":
    main()
