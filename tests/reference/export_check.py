"""Loads files of `chextransfer export` into torchvision or timm with strict=True and compares logits.

Run by hand with torch 2.15.0, torchvision 0.29.2, timm 1.0.31 and safetensors:

    python tests/reference/export_check.py PROGRAM FILE...

PROGRAM is the built `chextransfer`, FILE a checkpoint that it exported. The network is read from the file's metadata; a
truncated one is the library's own with its last stages replaced by identities and its head by a linear layer of the same
name. Images are random; the program computes its logits with `extract` from the same file.
"""

import subprocess
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

import timm
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file, save_file

TIMM = {"mnasnet1_0": "mnasnet_100", "mobilenet_v2": "mobilenetv2_100", "mobilenet_v3_large": "mobilenetv3_large_100"}
MODULES = "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split()
# Places of the stages in torchvision's sequences of inverted residuals: the last unit of each.
STAGES = {"mobilenet_v2": (1, 3, 6, 10, 13, 16, 17), "mobilenet_v3_large": (1, 3, 6, 10, 12, 15)}


def cut(network, architecture, minus, features, classes):
    """Identities for what truncation drops, and a new linear layer."""
    keep_all = torch.nn.Identity()
    if architecture.startswith("resnet"):
        for stage in range(4, 4 - minus, -1):
            setattr(network, f"layer{stage}", keep_all)
        network.fc = torch.nn.Linear(features, classes)
    elif architecture == "inception_v3":
        for module in MODULES[-minus:]:
            setattr(network, f"Mixed_{module}", keep_all)
        network.AuxLogits = None
        network.fc = torch.nn.Linear(features, classes)
    elif architecture.startswith("densenet"):
        for stage in range(4, 4 - minus, -1):
            setattr(network.features, f"denseblock{stage}", keep_all)
            setattr(network.features, f"transition{stage - 1}", keep_all)
        network.features.norm5 = keep_all
        # torchvision applies a rectifier behind the final normalisation, which truncation drops.
        network.forward = lambda images: network.classifier(network.features(images).mean((2, 3)))
        network.classifier = torch.nn.Linear(features, classes)
    else:
        layers = network.layers if architecture == "mnasnet1_0" else network.features
        if architecture == "mnasnet1_0":
            last = len(layers) - 4 - minus
        elif architecture in STAGES:
            last = STAGES[architecture][-1 - minus]
        else:
            last = len(layers) - 2 - minus
        for place in range(last + 1, len(layers)):
            layers[place] = keep_all
        place = 3 if architecture == "mobilenet_v3_large" else 1
        network.classifier = torch.nn.Sequential(*[keep_all] * place, torch.nn.Linear(features, classes))
    return network


def build(dialect, name, classes, tensors, epsilon, auxiliary):
    architecture, _, minus = name.partition("-minus")
    if dialect == "timm":
        assert not minus, "truncated networks are compared with torchvision"
        network = timm.create_model(TIMM.get(architecture, architecture), num_classes=classes)
    else:
        options = {"init_weights": False, "aux_logits": auxiliary} if architecture == "inception_v3" else {}
        network = torchvision.models.get_model(architecture, weights=None, num_classes=classes, **options)
        if minus:
            head = next(tensors[k] for k in ("fc.weight", "classifier.weight", "classifier.1.weight", "classifier.3.weight") if k in tensors)
            network = cut(network, architecture, int(minus), head.shape[1], classes)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = epsilon
    return network, architecture, minus or "0"


def check(program, path):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    dialect = "timm" if any(k.startswith(("conv_stem", "features.0.conv", "last_linear")) for k in tensors) else "torchvision"
    auxiliary = any(key.startswith("AuxLogits") for key in tensors)
    arguments = int(metadata["classes"]), tensors, float(metadata["batch_norm_epsilon"]), auxiliary
    network, architecture, minus = build(dialect, metadata["network"], *arguments)
    state = OrderedDict(tensors)
    # torchvision's MNASNet asks for the version that torch.save would have kept; no safetensors file has one.
    state._metadata = {"": {"version": 2}}
    network.load_state_dict(state, strict=True)
    images = torch.randn(2, 3, 299, 299)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        there, back = str(Path(folder) / "input.safetensors"), str(Path(folder) / "output.safetensors")
        save_file({"input": images}, there)
        extract = ["extract", "--architecture", architecture, "--minus", minus, "--weights", path, "--input", there, "--output", back]
        subprocess.run([program, *extract], check=True, stdout=subprocess.DEVNULL)
        ours, theirs = load_file(back)["logits"], network.eval()(images)
    difference = ((ours - theirs).norm() / theirs.norm()).item()
    print(f"{metadata['network']:24} {dialect:12} strict=True, logits differ by {difference:.1e}", flush=True)
    return difference < 1e-4


def main(program, *files):
    torch.manual_seed(0)
    sys.exit(0 if all([check(program, file) for file in files]) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
