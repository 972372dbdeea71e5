//! The one door for image files: read, told apart by content, checked for size, decoded.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use ::image::codecs::png::PngDecoder;
use ::image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageError, Limits, RgbImage};
use serde::{Deserialize, Serialize};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::contract::{Channels, Contract, Correction, Format};
use super::grey::{grey, require_opaque};
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

/// Which values of a DICOM file are black and white (its *values of interest*); other files have no such choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiTransform {
    /// As the file says: its first VOI LUT, else its first window, else the full range of its stored bits.
    ///
    /// The default, because a viewer shows the file so, and the JPEG and PNG files that networks were trained on are
    /// exports of what a viewer shows.
    #[default]
    FromFile,
    /// From the least to the greatest value of the stored bits, whatever the file says.
    FullRange,
}

/// Reads a JPEG, PNG or DICOM file as one grey plane, whatever the file's name says it is.
///
/// Colour becomes luma as in ITU-R BT.601 (the rounding is Pillow's `convert("L")`), opaque alpha is dropped, palettes and
/// 1, 2 and 4 bits are expanded to 8, and 16 bits stay 16. An orientation tag is not applied. Of an animated PNG the
/// default image is read. DICOM needs the cargo feature `dicom`; it is shown as [`VoiTransform::FromFile`] says.
/// [`GreyImage::contract`] tells what was found and changed.
///
/// A truncated file is always an error. One case of missing data cannot be told: a progressive JPEG whose last scans are
/// gone but which was given an end marker again; it reads as a coarser picture.
///
/// # Errors
///
/// [`Error::Image`] if the file is missing, empty, too large, of no known format, of an unsupported kind (JPEG with other
/// than 8 bits, CMYK; DICOM with colour or several frames), transparent, corrupt, or complete in part only.
pub fn decode_grey(path: &Path) -> Result<GreyImage> {
    decode_grey_with(path, VoiTransform::default())
}

/// [`decode_grey`] with a choice of what is black and white in a DICOM file.
///
/// # Errors
///
/// As [`decode_grey`].
pub fn decode_grey_with(path: &Path, voi: VoiTransform) -> Result<GreyImage> {
    let mut bytes = Vec::new();
    read(path, &mut bytes)?;
    decode_grey_bytes(path, &mut bytes, voi, Vec::new())
}

/// Reads a JPEG or PNG as 8-bit RGB: grey is replicated, opaque alpha dropped, 16 bits rounded to 8.
///
/// # Errors
///
/// As [`decode_grey`]; a DICOM file is one.
pub fn decode_rgb(path: &Path) -> Result<RgbImage> {
    let mut bytes = Vec::new();
    read(path, &mut bytes)?;
    decode_rgb_bytes(&mut bytes).map_err(unusable(path))
}

/// Reads a file of no more than [`MAX_FILE_BYTES`] into `bytes`, whose old content is lost.
pub(crate) fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<()> {
    let read = |bytes: &mut Vec<u8>| -> Result<(), String> {
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
        bytes.clear();
        bytes.reserve(metadata.len() as usize + 1); // one more, so that the end is seen without growing
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(bytes))
            .map_err(cannot)?;
        Ok(())
    };
    read(bytes).map_err(unusable(path))
}

/// Decodes the content of `path`; `bytes` are used up, `spare` becomes the samples' memory where that is possible.
pub(crate) fn decode_grey_bytes(
    path: &Path,
    bytes: &mut Vec<u8>,
    voi: VoiTransform,
    spare: Vec<u8>,
) -> Result<GreyImage> {
    match Format::of(bytes) {
        Ok(Format::Jpeg) => decode_jpeg(bytes, spare).and_then(grey_jpeg),
        Ok(Format::Png) => decode_png(bytes).and_then(grey_png),
        Ok(Format::Dicom) => decode_dicom(bytes, voi),
        Err(problem) => Err(problem),
    }
    .map_err(unusable(path))
}

fn decode_rgb_bytes(bytes: &mut Vec<u8>) -> Result<RgbImage, String> {
    let image = match Format::of(bytes)? {
        Format::Jpeg => {
            let Jpeg {
                width,
                height,
                pixels,
                grey,
            } = decode_jpeg(bytes, Vec::new())?;
            let image = if grey {
                ::image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
            } else {
                RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
            };
            image.ok_or("the JPEG decodes to less than its pixels")?
        }
        Format::Png => decode_png(bytes)?.image,
        Format::Dicom => return Err("is a DICOM file, expected a picture".to_owned()),
    };
    require_opaque(&image)?;
    Ok(image.into_rgb8())
}

