//! DICOM files: every coding, every meaning of a pixel value, and what is refused.
//!
//! The files in `dicom/` were made by `tests/reference/dicom_fixtures.py`; all others are made here.

use std::path::{Path, PathBuf};

use chextransfer_data::Error;
use chextransfer_data::image::{
    Correction, GreyImage, Samples, VoiTransform, decode_grey, decode_grey_with, decode_rgb,
};
use image::GrayImage;
use tempfile::TempDir;

use crate::fixture::{jpeg, picture, png};
use crate::nih_sample::shared;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const RLE: &str = "1.2.840.10008.1.2.5";

/// A file under construction: the attributes of a 12-bit image, to be overridden.
#[derive(Clone)]
struct File {
    syntax: &'static str,
    columns: u16,
    rows: u16,
    allocated: u16,
    stored: u16,
    signed: u16,
    samples: u16,
    photometric: &'static str,
    /// Further elements of text, in the order of their tags.
    text: Vec<(u16, u16, &'static [u8; 2], &'static str)>,
    pixels: Pixels,
}

#[derive(Clone)]
enum Pixels {
    Native(Vec<u8>),
    Fragments(Vec<Vec<u8>>),
}

fn twelve_bits() -> File {
    let values: Vec<u8> = (0..48 * 40)
        .flat_map(|place| value(place, 12).to_le_bytes())
        .collect();
    File {
        syntax: EXPLICIT,
        columns: 48,
        rows: 40,
        allocated: 16,
        stored: 12,
        signed: 0,
        samples: 1,
        photometric: "MONOCHROME2",
        text: Vec::new(),
        pixels: Pixels::Native(values),
    }
}

fn eight_bits(pixels: &GrayImage) -> File {
    File {
        columns: pixels.width() as u16,
        rows: pixels.height() as u16,
        allocated: 8,
        stored: 8,
        pixels: Pixels::Native(pixels.as_raw().clone()),
        ..twelve_bits()
    }
}

/// The formula of `dicom_fixtures.py`.
fn value(place: u32, bits: u32) -> u16 {
    let (x, y) = (place % 48, place / 48);
    ((x * 97 + y * 41 + x * y) % (1 << bits)) as u16
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        let mut meta = Vec::new();
        text(
            &mut meta,
            0x0002,
            0x0002,
            b"UI",
            "1.2.840.10008.5.1.4.1.1.7",
        );
        text(&mut meta, 0x0002, 0x0003, b"UI", "1.2.3.4");
        text(&mut meta, 0x0002, 0x0010, b"UI", self.syntax);
        text(&mut meta, 0x0002, 0x0012, b"UI", "1.2.3");
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend([2, 0, 0, 0, b'U', b'L', 4, 0]);
        bytes.extend((meta.len() as u32).to_le_bytes());
        bytes.extend(meta);

        let mut elements = vec![
            short(0x0002, self.samples),
            element(0x0028, 0x0004, b"CS", self.photometric),
            short(0x0010, self.rows),
            short(0x0011, self.columns),
            short(0x0100, self.allocated),
            short(0x0101, self.stored),
            short(0x0102, self.stored - 1),
            short(0x0103, self.signed),
        ];
        for &(group, number, representation, value) in &self.text {
            elements.push(element(group, number, representation, value));
        }
        elements.sort();
        let pixels = |representation: &[u8; 2], length: u32| {
            let mut head = vec![0xe0, 0x7f, 0x10, 0];
            head.extend(representation);
            head.extend([0, 0]);
            head.extend(length.to_le_bytes());
            head
        };
        for (_, element) in elements {
            bytes.extend(element);
        }
        match &self.pixels {
            Pixels::Native(values) => {
                let representation = if self.allocated == 8 { b"OB" } else { b"OW" };
                let padded = values.len().next_multiple_of(2);
                bytes.extend(pixels(representation, padded as u32));
                bytes.extend(values);
                bytes.resize(bytes.len() + padded - values.len(), 0);
            }
            Pixels::Fragments(fragments) => {
                bytes.extend(pixels(b"OB", u32::MAX));
                for fragment in std::iter::once(&Vec::new()).chain(fragments) {
                    bytes.extend([0xfe, 0xff, 0x00, 0xe0]);
                    bytes.extend((fragment.len() as u32).to_le_bytes());
                    bytes.extend(fragment);
                }
                bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
            }
        }
        bytes
    }

    fn read(&self) -> Result<GreyImage, Error> {
        read(&self.bytes(), VoiTransform::FromFile)
    }

    fn message(&self) -> String {
        let message = self.read().unwrap_err().to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }
}

