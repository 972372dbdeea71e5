"""Peak memory of training beside PyTorch's, for docs/memory.md: the most resident memory of a process on the CPU.

Run by hand with torch 2.15.0 and torchvision 0.29.2, on a machine with nothing else to do where speed matters:

    cargo build --release --example batch_size
    python tests/reference/training_memory.py target/release/examples/batch_size [--batch 8] [--steps 5]

Every measurement is a process of its own, and the two sides take turns. Both train on the same batch: forward pass, binary
cross-entropy, backward pass, Adam. PyTorch's number counts its interpreter and libraries, so steps of a single linear layer
are measured too; what they take is subtracted before the second ratio.
"""

import argparse
import pathlib
import re
import subprocess
import sys

NETWORKS = ["resnet18", "densenet121", "mobilenet_v2"]
SIDE = 224
CLASSES = 14

# Runs in a process of its own.
PYTORCH = """
import sys, torch, torchvision
torch.set_num_threads(int(sys.argv[5]))
name, batch, side, steps = sys.argv[1], *map(int, sys.argv[2:5])
network = torch.nn.Linear(3, {classes}) if name == "nothing" else torchvision.models.get_model(name, num_classes={classes})
optimizer = torch.optim.Adam(network.parameters(), lr=1e-6)
for step in range(steps):
    images = torch.rand(batch, 3) if name == "nothing" else torch.rand(batch, 3, side, side)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(network(images), torch.zeros(batch, {classes}))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def pytorch(name, arguments):
    options = [name, arguments.batch, SIDE, arguments.steps, arguments.threads]
    command = [sys.executable, "-c", PYTORCH.format(classes=CLASSES), *map(str, options)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(re.search(r"VmHWM:\s+(\d+) kB", printed)[1]) / 1024


def ours(name, arguments, *flags):
    command = [arguments.program, name, "--image", SIDE, "--batches", arguments.batch, "--steps", arguments.steps - 1]
    command += ["--gigabytes", 64, *flags]
    printed = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    return int(re.search(rf"^ *{arguments.batch} .* (\d+) MiB$", printed, re.MULTILINE)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path, help="the built example batch_size")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    arguments = parser.parse_args()
    libraries = pytorch("nothing", arguments)
    print(f"PyTorch without a network: {libraries:.0f} MiB", flush=True)
    print("| network | PyTorch, MiB | ours, MiB | ratio | to PyTorch less its libraries | ours with gradient checkpointing, MiB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.networks:
        reference = pytorch(name, arguments)
        plain, checkpointing = ours(name, arguments), ours(name, arguments, "--gradient-checkpointing")
        ratios = f"{plain / reference:.2f} | {plain / (reference - libraries):.2f}"
        print(f"| {name} | {reference:.0f} | {plain} | {ratios} | {checkpointing} |", flush=True)


if __name__ == "__main__":
    main()
