//! DICOM files with one grey frame (PS3.3, PS3.5, PS3.10) to samples.

mod header;
mod levels;
mod structure;
mod syntax;

use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_object::file::ReadPreamble;
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use dicom_pixeldata::PixelDecoder;

use super::contract::{Channels, Contract, Correction, Format};
use super::decode::{VoiTransform, decode_jpeg, one_line};
use super::jpeg;
use super::plane::{GreyImage, Samples};
use crate::batch::panic_message;
use header::{Header, PIXEL_DATA};
use syntax::{Coding, TransferSyntax};

/// Decodes the bytes of a DICOM file; the error says what is wrong.
///
/// Every stored value goes through one table: sign, rescaling, values of interest, and the inversion of MONOCHROME1.
pub(super) fn decode(bytes: &[u8], voi: VoiTransform) -> Result<GreyImage, String> {
    let syntax = structure::check(bytes)?;
    let object = guarded("the DICOM file", || {
        OpenFileOptions::new()
            .read_preamble(ReadPreamble::Always)
            .from_reader(bytes)
            .map_err(|error| one_line(&error.to_string()))
    })?;
    let header = Header::read(&object)?;
    let stored = stored_values(&object, &header, syntax)?;
    let pixels = header.pixels();
    if stored.len() != pixels {
        return Err(format!(
            "the DICOM file has {} pixel values, expected {pixels}",
            stored.len()
        ));
    }

    let (levels, mut corrections) = levels::of_stored_values(&header, voi)?;
    let samples = levels.look_up(&stored);
    let bits = match samples {
        Samples::Bits8(_) => 8,
        Samples::Bits16(_) => 16,
    };
    let found = header.bits_stored as u8; // at most 16
    if bits != found {
        corrections.push(Correction::Widened {
            from: found,
            to: bits,
        });
    }
    let contract = Contract {
        format: Format::Dicom,
        bits: found,
        channels: Channels::Grey,
        corrections,
    };
    let (width, height) = (header.columns.into(), header.rows.into());
    Ok(GreyImage::new(width, height, samples, contract))
}

/// The stored values, one a pixel, in whose low bits the value stands.
fn stored_values(
    object: &DefaultDicomObject,
    header: &Header,
    syntax: &TransferSyntax,
) -> Result<Vec<u16>, String> {
    let wide = header.bits_allocated == 16;
    match syntax.coding {
        Coding::Native => {
            let element = object.get(PIXEL_DATA).ok_or("it has no pixel data")?;
            let bytes = element.to_bytes().map_err(|error| {
                format!(
                    "its pixel data is unusable: {}",
                    one_line(&error.to_string())
                )
            })?;
            let expected = header.pixels() * if wide { 2 } else { 1 };
            // A value of odd length is padded by one byte (PS3.5, 7.1.1).
            if bytes.len() != expected.next_multiple_of(2) && bytes.len() != expected {
                return Err(format!(
                    "the DICOM file has {} bytes of pixel data, expected {expected}",
                    bytes.len()
                ));
            }
            Ok(words(&bytes[..expected], wide))
        }
        Coding::Jpeg => {
            let decoded = decode_jpeg(&mut fragments(object)?, Vec::new())?;
            require_size(header, decoded.width, decoded.height)?;
            if !decoded.grey || wide {
                return Err(format!(
                    "its JPEG has {} of 8 bits, its header says one component of {} bits",
                    if decoded.grey {
                        "one component"
                    } else {
                        "three components"
                    },
                    header.bits_allocated
                ));
            }
            Ok(words(&decoded.pixels, false))
        }
        Coding::JpegLossless => {
            let frame = jpeg::lossless(&fragments(object)?)?;
            require_size(header, frame.width, frame.height)?;
            require_precision(header, frame.precision)?;
            decoded(object, wide)
        }
        Coding::Jpeg2000 => {
            let frame = syntax::jpeg_2000_frame(&fragments(object)?)?;
            require_size(header, frame.width, frame.height)?;
            require_precision(header, frame.precision)?;
            decoded(object, wide)
        }
        Coding::Rle => decoded(object, wide),
    }
}

/// A compressed frame may not be of another size than memory was checked for.
fn require_size(header: &Header, width: u32, height: u32) -> Result<(), String> {
    if (width, height) == (header.columns.into(), header.rows.into()) {
        return Ok(());
    }
    Err(format!(
        "its compressed frame has {width}x{height} pixels, its header says {}x{}",
        header.columns, header.rows
    ))
}

fn require_precision(header: &Header, precision: u8) -> Result<(), String> {
    let allocated = if precision <= 8 { 8 } else { 16 };
    if (1..=16).contains(&precision) && header.bits_allocated == allocated {
        return Ok(());
    }
    Err(format!(
        "its compressed frame has {precision} bits a sample, its header allocates {}",
        header.bits_allocated
    ))
}

/// The compressed frame: all fragments together, since there is one frame.
fn fragments(object: &DefaultDicomObject) -> Result<Vec<u8>, String> {
    let fragments = object
        .get(PIXEL_DATA)
        .and_then(|element| element.value().fragments())
        .ok_or("its pixel data is not compressed, which its transfer syntax says it is")?;
    Ok(fragments.concat())
}

fn decoded(object: &DefaultDicomObject, wide: bool) -> Result<Vec<u16>, String> {
    let bytes = guarded("its pixel data", || {
        object
            .decode_pixel_data()
            .map(dicom_pixeldata::DecodedPixelData::into_data)
            .map_err(|error| causes(&error))
    })?;
    Ok(words(&bytes, wide))
}

/// Bytes as the decoders leave them, in this machine's order, as numbers.
fn words(bytes: &[u8], wide: bool) -> Vec<u16> {
    if wide {
        let (pairs, _) = bytes.as_chunks::<2>();
        pairs.iter().map(|&pair| u16::from_ne_bytes(pair)).collect()
    } else {
        bytes.iter().map(|&byte| byte.into()).collect()
    }
}

/// Runs a decoder that may panic on a hostile file.
fn guarded<T>(what: &str, decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|panic| Err(panic_message(&*panic).to_owned()))
        .map_err(|problem| format!("{what} cannot be decoded: {}", one_line(&problem)))
}

/// An error with what lies below it, which says more here than the top.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
