//! The attributes that say what pixel values mean (PS3.3, C.7.6.3 and C.11).

use dicom_object::{DefaultDicomObject, Tag};

use crate::image::decode::{check_size, one_line};

const SAMPLES_PER_PIXEL: Tag = Tag(0x0028, 0x0002);
const PHOTOMETRIC_INTERPRETATION: Tag = Tag(0x0028, 0x0004);
const NUMBER_OF_FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const BITS_ALLOCATED: Tag = Tag(0x0028, 0x0100);
const BITS_STORED: Tag = Tag(0x0028, 0x0101);
const HIGH_BIT: Tag = Tag(0x0028, 0x0102);
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
const WINDOW_CENTER: Tag = Tag(0x0028, 0x1050);
const WINDOW_WIDTH: Tag = Tag(0x0028, 0x1051);
const RESCALE_INTERCEPT: Tag = Tag(0x0028, 0x1052);
const RESCALE_SLOPE: Tag = Tag(0x0028, 0x1053);
const VOI_LUT_FUNCTION: Tag = Tag(0x0028, 0x1056);
const MODALITY_LUT_SEQUENCE: Tag = Tag(0x0028, 0x3000);
const LUT_DESCRIPTOR: Tag = Tag(0x0028, 0x3002);
const LUT_DATA: Tag = Tag(0x0028, 0x3006);
const VOI_LUT_SEQUENCE: Tag = Tag(0x0028, 0x3010);
const PRESENTATION_LUT_SHAPE: Tag = Tag(0x2050, 0x0020);
pub(super) const PIXEL_DATA: Tag = Tag(0x7fe0, 0x0010);

/// What is said of the one grey frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) columns: u16,
    pub(super) rows: u16,
    /// 8 or 16
    pub(super) bits_allocated: u16,
    /// 1 to `bits_allocated`; they are the low ones.
    pub(super) bits_stored: u16,
    /// Stored values are in two's complement.
    pub(super) signed: bool,
    /// MONOCHROME1: the lowest value is white.
    pub(super) inverted: bool,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    pub(super) window: Option<Window>,
    pub(super) table: Option<VoiLut>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) function: WindowFunction,
    pub(super) center: f64,
    pub(super) width: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowFunction {
    Linear,
    LinearExact,
    Sigmoid,
}

/// A table from rescaled values to grey.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct VoiLut {
    /// The value of the first entry; lower values have its grey, and higher ones than the last entry's that one's.
    pub(super) first: f64,
    /// The greatest grey that an entry may have.
    pub(super) maximum: u16,
    /// At least one.
    pub(super) entries: Vec<u16>,
}