/// An element's place in the file, and its bytes.
type Placed = ((u16, u16), Vec<u8>);

fn short(number: u16, value: u16) -> Placed {
    let mut bytes = vec![0x28, 0];
    bytes.extend(number.to_le_bytes());
    bytes.extend(b"US");
    bytes.extend([2, 0]);
    bytes.extend(value.to_le_bytes());
    ((0x0028, number), bytes)
}

fn element(group: u16, number: u16, representation: &[u8; 2], value: &str) -> Placed {
    let mut bytes = Vec::new();
    text(&mut bytes, group, number, representation, value);
    ((group, number), bytes)
}

fn text(bytes: &mut Vec<u8>, group: u16, number: u16, representation: &[u8; 2], value: &str) {
    bytes.extend(group.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(representation);
    bytes.extend((value.len().next_multiple_of(2) as u16).to_le_bytes());
    bytes.extend(value.as_bytes());
    if !value.len().is_multiple_of(2) {
        bytes.push(if representation == b"UI" { 0 } else { b' ' });
    }
}

fn read(bytes: &[u8], voi: VoiTransform) -> Result<GreyImage, Error> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("view1_frontal.jpg"); // the name does not decide
    std::fs::write(&file, bytes).unwrap();
    decode_grey_with(&file, voi)
}

fn bits16(image: &GreyImage) -> &[u16] {
    match image.samples() {
        Samples::Bits16(samples) => samples,
        Samples::Bits8(_) => panic!("8 bits"),
    }
}

fn bits8(image: &GreyImage) -> &[u8] {
    match image.samples() {
        Samples::Bits8(samples) => samples,
        Samples::Bits16(_) => panic!("16 bits"),
    }
}

/// 12 bits over the whole range of 16.
fn widened(value: u16) -> u16 {
    (f64::from(value) * 65_535.0 / 4_095.0).round() as u16
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/dicom")
        .join(name)
}

#[test]
fn every_lossless_coding_gives_the_same_values() {
    let twelve: Vec<u16> = (0..48 * 40)
        .map(|place| widened(value(place, 12)))
        .collect();
    let eight: Vec<u8> = (0..48 * 40).map(|place| value(place, 8) as u8).collect();

    let native = twelve_bits();
    let image = native.read().unwrap();
    assert_eq!((image.width(), image.height()), (48, 40));
    assert_eq!(bits16(&image), twelve);
    assert_eq!(
        image.contract().to_string(),
        "DICOM, 12 bits, grey; 12 bits widened to 16"
    );
    let Pixels::Native(bytes) = &native.pixels else {
        panic!("not native");
    };
    let rle = File {
        syntax: RLE,
        pixels: Pixels::Fragments(vec![run_lengths(bytes)]),
        ..native.clone()
    };
    assert_eq!(bits16(&rle.read().unwrap()), twelve);

    for name in ["jpeg_lossless_12.dcm", "jpeg2000_lossless_12.dcm"] {
        assert_eq!(
            bits16(&decode_grey(&fixture(name)).unwrap()),
            twelve,
            "{name}"
        );
    }
    for name in ["jpeg_lossless_8.dcm", "jpeg2000_lossless_8.dcm"] {
        let image = decode_grey(&fixture(name)).unwrap();
        assert_eq!(bits8(&image), eight, "{name}");
        assert!(image.contract().corrections.is_empty());
    }
    for (name, levels) in [("jpeg2000_8.dcm", 255.0), ("jpeg2000_12.dcm", 4_095.0)] {
        let image = decode_grey(&fixture(name)).unwrap();
        let worst = (0..48 * 40)
            .map(|place| {
                let (read, expected) = match image.samples() {
                    Samples::Bits8(samples) => {
                        (f64::from(samples[place]) / 255.0, value(place as u32, 8))
                    }
                    Samples::Bits16(samples) => (
                        f64::from(samples[place]) / 65_535.0,
                        value(place as u32, 12),
                    ),
                };
                (read * levels - f64::from(expected)).abs()
            })
            .fold(0.0, f64::max);
        // Written with a peak signal-to-noise ratio of 60 dB: 0.1 % of the range on average.
        assert!(worst <= 0.01 * levels, "{name}: {worst}");
    }
}

