//! Image files of every kind, whole and broken.

use std::path::Path;

use chextransfer_data::image::{
    Correction, GreyImage, Samples, decode_grey, decode_rgb, load_grey, load_rgb,
};
use chextransfer_data::{CropPosition, Draw, Error, Fit, ImageRecipe};
use image::{
    DynamicImage, GrayAlphaImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage,
};
use tempfile::TempDir;

use crate::fixture::{jpeg, picture, png};

fn grey(bytes: &[u8]) -> Result<GreyImage, Error> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("view1_frontal.jpg");
    std::fs::write(&file, bytes).unwrap();
    decode_grey(&file)
}

fn bits8(bytes: &[u8]) -> Vec<u8> {
    match grey(bytes).unwrap().samples() {
        Samples::Bits8(samples) => samples.clone(),
        other => panic!("{other:?}"),
    }
}

fn bits16(bytes: &[u8]) -> Vec<u16> {
    match grey(bytes).unwrap().samples() {
        Samples::Bits16(samples) => samples.clone(),
        other => panic!("{other:?}"),
    }
}

fn message(bytes: &[u8]) -> String {
    let message = grey(bytes).unwrap_err().to_string();
    assert!(
        message.contains("view1_frontal.jpg"),
        "no file in: {message}"
    );
    assert_eq!(message.lines().count(), 1, "more than one line: {message}");
    message
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// A PNG with the given header values and the image data of another.
fn png_with_header(bytes: &[u8], width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes[24] = depth;
    bytes[25] = color;
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// The place of the frame header's precision byte.
fn frame_header(jpeg: &[u8]) -> usize {
    jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap() + 4
}

#[test]
fn png_keeps_every_value_in_8_and_in_16_bits() {
    let image = picture(33, 21, 5);
    assert_eq!(bits8(&png(image.clone())), image.into_raw());
    let deep = ImageBuffer::from_fn(9, 7, |x, y| Luma([(x * 7_001 + y * 811) as u16]));
    assert_eq!(
        bits16(&png(DynamicImage::ImageLuma16(deep.clone()))),
        deep.into_raw()
    );
}

#[test]
fn opaque_alpha_is_dropped_and_said_so() {
    let image = picture(12, 9, 1);
    let with_alpha =
        GrayAlphaImage::from_fn(12, 9, |x, y| LumaA([image.get_pixel(x, y).0[0], 255]));
    let read = grey(&png(with_alpha)).unwrap();
    assert_eq!(read.samples(), &Samples::Bits8(image.clone().into_raw()));
    assert_eq!(
        read.contract().to_string(),
        "PNG, 8 bits, grey and alpha; opaque alpha dropped"
    );
    let rgba = RgbaImage::from_fn(12, 9, |x, y| {
        let v = image.get_pixel(x, y).0[0];
        Rgba([v, v, v, 255])
    });
    let read = grey(&png(rgba)).unwrap();
    assert_eq!(read.samples(), &Samples::Bits8(image.into_raw()));
    assert_eq!(
        read.contract().corrections,
        [
            Correction::OpaqueAlphaDropped,
            Correction::GreyChannelsMerged
        ]
    );
    let deep = ImageBuffer::from_fn(4, 4, |x, y| LumaA([(x * 999 + y) as u16, 65_535]));
    let expected: Vec<u16> = deep.pixels().map(|p: &LumaA<u16>| p.0[0]).collect();
    assert_eq!(bits16(&png(DynamicImage::ImageLumaA16(deep))), expected);
}

#[test]
fn a_transparent_pixel_is_an_error() {
    let mut image = RgbaImage::from_pixel(6, 5, Rgba([9, 9, 9, 255]));
    image.put_pixel(2, 3, Rgba([9, 9, 9, 254]));
    let bytes = png(image);
    let message = message(&bytes);
    assert!(
        message.contains("1 of its 30 pixels are transparent"),
        "{message}"
    );
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.png");
    std::fs::write(&file, bytes).unwrap();
    assert!(decode_rgb(&file).is_err());
}

#[test]
fn a_contract_says_what_was_found_and_changed() {
    let contract = |bytes: &[u8]| grey(bytes).unwrap().contract().to_string();
    assert_eq!(contract(&jpeg(picture(8, 8, 1))), "JPEG, 8 bits, grey");
    assert_eq!(contract(&png(picture(8, 8, 1))), "PNG, 8 bits, grey");
    let colour = RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8, y as u8, 3]));
    assert_eq!(contract(&png(colour)), "PNG, 8 bits, RGB; colour to luma");
    let deep = ImageBuffer::from_pixel(2, 2, Rgb([7_u16, 7, 7]));
    assert_eq!(
        contract(&png(DynamicImage::ImageRgb16(deep))),
        "PNG, 16 bits, RGB; three equal channels merged"
    );
}

