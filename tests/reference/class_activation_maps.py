"""Reference maps for crates/chextransfer-explain/tests/pytorch_grad_cam.rs: tests/reference/maps.json of that crate.

Run by hand with grad-cam 1.5.7, torch 2.15.0, torchvision 0.29.2 and NumPy 2.4.6:

    python tests/reference/class_activation_maps.py

Weights and images are the formula of `network_parity.py` beside this file, computed with in float64. What is stored is the
map before pytorch-grad-cam scales it to its own range: its own functions' sum over channels, rectified. It leaves the sign
of an Eigen-CAM to the linear algebra library; here the map and the mean over the channels' activations agree in sign.
"""

import json
import pathlib

import numpy as np
import pytorch_grad_cam
import torch

import network_parity

OUTPUT = pathlib.Path(__file__).parents[2] / "crates/chextransfer-explain/tests/reference/maps.json"
IMAGE = (96, 80)
NETWORKS = ("resnet18", "densenet121", "efficientnet_b0", "mobilenet_v2")
# How many of the last blocks are behind the map.
BLOCKS_BEHIND = (0, 1)
METHODS = {
    "grad-cam": pytorch_grad_cam.GradCAM,
    "grad-cam++": pytorch_grad_cam.GradCAMPlusPlus,
    "hires-cam": pytorch_grad_cam.HiResCAM,
    "layer-cam": pytorch_grad_cam.LayerCAM,
    "eigen-cam": pytorch_grad_cam.EigenCAM,
}


def raw_maps(method, network, layer, images, classes):
    cam = method(network, [layer])
    targets = [lambda output, place=place: output[place] for place in classes]
    outputs = cam.activations_and_grads(images)
    sum(target(output) for target, output in zip(targets, outputs)).backward()
    (activations,), (gradients,) = cam.activations_and_grads.activations, cam.activations_and_grads.gradients
    activations, gradients = activations.numpy(), gradients.numpy()
    maps = cam.get_cam_image(images, layer, targets, activations, gradients, False)
    if method is pytorch_grad_cam.EigenCAM:
        strength = activations.mean(1)
        strength -= strength.mean((1, 2), keepdims=True)
        maps = maps * np.sign((maps * strength).sum((1, 2), keepdims=True))
    return np.maximum(maps, 0.0), outputs.detach().numpy()


def main():
    torch.set_num_threads(1)
    cases = []
    for architecture in NETWORKS:
        case = network_parity.Case(architecture, image=IMAGE)
        network = network_parity.build(case, network_parity.in_evaluation, torch.float64).eval()
        images = network_parity.images(IMAGE).double()
        for behind in BLOCKS_BEHIND:
            layer = network.get_submodule(case.blocks[-1 - behind])
            # Most sums are negative and their maps zero: of each image the class with the brightest Grad-CAM.
            by_class = [raw_maps(METHODS["grad-cam"], network, layer, images, (place,) * 2)[0] for place in range(network_parity.CLASSES)]
            classes = np.stack(by_class).sum((2, 3)).argmax(0).tolist()
            maps = {}
            for name, method in METHODS.items():
                found, outputs = raw_maps(method, network, layer, images, classes)
                maps[name] = [[float(f"{value:.8g}") for value in image.flatten()] for image in found]
            cases.append(
                {
                    "architecture": architecture,
                    "gain": case.gain,
                    "behind": behind,
                    "classes": classes,
                    "shape": list(found.shape[1:]),
                    "logits": [float(f"{output[place]:.8g}") for output, place in zip(outputs, classes)],
                    "maps": maps,
                }
            )
    result = {
        "written_by": "tests/reference/class_activation_maps.py with grad-cam 1.5.7, torch 2.15.0, torchvision 0.29.2, in float64",
        "image": list(IMAGE),
        "cases": cases,
    }
    OUTPUT.write_text(network_parity.lines(result) + "\n")


if __name__ == "__main__":
    main()
