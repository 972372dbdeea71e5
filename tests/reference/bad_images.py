"""Image files that must be refused, for crates/chextransfer-data/tests/data/bad.rs: their names say the expected error.

Run by hand, from the root of the repository, with Pillow 13.0.0 and pydicom 3.0.2: `python tests/reference/bad_images.py`. A
name's underscores stand for spaces.
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from dicom_fixtures import dataset
from PIL import Image

FOLDER = Path("crates/chextransfer-data/tests/data/bad")
GREY = Image.fromarray((np.add.outer(np.arange(16) * 9, np.arange(16) * 5) % 256).astype(np.uint8), "L")


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(width, height, png):
    head = struct.pack(">4sII", b"IHDR", width, height) + png[24:29]
    return png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]


def jpeg_of(width, height, jpeg):
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4:]


def dicom(**changes):
    data = dataset(8)
    for name, value in changes.items():
        setattr(data, name, value)
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    jpeg, png = encoded(GREY, "JPEG"), encoded(GREY, "PNG")
    flipped = bytearray(png)
    flipped[60] ^= 4
    rgba = GREY.convert("RGBA")
    rgba.putpixel((3, 4), (0, 0, 0, 128))
    deflated = bytearray(dicom())
    uid = deflated.index(b"1.2.840.10008.1.2.1\0")
    deflated[uid:uid + 20] = b"1.2.840.10008.1.2.9\0"
    colour = dict(SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, Rows=16, Columns=40)
    for name, content in {
        "is_empty.jpg": b"",
        "is_neither_JPEG_nor_PNG_nor_DICOM.jpg": encoded(GREY, "GIF"),
        "the_JPEG_is_truncated.jpg": jpeg[: len(jpeg) * 2 // 3],
        "the_JPEG_is_corrupt.jpg": jpeg[:-6] + b"\xff\xd9",
        "the_JPEG_has_4_components.jpg": encoded(GREY.convert("CMYK"), "JPEG"),
        "hierarchical_and_arithmetic_JPEG_are_not_supported.jpg": jpeg.replace(b"\xff\xc0", b"\xff\xc9", 1),
        "expected_at_least_one_pixel.jpg": jpeg_of(16, 0, jpeg),
        "the_limit_is_67108864_pixels.jpg": jpeg_of(16000, 16000, jpeg),
        "Image_size_exceeds_limit.png": png_of(100000, 8, png),
        "the_limit_is_32_between_the_sides.png": png_of(3300, 100, png),
        "the_PNG_cannot_be_decoded.png": bytes(flipped),
        "of_its_256_pixels_are_transparent.png": encoded(rgba, "PNG"),
        "the_DICOM_file_is_truncated.dcm": dicom()[:-100],
        "the_DICOM_file_does_not_say_its_transfer_syntax.dcm": bytes(128) + b"DICM",
        "is_not_supported,_expected_one_of.dcm": bytes(deflated),
        "has_3_samples_a_pixel.dcm": dicom(**colour),
        "has_2_frames.dcm": dicom(NumberOfFrames=2),
        "bytes_of_pixel_data,_expected.dcm": dicom(Rows=41),
        "contradicts_itself.dcm": dicom(PresentationLUTShape="INVERSE"),
    }.items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
