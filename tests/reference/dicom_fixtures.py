"""Small DICOM files for crates/chextransfer-data/tests/data/dicom.rs, in codings for which Rust has no encoder.

Run by hand, from the root of the repository, with pydicom 3.0.2, pylibjpeg-openjpeg 2.6.0, python-gdcm 3.2.6 and pylibjpeg 2.1.0:
`python tests/reference/dicom_fixtures.py`. The picture is a formula that the test repeats, 48 columns by 40 rows, of 8 or of
12 bits.
"""

from pathlib import Path

import gdcm
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000, JPEG2000Lossless, SecondaryCaptureImageStorage

FOLDER = Path("crates/chextransfer-data/tests/data/dicom")
WIDTH, HEIGHT = 48, 40


def picture(bits):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((x * 97 + y * 41 + x * y) % (1 << bits)).astype(np.uint8 if bits <= 8 else np.uint16)


def dataset(bits):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.4"
    data.file_meta.ImplementationClassUID = "1.2.3"
    data.Modality = "CR"
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = HEIGHT, WIDTH
    data.BitsAllocated = 8 if bits <= 8 else 16
    data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits - 1, 0
    data.PixelData = picture(bits).tobytes()
    data["PixelData"].VR = "OB" if bits <= 8 else "OW"
    return data


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for bits in (8, 12):
        data = dataset(bits)
        plain = FOLDER / "plain.tmp"
        data.save_as(plain, enforce_file_format=True)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(plain))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(FOLDER / f"jpeg_lossless_{bits}.dcm"))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        plain.unlink()

        data = dataset(bits)
        data.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        data.save_as(FOLDER / f"jpeg2000_lossless_{bits}.dcm", enforce_file_format=True)
        data = dataset(bits)
        data.compress(JPEG2000, encoding_plugin="pylibjpeg", j2k_psnr=[60], generate_instance_uid=False)
        data.save_as(FOLDER / f"jpeg2000_{bits}.dcm", enforce_file_format=True)


if __name__ == "__main__":
    main()