#[test]
fn colour_of_16_bits_becomes_luma_of_16_bits() {
    let deep = ImageBuffer::from_pixel(2, 2, Rgb([65_535_u16, 65_535, 65_535]));
    assert_eq!(bits16(&png(DynamicImage::ImageRgb16(deep))), [65_535; 4]);
    let red = ImageBuffer::from_pixel(1, 1, Rgba([65_535_u16, 0, 0, 65_535]));
    assert_eq!(bits16(&png(DynamicImage::ImageRgba16(red))), [19_595]); // 0.299 of the range
}

#[test]
fn a_palette_is_expanded() {
    // 4x1 pixels of 2 bits: the palette's entries in order.
    let palette = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [10, 10, 10]].concat();
    let mut zlib = vec![0x78, 0x01, 0x01, 2, 0, 0xfd, 0xff, 0, 0b0001_1011];
    zlib.extend(adler32(&[0, 0b0001_1011]).to_be_bytes());
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [
        &4_u32.to_be_bytes()[..],
        &1_u32.to_be_bytes(),
        &[2, 3, 0, 0, 0],
    ]
    .concat();
    for (kind, data) in [
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"IDAT", zlib),
        (b"IEND", vec![]),
    ] {
        bytes.extend((data.len() as u32).to_be_bytes());
        let chunk = [&kind[..], &data].concat();
        bytes.extend(&chunk);
        bytes.extend(crc32(&chunk).to_be_bytes());
    }
    assert_eq!(bits8(&bytes), [0, 255, 76, 10]);
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    (b << 16) | a
}

#[test]
fn jpeg_in_grey_and_in_colour_is_close_to_what_was_encoded() {
    let image = picture(50, 41, 3);
    let smooth = image::imageops::blur(&image, 3.0);
    let color = DynamicImage::ImageLuma8(smooth.clone()).into_rgb8();
    for bytes in [jpeg(smooth.clone()), jpeg(color)] {
        let worst = bits8(&bytes)
            .iter()
            .zip(smooth.as_raw())
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        assert!(worst <= 6, "{worst}");
    }
}

#[test]
fn the_file_name_does_not_decide_the_format() {
    let image = picture(8, 8, 2);
    assert_eq!(bits8(&png(image.clone())), image.into_raw()); // the file is called .jpg
}