/// A frame in run-length coding (PS3.5, annex G): one segment for the high bytes and one for the low.
fn run_lengths(values: &[u8]) -> Vec<u8> {
    let segment = |offset: usize| {
        let mut coded = Vec::new();
        let plane: Vec<u8> = values.iter().skip(offset).step_by(2).copied().collect();
        let mut rest = plane.as_slice();
        while let Some(&first) = rest.first() {
            let run = rest
                .iter()
                .take(128)
                .take_while(|&&byte| byte == first)
                .count();
            if run > 1 {
                coded.extend([(257 - run) as u8, first]);
                rest = &rest[run..];
            } else {
                let literal = rest.len().min(3);
                coded.push(literal as u8 - 1);
                coded.extend(&rest[..literal]);
                rest = &rest[literal..];
            }
        }
        coded.resize(coded.len().next_multiple_of(2), 0);
        coded
    };
    let (high, low) = (segment(1), segment(0));
    let mut frame = Vec::new();
    for number in [2, 64, 64 + high.len() as u32] {
        frame.extend(number.to_le_bytes());
    }
    frame.resize(64, 0);
    [frame, high, low].concat()
}

#[test]
fn a_jpeg_within_dicom_is_the_jpeg() {
    let picture = picture(33, 21, 4);
    let coded = jpeg(picture.clone());
    let file = File {
        syntax: JPEG_BASELINE,
        pixels: Pixels::Fragments(vec![coded.clone()]),
        ..eight_bits(&picture)
    };
    let as_jpeg = read(&coded, VoiTransform::FromFile).unwrap();
    assert_eq!(file.read().unwrap().samples(), as_jpeg.samples());
    let halves = coded.split_at(coded.len() / 4 * 2);
    let split = File {
        pixels: Pixels::Fragments(vec![halves.0.to_vec(), halves.1.to_vec()]),
        ..file.clone()
    };
    assert_eq!(split.read().unwrap().samples(), as_jpeg.samples());
    let truncated = File {
        pixels: Pixels::Fragments(vec![halves.0.to_vec()]),
        ..file
    };
    assert!(truncated.message().contains("truncated"));
}

#[test]
fn monochrome1_is_the_exact_inverse() {
    let picture = picture(31, 17, 2); // an odd number of bytes
    let plain = eight_bits(&picture);
    let inverted = File {
        photometric: "MONOCHROME1",
        ..plain.clone()
    };
    assert_eq!(bits8(&plain.read().unwrap()), picture.as_raw());
    let image = inverted.read().unwrap();
    let expected: Vec<u8> = picture.as_raw().iter().map(|value| 255 - value).collect();
    assert_eq!(bits8(&image), expected);
    assert_eq!(image.contract().corrections, [Correction::Inverted]);

    let twelve = File {
        photometric: "MONOCHROME1",
        ..twelve_bits()
    };
    for (place, &level) in bits16(&twelve.read().unwrap()).iter().enumerate() {
        assert_eq!(level, 65_535 - widened(value(place as u32, 12)));
    }
    let contradiction = File {
        text: vec![(0x2050, 0x0020, b"CS", "INVERSE")],
        ..plain
    };
    assert!(contradiction.message().contains("contradicts itself"));
}