impl Header {
    /// Reads and checks the attributes; sizes are within the limits of images.
    pub(super) fn read(object: &DefaultDicomObject) -> Result<Self, String> {
        let rows: u16 = required(object, ROWS, "Rows")?;
        let columns: u16 = required(object, COLUMNS, "Columns")?;
        check_size(columns.into(), rows.into())?;

        let photometric = text(object, PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
        let samples: u16 = required(object, SAMPLES_PER_PIXEL, "Samples per Pixel")?;
        let inverted = match photometric.as_str() {
            "MONOCHROME1" if samples == 1 => true,
            "MONOCHROME2" if samples == 1 => false,
            _ => {
                return Err(format!(
                    "the DICOM image has {samples} samples a pixel and photometric interpretation {photometric:?}, \
                     expected one sample of MONOCHROME1 or MONOCHROME2"
                ));
            }
        };
        let frames: u32 = optional(object, NUMBER_OF_FRAMES, "Number of Frames")?.unwrap_or(1);
        if frames != 1 {
            return Err(format!("the DICOM file has {frames} frames, expected one"));
        }
        require_shape(object, &photometric, inverted)?;
        if object.get(MODALITY_LUT_SEQUENCE).is_some() {
            return Err(
                "its Modality LUT Sequence is not supported, expected rescale slope and intercept"
                    .to_owned(),
            );
        }

        let bits_allocated: u16 = required(object, BITS_ALLOCATED, "Bits Allocated")?;
        let bits_stored: u16 = required(object, BITS_STORED, "Bits Stored")?;
        let high_bit: u16 = required(object, HIGH_BIT, "High Bit")?;
        let representation: u16 = required(object, PIXEL_REPRESENTATION, "Pixel Representation")?;
        if !matches!(bits_allocated, 8 | 16)
            || !(1..=bits_allocated).contains(&bits_stored)
            || high_bit + 1 != bits_stored
            || representation > 1
        {
            return Err(format!(
                "the DICOM image has bits allocated {bits_allocated}, stored {bits_stored}, high bit {high_bit} and pixel \
                 representation {representation}, expected 8 or 16, at most as many, one less, and 0 or 1"
            ));
        }

        let slope = optional(object, RESCALE_SLOPE, "Rescale Slope")?.unwrap_or(1.0);
        let intercept = optional(object, RESCALE_INTERCEPT, "Rescale Intercept")?.unwrap_or(0.0);
        if !(f64::is_normal(slope) && f64::is_finite(intercept)) {
            return Err(format!(
                "the DICOM image has rescale slope {slope} and intercept {intercept}, expected finite numbers and a slope \
                 other than 0"
            ));
        }
        Ok(Self {
            columns,
            rows,
            bits_allocated,
            bits_stored,
            signed: representation == 1,
            inverted,
            slope,
            intercept,
            window: window(object)?,
            table: voi_lut(object)?,
        })
    }

    pub(super) fn pixels(&self) -> usize {
        usize::from(self.columns) * usize::from(self.rows)
    }
}

/// The shape says a second time whether low is white; where the two disagree nobody can tell.
fn require_shape(
    object: &DefaultDicomObject,
    photometric: &str,
    inverted: bool,
) -> Result<(), String> {
    match text(object, PRESENTATION_LUT_SHAPE) {
        Some(shape) if (shape == "INVERSE") != inverted => Err(format!(
            "the DICOM image contradicts itself: {photometric} and presentation LUT shape {shape:?}"
        )),
        _ => Ok(()),
    }
}

/// The first window.
fn window(object: &DefaultDicomObject) -> Result<Option<Window>, String> {
    let center = optional(object, WINDOW_CENTER, "Window Center")?;
    let width = optional(object, WINDOW_WIDTH, "Window Width")?;
    let (center, width): (f64, f64) = match (center, width) {
        (None, None) => return Ok(None),
        (Some(center), Some(width)) => (center, width),
        _ => {
            return Err("the DICOM image has half a window: centre or width is missing".to_owned());
        }
    };
    let (function, least) = match text(object, VOI_LUT_FUNCTION).as_deref() {
        None | Some("" | "LINEAR") => (WindowFunction::Linear, 1.0),
        Some("LINEAR_EXACT") => (WindowFunction::LinearExact, f64::MIN_POSITIVE),
        Some("SIGMOID") => (WindowFunction::Sigmoid, f64::MIN_POSITIVE),
        Some(other) => {
            return Err(format!(
                "the DICOM image has VOI LUT function {other:?}, expected LINEAR, LINEAR_EXACT or SIGMOID"
            ));
        }
    };
    if !(center.is_finite() && width.is_finite() && width >= least) {
        return Err(format!(
            "the DICOM image has a window of centre {center} and width {width}, expected a width of at least {least}"
        ));
    }
    Ok(Some(Window {
        function,
        center,
        width,
    }))
}

/// The first VOI LUT.
fn voi_lut(object: &DefaultDicomObject) -> Result<Option<VoiLut>, String> {
    let Some(item) = object
        .get(VOI_LUT_SEQUENCE)
        .and_then(|sequence| sequence.items()?.first())
    else {
        return Ok(None);
    };
    let numbers = |tag: Tag| -> Option<Vec<i32>> { item.get(tag)?.to_multi_int().ok() };
    let unusable = || "the DICOM image has an unusable VOI LUT".to_owned();
    let descriptor = numbers(LUT_DESCRIPTOR).ok_or_else(unusable)?;
    let &[length, first, bits] = descriptor.as_slice() else {
        return Err(unusable());
    };
    // 65,536 entries do not fit into 16 bits and are written as 0.
    let length = if length == 0 { 65_536 } else { length & 0xffff };
    let entries: Vec<u16> = numbers(LUT_DATA)
        .ok_or_else(unusable)?
        .into_iter()
        .map(|entry| entry as u16) // a signed reading of the same 16 bits
        .collect();
    if entries.len() != length as usize || !(1..=16).contains(&bits) {
        return Err(format!(
            "the DICOM image has a VOI LUT of {} entries of {bits} bits, expected {length} of 8 to 16",
            entries.len()
        ));
    }
    // Some devices declare 16 bits for entries of 12, so the entries decide; rounded up to whole bits, as their greatest
    // need not be white.
    let greatest = entries.iter().copied().max().unwrap_or(0).max(1);
    let maximum = u16::MAX >> greatest.leading_zeros();
    Ok(Some(VoiLut {
        first: first.into(),
        maximum,
        entries,
    }))
}

fn text(object: &DefaultDicomObject, tag: Tag) -> Option<String> {
    let text = object.get(tag)?.to_str().ok()?;
    Some(text.trim_end_matches(['\0', ' ']).trim_start().to_owned())
}

/// A number as text or as binary; the first one if there are several.
fn optional<T: std::str::FromStr>(
    object: &DefaultDicomObject,
    tag: Tag,
    name: &str,
) -> Result<Option<T>, String> {
    let Some(element) = object.get(tag) else {
        return Ok(None);
    };
    let text = element
        .to_str()
        .map_err(|error| format!("its {name} is unusable: {}", one_line(&error.to_string())))?;
    let first = text.split('\\').next().unwrap_or_default();
    let first = first.trim_matches(['\0', ' ']);
    if first.is_empty() {
        return Ok(None);
    }
    match first.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("its {name} is {first:?}, expected a number")),
    }
}

fn required(object: &DefaultDicomObject, tag: Tag, name: &str) -> Result<u16, String> {
    optional(object, tag, name)?.ok_or_else(|| format!("the DICOM file has no {name}"))
}
