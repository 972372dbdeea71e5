"""How much faster than a scikit-learn loop the bootstrap is, both timed in this run, on published predictions for 22,433
radiographs with 14 labels: by the clock, and by the processor time that both used, which a busy machine does not change.

Run by hand from the root of the repository, with NumPy 2.4.6 and scikit-learn 1.9.1:

    cargo build --release -p chextransfer-metrics --example bootstrap_speed
    python tests/reference/bootstrap_speed.py ORACLES [PROGRAM]

ORACLES is the folder with nih_chexnet_predictions.csv, PROGRAM the example (default: target/release/examples/...). Both
sides draw radiographs. scikit-learn is timed on a few replicates and scaled to 1,000: each costs the same.
"""

import csv
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.metrics import roc_auc_score

REPLICATES = 1000
TIMED = 10


def main():
    oracles = pathlib.Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/examples/bootstrap_speed"
    with open(oracles / "nih_chexnet_predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [column.removeprefix("label_") for column in rows[0] if column.startswith("label_")]
    labels = np.array([[int(row[f"label_{name}"]) for name in names] for row in rows])
    scores = np.array([[float(row[f"prob_{name}"]) for name in names] for row in rows])

    rng = np.random.default_rng(0)
    start, processor = time.perf_counter(), time.process_time()
    for _ in range(TIMED):
        drawn = rng.integers(0, len(rows), len(rows))
        for column in range(len(names)):
            roc_auc_score(labels[drawn, column], scores[drawn, column])
    python = (time.perf_counter() - start) * REPLICATES / TIMED
    python_processor = (time.process_time() - processor) * REPLICATES / TIMED

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "predictions.csv"
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Path", "Study", *names, *(f"{name} label" for name in names)])
            for row, label in zip(rows, labels):
                writer.writerow([row["image"], row["image"], *(row[f"prob_{name}"] for name in names), *label])
        lines = subprocess.run([program, path, str(REPLICATES)], check=True, capture_output=True, text=True).stdout.splitlines()
    rust = float(lines[0])
    # Reading the table included.
    rust_processor = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for line, name, column in zip(lines[1:], names, range(len(names))):
        difference = float(line.rsplit(" ", 1)[1]) - roc_auc_score(labels[:, column], scores[:, column])
        assert abs(difference) <= 1e-12, (name, difference)
    print(f"{len(names)} labels x {REPLICATES} replicates x {len(rows)} radiographs")
    print(f"scikit-learn is timed on {TIMED} replicates")
    for kind, theirs, ours in [("clock", python, rust), ("processor", python_processor, rust_processor)]:
        print(f"{kind}: scikit-learn {theirs:.1f} s, chextransfer {ours:.3f} s: {theirs / ours:.0f} times faster")


if __name__ == "__main__":
    main()