#[test]
fn a_window_is_applied_unless_the_full_range_is_asked_for() {
    let file = File {
        text: vec![
            (0x0028, 0x1050, b"DS", "1024\\7"),
            (0x0028, 0x1051, b"DS", "1025\\9"),
            (0x0028, 0x1052, b"DS", "-512"),
            (0x0028, 0x1053, b"DS", "1"),
        ],
        ..twelve_bits()
    };
    let windowed = file.read().unwrap();
    for (place, &level) in bits16(&windowed).iter().enumerate() {
        // 1,024 values from 511.5 on.
        let grey = (f64::from(value(place as u32, 12)) - 512.0 - 511.5) / 1_024.0;
        assert_eq!(level, (grey.clamp(0.0, 1.0) * 65_535.0).round() as u16);
    }
    assert_eq!(
        windowed.contract().to_string(),
        "DICOM, 12 bits, grey; rescaled by slope 1 and intercept -512, LINEAR window of centre 1024 and width 1025, \
         12 bits widened to 16"
    );
    let full = read(&file.bytes(), VoiTransform::FullRange).unwrap();
    assert_eq!(full.samples(), twelve_bits().read().unwrap().samples());
}

#[test]
fn signed_values_are_centred() {
    let values: Vec<u8> = [-2_048_i16, -1, 0, 2_047]
        .into_iter()
        .flat_map(i16::to_le_bytes)
        .collect();
    let file = File {
        columns: 2,
        rows: 2,
        signed: 1,
        pixels: Pixels::Native(values),
        ..twelve_bits()
    };
    assert_eq!(
        bits16(&file.read().unwrap()),
        [0, widened(2_047), widened(2_048), 65_535]
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    let file = twelve_bits();
    let with = |text: Vec<(u16, u16, &'static [u8; 2], &'static str)>| File {
        text,
        ..file.clone()
    };
    let fragments = |syntax, fragment: &[u8]| File {
        syntax,
        pixels: Pixels::Fragments(vec![fragment.to_vec()]),
        ..file.clone()
    };
    let cases: Vec<(File, &str)> = vec![
        (
            File {
                photometric: "RGB",
                samples: 3,
                ..file.clone()
            },
            "3 samples a pixel",
        ),
        (
            File {
                photometric: "PALETTE COLOR",
                ..file.clone()
            },
            "\"PALETTE COLOR\", expected one sample of MONOCHROME1",
        ),
        (
            with(vec![(0x0028, 0x0008, b"IS", "7")]),
            "has 7 frames, expected one",
        ),
        (
            File {
                columns: 0,
                ..file.clone()
            },
            "0x40 pixels, expected at least one",
        ),
        (
            File {
                columns: 40_000,
                ..file.clone()
            },
            "the limit is 16384 a side",
        ),
        (
            File {
                columns: 49,
                ..file.clone()
            },
            "3840 bytes of pixel data, expected 3920",
        ),
        (
            File {
                stored: 17,
                ..file.clone()
            },
            "stored 17",
        ),
        (
            File {
                allocated: 32,
                ..file.clone()
            },
            "bits allocated 32",
        ),
        (
            File {
                syntax: "1.2.840.10008.1.2.1.99",
                ..file.clone()
            },
            "\"1.2.840.10008.1.2.1.99\" is not supported, expected one of: implicit",
        ),
        (
            File {
                syntax: "1.2.840.10008.1.2.4.80",
                ..file.clone()
            },
            "is not supported",
        ),
        (with(vec![(0x0028, 0x1053, b"DS", "0")]), "slope 0"),
        (
            with(vec![(0x0028, 0x1053, b"DS", "one")]),
            "its Rescale Slope is \"one\", expected a number",
        ),
        (with(vec![(0x0028, 0x1050, b"DS", "40")]), "half a window"),
        (
            with(vec![
                (0x0028, 0x1050, b"DS", "40"),
                (0x0028, 0x1051, b"DS", "0"),
            ]),
            "width 0",
        ),
        (
            with(vec![
                (0x0028, 0x1050, b"DS", "40"),
                (0x0028, 0x1051, b"DS", "9"),
                (0x0028, 0x1056, b"CS", "LOG"),
            ]),
            "\"LOG\", expected LINEAR",
        ),
        (
            File {
                syntax: JPEG_BASELINE,
                ..file.clone()
            },
            "is not compressed",
        ),
        (
            fragments(JPEG_BASELINE, &jpeg(picture(48, 40, 1))),
            "its header says one component of 16 bits",
        ),
        (
            fragments(JPEG_BASELINE, &jpeg(picture(48, 41, 1))),
            "48x41 pixels, its header says 48x40",
        ),
        (fragments(JPEG_BASELINE, b"nothing!"), "start-of-image"),
        (
            fragments("1.2.840.10008.1.2.4.70", &jpeg(picture(48, 40, 1))),
            "is not one lossless frame",
        ),
        (
            fragments("1.2.840.10008.1.2.4.90", b"nothing!"),
            "no JPEG 2000 codestream",
        ),
        (fragments(RLE, b"nothing!"), "cannot be decoded"),
    ];
    for (file, expected) in cases {
        let message = file.message();
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.dcm");
    std::fs::write(&path, file.bytes()).unwrap();
    assert!(decode_rgb(&path).unwrap_err().to_string().contains("DICOM"));
}

#[test]
fn a_compressed_frame_larger_than_the_header_says_is_refused_before_it_is_decoded() {
    let whole = std::fs::read(fixture("jpeg2000_lossless_12.dcm")).unwrap();
    let start = whole
        .windows(4)
        .position(|w| w == [0xff, 0x4f, 0xff, 0x51])
        .unwrap();
    let mut bomb = whole.clone();
    bomb[start + 8..start + 16].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let message = read(&bomb, VoiTransform::FromFile).unwrap_err().to_string();
    assert!(
        message.contains("65535x65535 pixels, its header says 48x40"),
        "{message}"
    );
}

#[test]
fn a_length_beyond_the_file_and_endless_nesting_are_refused() {
    let whole = twelve_bits().bytes();
    for length in 132..whole.len() {
        assert!(
            read(&whole[..length], VoiTransform::FromFile).is_err(),
            "{length}"
        );
    }
    let pixels = whole
        .windows(4)
        .position(|w| w == [0xe0, 0x7f, 0x10, 0])
        .unwrap();
    let mut claims = whole.clone();
    claims[pixels + 8..pixels + 12].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let message = read(&claims, VoiTransform::FromFile)
        .unwrap_err()
        .to_string();
    assert!(message.contains("a value of 4294967280 bytes"), "{message}");

    let mut nested = whole[..pixels].to_vec();
    for _ in 0..100_000 {
        nested.extend([0x40, 0, 0x75, 0x02, b'S', b'Q', 0, 0, 255, 255, 255, 255]);
        nested.extend([0xfe, 0xff, 0x00, 0xe0, 255, 255, 255, 255]);
    }
    let message = read(&nested, VoiTransform::FromFile)
        .unwrap_err()
        .to_string();
    assert!(message.contains("deeper than 32"), "{message}");
}

#[test]
fn random_damage_never_panics_and_never_takes_all_memory() {
    let mut files = vec![twelve_bits().bytes()];
    for name in ["jpeg_lossless_8.dcm", "jpeg2000_lossless_12.dcm"] {
        files.push(std::fs::read(fixture(name)).unwrap());
    }
    for whole in files {
        for round in 0..100_usize {
            let mut bytes = whole.clone();
            for k in 0..=round % 4 {
                let at = 132 + (round * 7_919 + k * 104_729) % (bytes.len() - 132);
                bytes[at] = bytes[at].wrapping_add((round / 3 + 1 + k) as u8);
            }
            if let Err(error) = read(&bytes, VoiTransform::FromFile) {
                assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
}

#[test]
fn a_real_radiograph_is_the_same_as_dicom_and_as_png_and_monochrome1_its_inverse() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/dicom");
    let image = decode_grey(&folder.join("chest_pa_monochrome2.dcm")).unwrap();
    assert_eq!((image.width(), image.height()), (1_024, 1_024));
    let export = GrayImage::from_raw(1_024, 1_024, bits8(&image).to_vec()).unwrap();
    let as_png = read(&png(export), VoiTransform::FromFile).unwrap();
    assert_eq!(as_png.samples(), image.samples());

    let inverse = decode_grey(&folder.join("chest_pa_monochrome1.dcm")).unwrap();
    let both = bits8(&image).iter().zip(bits8(&inverse));
    assert!(both.clone().all(|(a, b)| a ^ b == 255));
    assert!(both.clone().any(|(a, b)| a != b));
    assert_eq!(inverse.contract().corrections, [Correction::Inverted]);
}