#[test]
fn a_file_that_is_no_image_is_an_error_that_says_what_it_is() {
    for (bytes, expected) in [
        (&b""[..], "is empty (0 bytes)"),
        (
            b"GIF89a\x01\x00\x01\x00",
            "neither JPEG nor PNG nor DICOM (it starts with 47 49 46 38 39 61 01 00)",
        ),
        (b"<html>", "neither JPEG nor PNG"),
        (&[&[0; 128][..], b"DICM"].concat(), "DICOM file"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\xff\xd8\xff\xd9", "no frame header"),
        (b"\x89PNG\r\n\x1a\n", "PNG cannot be decoded"),
    ] {
        let message = message(bytes);
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let folder = TempDir::new().unwrap();
    let message = decode_grey(&folder.path().join("nowhere.jpg"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("nowhere.jpg") && message.contains("cannot be read"),
        "{message}"
    );
    let message = decode_grey(folder.path()).unwrap_err().to_string();
    assert!(message.contains("no regular file"), "{message}");
}

#[cfg(not(feature = "dicom"))]
#[test]
fn a_dicom_file_without_the_feature_is_an_error_that_names_it() {
    let message = message(&[&[0; 128][..], b"DICM"].concat());
    assert!(message.contains("cargo feature `dicom`"), "{message}");
}

#[test]
fn a_jpeg_cut_off_anywhere_is_an_error() {
    let whole = jpeg(picture(64, 48, 9));
    for length in 0..whole.len() {
        assert!(
            grey(&whole[..length]).is_err(),
            "{length} of {} bytes",
            whole.len()
        );
    }
    assert!(message(&whole[..whole.len() / 2]).contains("truncated"));
}

#[test]
fn a_jpeg_whose_data_ends_early_is_an_error_even_with_an_end_marker() {
    for (width, height) in [(64, 48), (4, 100), (200, 7)] {
        let whole = jpeg(picture(width, height, 4));
        assert!(
            grey(&whole).is_ok(),
            "{width}x{height}: {}",
            message(&whole)
        );
        let scan = whole.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
        let data = scan + 2 + usize::from(whole[scan + 3]);
        // The last bytes may be padding only.
        for length in data..whole.len() - 4 {
            if whole[length - 1] == 0xff {
                continue; // a half of a stuffed pair would swallow the marker
            }
            let mut bytes = whole[..length].to_vec();
            bytes.extend([0xff, 0xd9]);
            assert!(
                grey(&bytes).is_err(),
                "{width}x{height}: {length} of {} bytes",
                whole.len()
            );
        }
    }
}

#[test]
fn restart_markers_and_progressive_scans_are_read_and_must_be_complete() {
    for whole in [&RESTARTS[..], &PROGRESSIVE] {
        let samples = bits8(whole);
        for (place, &sample) in samples.iter().enumerate() {
            let expected = (place % 16) * 15 + (place / 16) * 3;
            assert!(
                usize::from(sample).abs_diff(expected) <= 8,
                "{place}: {sample}, {expected}"
            );
        }
        for length in 0..whole.len() {
            assert!(grey(&whole[..length]).is_err(), "{length} bytes");
        }
    }
    let restart = RESTARTS.windows(2).position(|w| w == [0xff, 0xd0]).unwrap();
    let message = message(&[&RESTARTS[..restart], &[0xff, 0xd9]].concat());
    assert!(
        message.contains("0 restart markers, expected 1"),
        "{message}"
    );
}

#[test]
fn a_flat_or_narrow_jpeg_is_no_truncated_one() {
    for (width, height) in [
        (1, 1),
        (1, 32),
        (32, 1),
        (8, 256),
        (256, 8),
        (9, 17),
        (320, 320),
    ] {
        for value in [0, 127, 255] {
            let image = image::GrayImage::from_pixel(width, height, Luma([value]));
            assert_eq!(
                bits8(&jpeg(image.clone())),
                image.into_raw(),
                "{width}x{height} of {value}"
            );
        }
    }
}

#[test]
fn a_png_cut_off_in_its_data_is_an_error() {
    let image = picture(64, 48, 9);
    let whole = png(image.clone());
    for length in 0..whole.len() {
        // Only the end chunk and its neighbour's checksum may be missing from a readable file.
        if let Ok(read) = grey(&whole[..length]) {
            assert!(
                whole.len() - length <= 20,
                "{length} of {} bytes",
                whole.len()
            );
            assert_eq!(read.samples(), &Samples::Bits8(image.clone().into_raw()));
        }
    }
}

#[test]
fn a_flipped_bit_in_a_png_is_an_error() {
    let whole = png(picture(32, 32, 7));
    for at in (33..whole.len() - 20).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        assert!(grey(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn random_damage_never_panics() {
    for whole in [
        jpeg(picture(40, 40, 1)),
        jpeg(DynamicImage::ImageLuma8(picture(40, 40, 1)).into_rgb8()),
        png(picture(40, 40, 1)),
    ] {
        for round in 0..400_usize {
            let mut bytes = whole.clone();
            for k in 0..=round % 4 {
                let at = (round * 7_919 + k * 104_729) % bytes.len();
                bytes[at] = bytes[at].wrapping_add((round / 3 + 1 + k) as u8);
            }
            if let Err(error) = grey(&bytes) {
                assert!(!error.to_string().contains("panicked"), "{error}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn bytes_of_any_kind_are_an_image_or_an_error(
        kind in 0_usize..4,
        tail in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
    ) {
        let dicom = [&[0; 128][..], b"DICM"].concat();
        let magic: [&[u8]; 4] = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", &dicom];
        if let Ok(image) = grey(&[magic[kind], &tail].concat()) {
            assert_eq!(image.samples().len(), image.width() as usize * image.height() as usize);
        }
    }
}

#[test]
fn other_than_8_bits_and_other_than_grey_or_colour_is_refused_in_a_jpeg() {
    let whole = jpeg(picture(16, 16, 1));
    let at = frame_header(&whole);
    for precision in [10, 12, 16, 0] {
        let mut bytes = whole.clone();
        bytes[at] = precision;
        let expected = format!("has {precision} bits a sample, expected 8");
        assert!(message(&bytes).contains(&expected), "{}", message(&bytes));
    }
    for components in [0, 2, 4, 255] {
        let mut bytes = whole.clone();
        bytes[at + 5] = components;
        let expected = format!("has {components} components");
        assert!(message(&bytes).contains(&expected), "{}", message(&bytes));
    }
    for marker in [0xc3, 0xc5, 0xc9, 0xcf] {
        let mut bytes = whole.clone();
        bytes[at - 3] = marker;
        assert!(
            message(&bytes).contains("not supported"),
            "{}",
            message(&bytes)
        );
    }
    let whole = png(picture(16, 16, 1));
    assert!(grey(&png_with_header(&whole, 16, 16, 10, 0)).is_err());
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let small = jpeg(picture(16, 16, 1));
    let at = frame_header(&small);
    let sized = |width: u16, height: u16| {
        let mut bytes = small.clone();
        bytes[at + 1..at + 3].copy_from_slice(&height.to_be_bytes());
        bytes[at + 3..at + 5].copy_from_slice(&width.to_be_bytes());
        bytes
    };
    for (width, height, expected) in [
        (65_535, 65_535, "the limit is 16384 a side"),
        (16_000, 16_000, "the limit is 67108864 pixels"),
        (0, 16, "at least one pixel"),
        (16, 0, "at least one pixel"),
        (10_000, 100, "the limit is 32 between the sides"),
    ] {
        let message = message(&sized(width, height));
        assert!(message.contains(&format!("{width}x{height}")), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let small = png(picture(16, 16, 1));
    for (width, height) in [
        (u32::MAX >> 1, 2),
        (100_000, 100_000),
        (16_000, 16_000),
        (0, 5),
    ] {
        assert!(
            grey(&png_with_header(&small, width, height, 8, 0)).is_err(),
            "{width}x{height}"
        );
    }
    // Allowed by its size, but with the data of a small image: an error, not half a picture.
    assert!(grey(&sized(2_000, 2_000)).is_err());
    assert!(grey(&png_with_header(&small, 2_000, 2_000, 8, 0)).is_err());
}

#[test]
fn a_recipe_out_of_range_is_an_error_that_names_the_setting() {
    let recipe = |resize, crop| ImageRecipe {
        resize,
        crop,
        position: CropPosition::Center,
        ..ImageRecipe::paper()
    };
    for (resize, crop, setting) in [
        (0, 0, "resize"),
        (320, 0, "crop"),
        (320, 321, "crop"),
        (5_000, 320, "resize"),
    ] {
        let message = recipe(resize, crop).validate().unwrap_err().to_string();
        assert!(message.starts_with(setting), "{message}");
    }
    assert!(recipe(320, 320).validate().is_ok());
    assert!(ImageRecipe::paper().validate().is_ok());
}

#[test]
fn a_recipe_is_known_by_its_name() {
    assert_eq!(ImageRecipe::preset("paper").unwrap(), ImageRecipe::paper());
    let eval = ImageRecipe::preset("torchvision-eval").unwrap();
    assert_eq!(
        (eval.resize, eval.crop, eval.position),
        (256, 224, CropPosition::Center)
    );
    let message = ImageRecipe::preset("papr").unwrap_err().to_string();
    assert!(message.contains("paper, torchvision-eval"), "{message}");
}

#[test]
fn the_longer_side_may_fit_and_the_rest_is_black() {
    let recipe = ImageRecipe {
        resize: 8,
        crop: 8,
        position: CropPosition::Center,
        fit: Fit::LongerSide,
        ..ImageRecipe::paper()
    };
    let white = |width, height| {
        let image = image::GrayImage::from_pixel(width, height, Luma([255]));
        recipe
            .apply(&grey(&png(image)).unwrap(), Draw::default())
            .unwrap()
    };
    let rows: Vec<f32> = white(16, 8).chunks(8).map(|row| row[3]).collect();
    assert_eq!(rows, [0., 0., 1., 1., 1., 1., 0., 0.]);
    assert_eq!(white(6, 12)[16..24], [0., 0., 1., 1., 1., 1., 0., 0.]);
    // A smaller crop, wherever it lies, shows what the padded square holds there.
    let whole = white(16, 8);
    let random = ImageRecipe {
        crop: 5,
        position: CropPosition::Random,
        ..recipe
    };
    let image = grey(&png(image::GrayImage::from_pixel(16, 8, Luma([255])))).unwrap();
    for index in 0..20 {
        let draw = Draw {
            index,
            ..Draw::default()
        };
        let square = random.apply(&image, draw).unwrap();
        let column: Vec<f32> = square.chunks(5).map(|row| row[0]).collect();
        let shown = (0..=3).any(|top| (0..5).all(|row| whole[(top + row) * 8] == column[row]));
        assert!(shown, "{column:?}");
    }
}

#[test]
fn an_image_that_already_fits_goes_through_unchanged() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.png");
    let image = picture(24, 24, 6);
    std::fs::write(&file, png(image.clone())).unwrap();
    let expected: Vec<f32> = image
        .as_raw()
        .iter()
        .map(|&v| f32::from(v) / 255.0)
        .collect();
    assert_eq!(load_grey(&file, 24, 24).unwrap(), expected);
    let planes = load_rgb(&file, 24, 24).unwrap();
    assert_eq!(
        planes,
        [expected.clone(), expected.clone(), expected].concat()
    );
}

#[test]
fn rgb_planes_are_red_green_blue() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.png");
    std::fs::write(&file, png(RgbImage::from_pixel(10, 6, Rgb([255, 51, 0])))).unwrap();
    let planes = load_rgb(&file, 4, 2).unwrap();
    assert_eq!(planes, [[1.0; 4], [0.2; 4], [0.0; 4]].concat());
    assert_eq!(decode_rgb(&file).unwrap().dimensions(), (10, 6));
    assert!(load_rgb(Path::new("nowhere.jpg"), 4, 2).is_err());
}

#[test]
fn sixteen_bits_are_finer_than_eight() {
    let deep = ImageBuffer::from_fn(8, 8, |x, _| Luma([30_000 + x as u16]));
    let image = grey(&png(DynamicImage::ImageLuma16(deep))).unwrap();
    let recipe = ImageRecipe {
        resize: 8,
        crop: 8,
        position: CropPosition::Center,
        ..ImageRecipe::paper()
    };
    let row = recipe.apply(&image, Draw::default()).unwrap();
    assert!(
        row.windows(2).take(7).all(|pair| pair[0] < pair[1]),
        "{row:?}"
    );
}

// Two 16x8 files of the ramp x * 15 + y * 3, written by Pillow 13.0.0 with quality 60: one with a restart marker after
// every block, one progressive.
#[rustfmt::skip]
const RESTARTS: [u8; 178] = [
    255, 216, 255, 224, 0, 16, 74, 70, 73, 70, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 255, 219, 0, 67, 0, 13, 9, 10, 11,
    10, 8, 13, 11, 10, 11, 14, 14, 13, 15, 19, 32, 21, 19, 18, 18, 19, 39, 28, 30, 23, 32, 46, 41, 49, 48, 46, 41,
    45, 44, 51, 58, 74, 62, 51, 54, 70, 55, 44, 45, 64, 87, 65, 70, 76, 78, 82, 83, 82, 50, 62, 90, 97, 90, 80,
    96, 74, 81, 82, 79, 255, 192, 0, 11, 8, 0, 8, 0, 16, 1, 1, 17, 0, 255, 196, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 6, 255, 196, 0, 24, 16, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 5, 33,
    50, 255, 221, 0, 4, 0, 1, 255, 218, 0, 8, 1, 1, 0, 0, 63, 0, 47, 2, 172, 209, 255, 208, 69, 2, 172, 209, 255,
    217,
];
#[rustfmt::skip]
const PROGRESSIVE: [u8; 290] = [
    255, 216, 255, 224, 0, 16, 74, 70, 73, 70, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 255, 219, 0, 67, 0, 13, 9, 10, 11,
    10, 8, 13, 11, 10, 11, 14, 14, 13, 15, 19, 32, 21, 19, 18, 18, 19, 39, 28, 30, 23, 32, 46, 41, 49, 48, 46, 41,
    45, 44, 51, 58, 74, 62, 51, 54, 70, 55, 44, 45, 64, 87, 65, 70, 76, 78, 82, 83, 82, 50, 62, 90, 97, 90, 80,
    96, 74, 81, 82, 79, 255, 194, 0, 11, 8, 0, 8, 0, 16, 1, 1, 17, 0, 255, 196, 0, 21, 0, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 255, 218, 0, 8, 1, 1, 0, 0, 0, 1, 46, 151, 255, 196, 0, 22, 16, 0, 3, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 255, 218, 0, 8, 1, 1, 0, 1, 5, 2, 130, 32, 143, 255, 196, 0, 20, 16,
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 255, 218, 0, 8, 1, 1, 0, 6, 63, 2, 63, 255, 196, 0, 21,
    16, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 49, 255, 218, 0, 8, 1, 1, 0, 1, 63, 33, 146, 79, 255,
    218, 0, 8, 1, 1, 0, 0, 0, 16, 63, 255, 196, 0, 21, 16, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 81,
    255, 218, 0, 8, 1, 1, 0, 1, 63, 16, 137, 19, 255, 217,
];
