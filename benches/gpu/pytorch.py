"""PyTorch's side of every measurement: takes what `benches/gpu/main.rs` takes, and prints the same line of JSON."""

import argparse
import contextlib
import json
import resource
import sys
import time
import warnings

warnings.simplefilter("ignore")
import torch

HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak(device):
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def made_on(device):
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor"
    return f"{name}, torch {torch.__version__}"


def train(arguments, device):
    import torchvision

    torch.manual_seed(0)
    name, batch, side = arguments.network, arguments.batch, arguments.side
    if name == "inception_v4":
        import timm

        network = timm.create_model(name, num_classes=14)
    else:
        options = dict(aux_logits=False, init_weights=False) if name == "inception_v3" else {}
        network = torchvision.models.get_model(name, num_classes=14, **options)
    network = network.to(device).train()
    images = torch.randn(batch, 3, side, side, device=device)
    targets = torch.zeros(batch, 14, device=device)
    if arguments.way in ("channels_last", "compile"):
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    forward = torch.compile(network) if arguments.way == "compile" else network
    half = HALF.get(arguments.numbers)
    scaler = torch.amp.GradScaler(device.type, enabled=half == torch.float16)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=device.type == "cuda")

    def steps(count):
        begun = time.perf_counter()
        for _ in range(count):
            optimizer.zero_grad()
            with torch.autocast(device.type, half) if half else contextlib.nullcontext():
                logits = forward(images)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), targets)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        wait(device)
        return time.perf_counter() - begun

    steps(arguments.warm_up)
    return [steps(arguments.steps) for _ in range(arguments.rounds)]


def product(arguments, device):
    type_ = HALF.get(arguments.numbers, torch.float32)
    a, b = (torch.rand(arguments.size, arguments.size, device=device).mul_(2).sub_(1).to(type_) for _ in range(2))

    def once():
        begun = time.perf_counter()
        a @ b
        wait(device)
        return time.perf_counter() - begun

    for _ in range(3):
        once()
    return [once() for _ in range(arguments.rounds)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["train", "product"])
    parser.add_argument("--way", default="eager")
    parser.add_argument("--network")
    parser.add_argument("--device", required=True)
    parser.add_argument("--numbers", required=True)
    for number in ["batch", "side", "warm-up", "steps", "rounds", "size"]:
        parser.add_argument(f"--{number}", type=int)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    torch.set_float32_matmul_precision("high" if arguments.numbers == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = arguments.numbers == "tf32"
    torch.backends.cudnn.benchmark = True
    seconds = {"train": train, "product": product}[arguments.task](arguments, device)
    json.dump({"seconds": seconds, "peak_bytes": peak(device), "made_on": made_on(device)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
