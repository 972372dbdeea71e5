"""Images a second to normalised float batches of 16: torchvision and this project's loader, alternately, on one machine.

Run by hand, from the root of the repository, with torch 2.15, torchvision 0.29.2 and Pillow 13.0.0:

    cargo build -p chextransfer-data --example loader_speed
    OMP_NUM_THREADS=1 python tests/reference/loader_speed.py target/debug/examples/loader_speed \
        ../shared/data/NIH-CXR-v1.0-small [ROUNDS]

torchvision as its users write it: Pillow decodes and replicates to RGB, v2 resizes with antialias, crops the middle, converts
to float and normalises, a DataLoader has two workers. Ours: two threads, one grey channel (the trainer replicates on its
device) and, as "replicated", the same three channels. The loader normalises in the caller. Both read files that the system
has in memory. Prints the median of each measurement and its ratio to torchvision's of the same round, by time passed and by
processor time, which is steadier where other programs run.
"""

import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2


class Chests(torch.utils.data.Dataset):
    def __init__(self, folder, side):
        with open(folder / "train.csv", newline="") as file:
            paths = [row["Path"] for row in csv.DictReader(file)]
        self.files = [folder / path.split("/", 1)[1] for path in paths]
        self.transform = v2.Compose([
            v2.Resize(side, antialias=True),
            v2.CenterCrop(side),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ])

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.transform(Image.open(self.files[index]).convert("RGB"))


def processor_seconds():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def torchvision(folder, side):
    loader = torch.utils.data.DataLoader(Chests(folder, side), batch_size=16, shuffle=True, num_workers=2)
    wall, processor, images = time.perf_counter(), processor_seconds(), 0
    for batch in loader:
        images += len(batch)
        assert batch.shape[1:] == (3, side, side) and batch.dtype == torch.float32
    passed = time.perf_counter() - wall
    del loader
    return images / passed, images / (processor_seconds() - processor)


def ours(program, folder, side):
    with tempfile.TemporaryDirectory() as cache:
        command = [program, str(folder), str(side), str(Path(cache) / "cache")]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rates = {}
    for line in lines:
        name, images, wall, processor = line.split("\t")
        rates[name] = (int(images) / float(wall), int(images) / max(float(processor), 0.01))
    return rates


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    torch.set_num_threads(1)
    for side in (224, 320):
        ratios, reference, rates = {}, [], {}
        for _ in range(rounds):
            theirs = torchvision(folder, side)
            reference.append(theirs)
            for name, rate in ours(program, folder, side).items():
                rates.setdefault(name, []).append(rate)
                ratios.setdefault(name, []).append((rate[0] / theirs[0], rate[1] / theirs[1]))
        median = lambda pairs, which: np.median([pair[which] for pair in pairs])
        print(f"side {side}, {rounds} rounds; images a second of time passed, and of processor time")
        print(f"  {'torchvision':28} {median(reference, 0):8.0f} {median(reference, 1):8.0f}")
        for name in rates:
            print(
                f"  {name:28} {median(rates[name], 0):8.0f} {median(rates[name], 1):8.0f}"
                f"   ratio {median(ratios[name], 0):5.2f} {median(ratios[name], 1):5.2f}"
            )


if __name__ == "__main__":
    main()
