"""Reference values for crates/chextransfer-data/src/transform/augmentation/reference.rs.

Run by hand with torch 2.15 and torchvision 0.29.2: `python tests/reference/augmentation.py`; prints Rust arrays. The picture
is a formula that the test repeats: 7 by 7 values in 0 to 1.
"""

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

SIDE = 7


def show(name, image):
    values = ", ".join(f"{value:.6f}" for value in image.flatten().tolist())
    print(f"#[rustfmt::skip]\nconst {name}: [f32; {SIDE * SIDE}] = [{values}];\n")


def main():
    place = torch.arange(SIDE * SIDE)
    image = (((place * 37) % 101).float() / 100).reshape(1, SIDE, SIDE)
    show("FLIP", F.horizontal_flip(image))
    for name, angle, translate, scale in [
        ("ROTATE", 25.0, [0, 0], 1.0),
        ("MOVE", 0.0, [1.4, -0.7], 1.0),
        ("ENLARGE", 0.0, [0, 0], 1.3),
        ("AFFINE", -12.0, [0.5, 1.25], 0.8),
    ]:
        show(
            name,
            F.affine(image, angle, translate, scale, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR),
        )
    show("BRIGHTER", F.adjust_brightness(image, 1.3))
    show("CONTRAST", F.adjust_contrast(image, 1.6))
    show("FLATTER", F.adjust_contrast(image, 0.4))
    show("GAMMA", F.adjust_gamma(image, 1.7))
    show("BLUR", F.gaussian_blur(image, [5, 5], [0.6, 0.6]))


if __name__ == "__main__":
    main()
