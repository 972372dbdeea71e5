"""Small PyTorch checkpoints for crates/chextransfer-models/tests/containers.rs.

Run by hand with torch 2.15.0 and torchvision 0.29.2:

    python tests/reference/pth_fixtures.py crates/chextransfer-models/tests/reference/pth

The tensors are those of torchvision's mnasnet1_0 cut down to stem and first stage (`mnasnet1_0-minus6`, 5 classes); a
value is ((index * 37 + 11 * length of the name) mod 101) / 64 - 0.75, exact in half precision too, and running variances
get 1 added.
"""

import sys
from pathlib import Path

import torch
import torchvision

CLASSES = 5
KEPT = ("layers.0.", "layers.1.", "layers.3.", "layers.4.", "layers.6.", "layers.7.")


def tensors(dtype):
    network = torchvision.models.mnasnet1_0()
    kept = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(KEPT)}
    kept["classifier.1.weight"] = torch.zeros(CLASSES, 16)
    kept["classifier.1.bias"] = torch.zeros(CLASSES)
    for name, tensor in kept.items():
        if tensor.is_floating_point():
            index = torch.arange(tensor.numel())
            values = ((index * 37 + 11 * len(name)) % 101).double() / 64 - 0.75
            if name.endswith("running_var"):
                values += 1.0
            kept[name] = values.to(dtype).reshape(tensor.shape)
    return kept


def main(folder):
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    torch.save(tensors(torch.float32), folder / "zip.pth")
    torch.save(tensors(torch.float32), folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(tensors(torch.float16), folder / "half.pth")
    wrapped = {f"module.{name}": tensor for name, tensor in tensors(torch.float32).items()}
    torch.save({"epoch": 3, "state_dict": wrapped, "optimizer": {"step": torch.ones(2)}}, folder / "wrapped.pth")
    strided = tensors(torch.float32)
    strided["layers.6.weight"] = strided["layers.6.weight"].transpose(0, 1).contiguous().transpose(0, 1)
    torch.save(strided, folder / "strided.pth")


if __name__ == "__main__":
    main(*sys.argv[1:])