#[cfg(feature = "dicom")]
fn decode_dicom(bytes: &[u8], voi: VoiTransform) -> Result<GreyImage, String> {
    super::dicom::decode(bytes, voi)
}

#[cfg(not(feature = "dicom"))]
fn decode_dicom(_: &[u8], _: VoiTransform) -> Result<GreyImage, String> {
    Err("is a DICOM file; this program was built without the cargo feature `dicom`".to_owned())
}

fn unusable(path: &Path) -> impl Fn(String) -> Error {
    move |problem| Error::Image {
        path: path.to_path_buf(),
        problem,
    }
}

impl Format {
    fn of(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            Err("is empty (0 bytes)".to_owned())
        } else if bytes.starts_with(JPEG_MAGIC) {
            Ok(Self::Jpeg)
        } else if bytes.starts_with(PNG_MAGIC) {
            Ok(Self::Png)
        } else if bytes.get(128..132) == Some(b"DICM") {
            Ok(Self::Dicom)
        } else {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            Err(format!(
                "is neither JPEG nor PNG nor DICOM (it starts with {})",
                start.join(" ")
            ))
        }
    }
}

pub(super) fn check_size(width: u32, height: u32) -> Result<(), String> {
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

/// The pixels of a JPEG file, of one or of three interleaved channels.
pub(super) struct Jpeg {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
    pub(super) grey: bool,
}

pub(super) fn decode_jpeg(bytes: &mut Vec<u8>, mut pixels: Vec<u8>) -> Result<Jpeg, String> {
    let outline = jpeg::outline(bytes)?;
    check_size(outline.width, outline.height)?;
    jpeg::set_tripwire(bytes, &outline);
    let grey = outline.components == 1;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .jpeg_set_out_colorspace(if grey {
            ColorSpace::Luma
        } else {
            ColorSpace::RGB
        });
    let (width, height) = (outline.width, outline.height);
    // Zeroed, so that no pixel of an earlier image can show through.
    pixels.clear();
    pixels.resize(
        width as usize * height as usize * usize::from(outline.components),
        0,
    );
    JpegDecoder::new_with_options(ZCursor::new(bytes.as_slice()), options)
        .decode_into(&mut pixels)
        .map_err(|error| format!("the JPEG is corrupt: {}", one_line(&error.to_string())))?;
    Ok(Jpeg {
        width,
        height,
        pixels,
        grey,
    })
}

fn grey_jpeg(jpeg: Jpeg) -> Result<GreyImage, String> {
    let (width, height) = (jpeg.width, jpeg.height);
    let (samples, channels, corrections) = if jpeg.grey {
        (Samples::Bits8(jpeg.pixels), Channels::Grey, Vec::new())
    } else {
        let image = RgbImage::from_raw(width, height, jpeg.pixels);
        grey(
            image
                .ok_or("the JPEG decodes to less than its pixels")?
                .into(),
        )?
    };
    let contract = Contract {
        format: Format::Jpeg,
        bits: 8,
        channels,
        corrections,
    };
    Ok(GreyImage::new(width, height, samples, contract))
}

struct Png {
    image: DynamicImage,
    /// Bits a sample; of a palette's index where there is one.
    bits: u8,
}

fn decode_png(bytes: &[u8]) -> Result<Png, String> {
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
    let bits = match decoder.original_color_type() {
        ExtendedColorType::L1 => 1,
        ExtendedColorType::L2 => 2,
        ExtendedColorType::L4 => 4,
        ExtendedColorType::L16
        | ExtendedColorType::La16
        | ExtendedColorType::Rgb16
        | ExtendedColorType::Rgba16 => 16,
        _ => 8,
    };
    let image = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    Ok(Png { image, bits })
}

fn grey_png(Png { image, bits }: Png) -> Result<GreyImage, String> {
    let (width, height) = (image.width(), image.height());
    let (samples, channels, mut corrections) = grey(image)?;
    if bits < 8 {
        corrections.insert(0, Correction::Widened { from: bits, to: 8 });
    }
    let contract = Contract {
        format: Format::Png,
        bits,
        channels,
        corrections,
    };
    Ok(GreyImage::new(width, height, samples, contract))
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
