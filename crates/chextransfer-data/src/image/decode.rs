//! JPEG and PNG files to samples, within limits that are checked before memory is spent.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use ::image::codecs::png::PngDecoder;
use ::image::{DynamicImage, ImageDecoder, ImageError, Limits, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::jpeg;
use super::plane::{GreyImage, Samples};
use crate::{Error, Result};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The longest side of an image, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// The most pixels of an image: a quarter of the largest square that [`MAX_SIDE`] allows.
pub const MAX_PIXELS: u64 = 8_192 * 8_192;

/// The longest side over the shortest. Resizing a ribbon by its shorter side would blow it up without limit.
const MAX_ASPECT_RATIO: u32 = 32;

/// Four 16-bit channels a pixel.
const MAX_DECODED_BYTES: u64 = 8 * MAX_PIXELS;

const JPEG_MAGIC: &[u8] = &[0xff, 0xd8, 0xff];
const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Reads a JPEG or PNG as one grey plane, whatever the file's name says it is.
///
/// Colour becomes luma as in ITU-R BT.601 (the rounding is Pillow's `convert("L")`), alpha is dropped, palettes and 1, 2
/// and 4 bits are expanded to 8, and 16 bits stay 16. An orientation tag is not applied. Of an animated PNG the default
/// image is read.
///
/// A truncated file is always an error. One case of missing data cannot be told: a progressive JPEG whose last scans are
/// gone but which was given an end marker again; it reads as a coarser picture.
///
/// # Errors
///
/// [`Error::Image`] if the file is missing, empty, too large, neither JPEG nor PNG, of an unsupported kind (JPEG with other
/// than 8 bits, CMYK), corrupt, or complete in part only.
pub fn decode_grey(path: &Path) -> Result<GreyImage> {
    let decoded = decode(path)?;
    let (width, height) = (decoded.width(), decoded.height());
    let samples = match decoded {
        DynamicImage::ImageLuma8(image) => Samples::Bits8(image.into_raw()),
        DynamicImage::ImageLumaA8(image) => Samples::Bits8(first_of::<2, _>(&image)),
        DynamicImage::ImageRgb8(image) => Samples::Bits8(luma8::<3>(&image)),
        DynamicImage::ImageRgba8(image) => Samples::Bits8(luma8::<4>(&image)),
        DynamicImage::ImageLuma16(image) => Samples::Bits16(image.into_raw()),
        DynamicImage::ImageLumaA16(image) => Samples::Bits16(first_of::<2, _>(&image)),
        DynamicImage::ImageRgb16(image) => Samples::Bits16(luma16::<3>(&image)),
        DynamicImage::ImageRgba16(image) => Samples::Bits16(luma16::<4>(&image)),
        other => {
            return Err(unusable(path)(format!(
                "pixels of type {:?} are not supported",
                other.color()
            )));
        }
    };
    Ok(GreyImage::new(width, height, samples))
}

/// Reads a JPEG or PNG as 8-bit RGB: grey is replicated, alpha dropped, 16 bits rounded to 8.
///
/// # Errors
///
/// As [`decode_grey`].
pub fn decode_rgb(path: &Path) -> Result<RgbImage> {
    Ok(decode(path)?.into_rgb8())
}

fn unusable(path: &Path) -> impl Fn(String) -> Error {
    move |problem| Error::Image {
        path: path.to_path_buf(),
        problem,
    }
}

fn decode(path: &Path) -> Result<DynamicImage> {
    let bytes = read(path).map_err(unusable(path))?;
    decode_bytes(bytes).map_err(unusable(path))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // A named pipe would block when it is opened, so look before.
    let metadata = path.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(format!(
            "has {} bytes, the limit is {MAX_FILE_BYTES}",
            metadata.len()
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
        .map_err(cannot)?;
    Ok(bytes)
}

fn decode_bytes(bytes: Vec<u8>) -> Result<DynamicImage, String> {
    if bytes.is_empty() {
        Err("is empty (0 bytes)".to_owned())
    } else if bytes.starts_with(JPEG_MAGIC) {
        decode_jpeg(bytes)
    } else if bytes.starts_with(PNG_MAGIC) {
        decode_png(&bytes)
    } else if bytes.get(128..132) == Some(b"DICM") {
        Err("is a DICOM file, expected JPEG or PNG".to_owned())
    } else {
        let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
        Err(format!(
            "is neither JPEG nor PNG (it starts with {})",
            start.join(" ")
        ))
    }
}

fn check_size(width: u32, height: u32) -> Result<(), String> {
    let (short, long) = (width.min(height), width.max(height));
    let problem = if short == 0 {
        "expected at least one pixel".to_owned()
    } else if long > MAX_SIDE {
        format!("the limit is {MAX_SIDE} a side")
    } else if u64::from(width) * u64::from(height) > MAX_PIXELS {
        format!("the limit is {MAX_PIXELS} pixels")
    } else if long / short > MAX_ASPECT_RATIO {
        format!("the limit is {MAX_ASPECT_RATIO} between the sides")
    } else {
        return Ok(());
    };
    Err(format!("has {width}x{height} pixels, {problem}"))
}

fn decode_jpeg(bytes: Vec<u8>) -> Result<DynamicImage, String> {
    let outline = jpeg::outline(&bytes)?;
    check_size(outline.width, outline.height)?;
    let bytes = jpeg::with_tripwire(bytes, &outline);
    let color = if outline.components == 1 {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .jpeg_set_out_colorspace(color);
    let pixels = JpegDecoder::new_with_options(ZCursor::new(bytes.as_slice()), options)
        .decode()
        .map_err(|error| format!("the JPEG is corrupt: {}", one_line(&error.to_string())))?;
    let (width, height) = (outline.width, outline.height);
    let image = if outline.components == 1 {
        ::image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    image.ok_or_else(|| format!("the JPEG decodes to less than its {width}x{height} pixels"))
}

fn decode_png(bytes: &[u8]) -> Result<DynamicImage, String> {
    let corrupt = |error: ImageError| {
        format!(
            "the PNG cannot be decoded: {}",
            one_line(&error.to_string())
        )
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    DynamicImage::from_decoder(decoder).map_err(corrupt)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_of<const CHANNELS: usize, T: Copy>(samples: &[T]) -> Vec<T> {
    samples
        .chunks_exact(CHANNELS)
        .map(|pixel| pixel[0])
        .collect()
}

/// ITU-R BT.601 luma in 16-bit fixed point: 0.299, 0.587 and 0.114 times 65,536.
const LUMA: [u64; 3] = [19_595, 38_470, 7_471];

fn luma(r: u64, g: u64, b: u64) -> u64 {
    (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b + (1 << 15)) >> 16
}

// The weights add up to 65,536, so a luma is never larger than the largest sample and the casts lose nothing.
fn luma8<const CHANNELS: usize>(samples: &[u8]) -> Vec<u8> {
    samples
        .chunks_exact(CHANNELS)
        .map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as u8)
        .collect()
}

fn luma16<const CHANNELS: usize>(samples: &[u16]) -> Vec<u16> {
    samples
        .chunks_exact(CHANNELS)
        .map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as u16)
        .collect()
}
