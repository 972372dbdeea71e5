"""Inference and training on the CPU beside PyTorch's, for docs/speed.md.

Run by hand with torch 2.15.0, torchvision 0.29.2 and timm 1.0.31, on a machine with nothing else to do:

    cargo build --release --workspace --bench versus_torch      # the program is target/release/deps/versus_torch-*
    python benches/versus_torch/versus_torch.py PROGRAM [--networks resnet18 ...] [--out docs/speed.md]

Both sides run in processes of their own on the same number of threads and take turns: ours, then each of PyTorch's ways, again
and again, until there were as many rounds as asked for and as many seconds. A step that is timed has another before it, for the
caches, unless it is so long that they do not matter. PyTorch's Adam is its fused one, as ours is. A ratio is the median over the
rounds of PyTorch's time over ours, for the way of PyTorch's whose median is the lowest. Memory is the most resident memory of a
process, for PyTorch less what its libraries take, and of its ways the least.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time

NETWORKS = """densenet121 densenet169 densenet201 resnet18 resnet34 resnet50 resnet101 inception_v3 inception_v4 mnasnet1_0
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 mobilenet_v2 mobilenet_v3_large""".split()
MODES = ["inference", "training"]
WAYS = ["eager", "channels_last", "compile"]

# Seconds of a step from which on the caches do not matter.
LONG = 0.5

# One side of PyTorch's; answers every line with the seconds of a step.
PYTORCH = """
import sys, time, warnings
warnings.simplefilter("ignore")
import torch
name, mode, way, batch, side, classes, threads = sys.argv[1:4] + [int(word) for word in sys.argv[4:]]
torch.set_num_threads(threads)
torch.manual_seed(0)
if name == "nothing":
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(classes))
elif name == "inception_v4":
    import timm
    network = timm.create_model(name, num_classes=classes)
else:
    import torchvision
    options = dict(aux_logits=False, init_weights=False) if name == "inception_v3" else {}
    network = torchvision.models.get_model(name, num_classes=classes, **options)
images = torch.randn(batch, 3, *([8, 8] if name == "nothing" else [side, side]))
targets = torch.zeros(batch, classes)
network(images)
if way == "channels_last":
    network, images = network.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
network.train(mode == "training")
forward = torch.compile(network) if way == "compile" else network
if mode == "inference":
    def step():
        with torch.inference_mode():
            forward(images)
else:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(forward(images), targets)
        loss.backward()
        optimizer.step()
        loss.item()
for line in sys.stdin:
    if not line.strip():
        break
    start = time.perf_counter()
    step()
    print(time.perf_counter() - start, flush=True)
"""


class Side:
    """A process that makes a step when asked."""

    def __init__(self, command, threads):
        environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended")
        return float(line)

    def end(self):
        """Peak memory in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.process.stdin.write("\n")
        self.process.stdin.close()
        self.process.wait()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def pytorch(name, mode, way, arguments):
    words = [name, mode, way, arguments.batch, arguments.side, arguments.classes, arguments.threads]
    return Side([sys.executable, "-c", PYTORCH, *words], arguments.threads)


def measure(name, mode, arguments):
    """Seconds of each side's steps, and its peak memory."""
    sides = {"ours": Side([arguments.program, name, mode], arguments.threads)}
    sides |= {way: pytorch(name, mode, way, arguments) for way in arguments.ways}
    warm = {}
    for label, side in sides.items():  # compilation, the first touch of memory
        side.step()
        warm[label] = side.step()
    seconds = {label: [] for label in sides}
    start = time.monotonic()
    while len(seconds["ours"]) < arguments.rounds or time.monotonic() - start < arguments.seconds:
        for label, side in sides.items():
            time.sleep(0.3)  # until the other side's threads no longer wait busily
            if warm[label] < LONG:
                side.step()
            seconds[label].append(side.step())
    return seconds, {label: side.end() for label, side in sides.items()}


def row(name, mode, arguments, libraries):
    seconds, memory = measure(name, mode, arguments)
    medians = {label: statistics.median(times) for label, times in seconds.items()}
    best = min(arguments.ways, key=medians.get)
    ratio = statistics.median(theirs / ours for theirs, ours in zip(seconds[best], seconds["ours"]))
    speeds = [arguments.batch / medians[label] for label in ["ours", *arguments.ways]]
    least = min(memory[way] - libraries[way] for way in arguments.ways)
    cells = [name, f"{ratio:.2f}", best, *(f"{speed:.1f}" for speed in speeds)]
    cells += [f"{memory['ours']:.0f}", f"{least:.0f}", f"{memory['ours'] / least:.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)
    return ratio, cells


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            flags = pathlib.Path("/proc/cpuinfo").read_text()
            widest = next(word for word in ["avx512f", "avx2", "sse2", ""] if word in flags)
            return f"{line.split(':')[1].strip()} ({widest})"
    return platform.processor()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path, help="the built bench versus_torch")
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    parser.add_argument("--modes", nargs="*", default=MODES)
    parser.add_argument("--ways", nargs="*", default=WAYS)
    parser.add_argument("--rounds", type=int, default=3, help="of each network and mode, at least")
    parser.add_argument("--seconds", type=float, default=20, help="of each network and mode, at least")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    # What the program has built in.
    arguments.batch, arguments.side, arguments.classes = 16, 224, 14

    import torch
    import torchvision

    lines = [
        f"{datetime.date.today()}, {processor()}, {arguments.threads} threads, batch {arguments.batch} at "
        f"{arguments.side}x{arguments.side}, float32, at least {arguments.rounds} rounds and "
        f"{arguments.seconds:.0f} seconds; torch {torch.__version__}, torchvision "
        f"{torchvision.__version__}. Speeds in images a second, memory in MiB.",
    ]
    for mode in arguments.modes:
        libraries = {}
        for way in arguments.ways:
            side = pytorch("nothing", mode, way, arguments)
            side.step()
            libraries[way] = side.end()
        head = ["network", "ratio", "PyTorch's best way", "ours", *arguments.ways, "our memory", "PyTorch's", "ratio"]
        lines += ["", f"### {mode.capitalize()}", "", "| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
        print("\n".join(lines[-4:]), flush=True)
        ratios = []
        for name in arguments.networks:
            ratio, cells = row(name, mode, arguments, libraries)
            ratios.append(ratio)
            lines.append("| " + " | ".join(cells) + " |")
        mean = statistics.geometric_mean(ratios)
        lines += ["", f"Geometric mean of the ratios {mean:.2f}, lowest {min(ratios):.2f}."]
        print(lines[-1], flush=True)
    if arguments.out:
        text = arguments.out.read_text() if arguments.out.exists() else "\n## Record\n"
        before = text.split("\n## Record\n")[0]
        arguments.out.write_text(f"{before}\n## Record\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
