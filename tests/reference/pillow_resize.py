"""Reference values for crates/chextransfer-data/tests/data/pillow.rs.

Run by hand with Pillow 13.0.0 and NumPy 2.4.6; prints Rust arrays. The size and crop arithmetic is torchvision's:
long side = int(N * long / short), crop offset = int(round((side - crop) / 2.0)).
`pillow_resize.py FOLDER OUT` instead writes every JPEG below FOLDER, resized to 224 and cropped, to OUT: one file of
224 * 224 bytes an image, named by its place in the sorted order, for the test that CHEXTRANSFER_PILLOW switches on.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image


def resize_and_crop(image, resize, crop, how=Image.Resampling.BILINEAR):
    width, height = image.size
    short, long = min(width, height), max(width, height)
    scaled = int(resize * long / short)
    size = (resize, scaled) if width <= height else (scaled, resize)
    image = image.resize(size, how)
    left = int(round((size[0] - crop) / 2.0))
    top = int(round((size[1] - crop) / 2.0))
    return image.crop((left, top, left + crop, top + crop))


def formula(width, height, modulus):
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    return (x * x * 7 + y * 131 + x * y * 29) % modulus


def show(name, values):
    kind = "u16" if max(values) > 255 else "u8"
    print(f"const {name}: [{kind}; {len(values)}] = {values};")


def main():
    for name, width, height, resize, crop in [
        ("DOWN", 61, 47, 9, 6),
        ("UP", 5, 7, 11, 8),
        ("TALL", 40, 90, 12, 7),
    ]:
        grey = Image.fromarray(formula(width, height, 256).astype(np.uint8), "L")
        show(name, np.asarray(resize_and_crop(grey, resize, crop)).ravel().tolist())
        bicubic = resize_and_crop(grey, resize, crop, Image.Resampling.BICUBIC)
        show(name + "_BICUBIC", np.asarray(bicubic).ravel().tolist())
        deep = Image.fromarray((formula(width, height, 65521) * 37 % 65521).astype(np.float32), "F")
        deep = np.rint(np.asarray(resize_and_crop(deep, resize, crop)))
        show(name + "_16", deep.astype(int).ravel().tolist())
    colors = np.arange(24 * 3).reshape(1, 24, 3) * 89 % 256
    show("COLORS", colors.ravel().tolist())
    luma = Image.fromarray(colors.astype(np.uint8), "RGB").convert("L")
    show("LUMA", np.asarray(luma).ravel().tolist())


def folder(source, target):
    Path(target).mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(sorted(Path(source).rglob("*.jpg"))):
        image = resize_and_crop(Image.open(path).convert("L"), 224, 224)
        (Path(target) / f"{number:05}.gray").write_bytes(image.tobytes())


if __name__ == "__main__":
    folder(*sys.argv[1:3]) if len(sys.argv) == 3 else main()
