"""Maps per second of pytorch-grad-cam, as benches/class_activation_maps.rs measures ours: densenet121, batch 16, 320x320.

Run by hand with grad-cam 1.5.7, torch 2.15.0 and torchvision 0.29.2, right before or after the bench, on as many threads:

    python tests/reference/class_activation_map_speed.py [threads]
"""

import sys
import time

import pytorch_grad_cam
import torch
import torchvision

BATCH, SIDE, CLASSES, REPEATS = 16, 320, 14, 3


def seconds(function):
    function()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return sorted(times)[REPEATS // 2]


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    network = torchvision.models.densenet121(weights=None, num_classes=CLASSES).eval()
    images = torch.randn(BATCH, 3, SIDE, SIDE)
    targets = [lambda output: output[2]] * BATCH

    def forward():
        with torch.no_grad():
            network(images)

    print(f"forward: {BATCH / seconds(forward):.2f} images a second")
    for name, layer in (("last block", "features.denseblock4"), ("one block before", "features.denseblock3")):
        with pytorch_grad_cam.GradCAM(network, [network.get_submodule(layer)]) as cam:
            print(f"grad-cam, {name}: {BATCH / seconds(lambda: cam(images, targets)):.2f} maps a second")


if __name__ == "__main__":
    main()
