//! The outline of a JPEG file, read before anything is decoded.
//!
//! JPEG decoders are built to show something of any file: they fill what is missing with grey. A radiograph of which a
//! part is made up must not reach a network, so the file's segments are walked first (ITU-T T.81, annex B), which also
//! gives size and precision before memory is spent.

/// What the frame header says, and where the coded data ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 1 for grey, 3 for colour.
    pub(crate) components: u8,
    /// Where the end-of-image marker stands.
    end: usize,
    /// Whether all data is in one sequential scan, as opposed to progressive and non-interleaved files.
    single_scan: bool,
}

const START_OF_SCAN: u8 = 0xda;
const RESTART_INTERVAL: u8 = 0xdd;
const END_OF_IMAGE: u8 = 0xd9;

/// Walks the segments of `bytes`; the error says what is wrong.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline, String> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(
            "the JPEG is corrupt: it does not begin with a start-of-image marker".to_owned(),
        );
    }
    let mut frame = None;
    let mut scans = 0_usize;
    let mut restarts = 0;
    let mut restart_interval = 0;
    let mut at = 2;
    while let Some((marker, segment)) = next_segment(bytes, &mut at)? {
        match marker {
            0xc0..=0xc2 if frame.is_some() => {
                return Err("the JPEG is corrupt: it has two frames".to_owned());
            }
            0xc0..=0xc2 => frame = Some(Frame::read(marker, segment)?),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(format!(
                    "lossless, hierarchical and arithmetic JPEG are not supported (marker FF{marker:02X})"
                ));
            }
            RESTART_INTERVAL => {
                restart_interval = match segment {
                    &[high, low] => u32::from(u16::from_be_bytes([high, low])),
                    _ => return Err("the JPEG is corrupt: a wrong restart interval".to_owned()),
                };
            }
            START_OF_SCAN => {
                scans += 1;
                (at, restarts) = end_of_scan(bytes, at).ok_or_else(|| truncated(bytes))?;
            }
            _ => {}
        }
    }
    let frame = frame.ok_or_else(|| "the JPEG is corrupt: it has no frame header".to_owned())?;
    let single_scan = frame.sequential && scans == 1;
    if scans == 0 {
        return Err("the JPEG is corrupt: it has no image data".to_owned());
    }
    if single_scan && restart_interval > 0 {
        let expected = frame.units().div_ceil(restart_interval).saturating_sub(1);
        if restarts != expected {
            return Err(format!(
                "the JPEG is incomplete: {restarts} restart markers, expected {expected}"
            ));
        }
    }
    Ok(Outline {
        width: frame.width,
        height: frame.height,
        components: frame.components,
        end: at,
        single_scan,
    })
}

/// The next marker with its segment, or `None` at the end of the image; `at` is moved behind the segment, or stays on the
/// end marker.
fn next_segment<'a>(bytes: &'a [u8], at: &mut usize) -> Result<Option<(u8, &'a [u8])>, String> {
    let cut_off = || truncated(bytes);
    loop {
        let marker = match bytes.get(*at..) {
            Some(&[0xff, marker, ..]) => marker,
            Some(&[0xff] | &[]) | None => return Err(cut_off()),
            Some(_) => return Err(format!("the JPEG is corrupt: no marker at byte {at}")),
        };
        match marker {
            0xff => *at += 1,               // a fill byte
            0x01 | 0xd0..=0xd7 => *at += 2, // a marker without a segment
            0x00 | 0xd8 => return Err(format!("the JPEG is corrupt: no marker at byte {at}")),
            END_OF_IMAGE => return Ok(None),
            _ => {
                let begin = *at + 2;
                let length = bytes.get(begin..begin + 2).ok_or_else(cut_off)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                if length < 2 {
                    return Err(format!(
                        "the JPEG is corrupt: an empty segment at byte {at}"
                    ));
                }
                let segment = bytes.get(begin + 2..begin + length).ok_or_else(cut_off)?;
                *at = begin + length;
                return Ok(Some((marker, segment)));
            }
        }
    }
}

fn truncated(bytes: &[u8]) -> String {
    format!(
        "the JPEG is truncated: {} bytes without an end-of-image marker",
        bytes.len()
    )
}

/// The next marker that is no restart, from `start` within entropy-coded data, and the number of restarts before it.
fn end_of_scan(bytes: &[u8], start: usize) -> Option<(usize, u32)> {
    let mut restarts = 0;
    let mut at = start;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        match bytes.get(at + 1)? {
            0x00 => at += 2,
            0xd0..=0xd7 => {
                restarts += 1;
                at += 2;
            }
            0xff => at += 1,
            _ => return Some((at, restarts)),
        }
    }
}

struct Frame {
    width: u32,
    height: u32,
    components: u8,
    /// The largest horizontal and vertical sampling factor.
    sampling: (u32, u32),
    sequential: bool,
}

impl Frame {
    fn read(marker: u8, segment: &[u8]) -> Result<Self, String> {
        let &[precision, h1, h0, w1, w0, components, ref rest @ ..] = segment else {
            return Err("the JPEG is corrupt: its frame header is too short".to_owned());
        };
        if precision != 8 {
            return Err(format!(
                "the JPEG has {precision} bits a sample, expected 8"
            ));
        }
        if !matches!(components, 1 | 3) {
            return Err(format!(
                "the JPEG has {components} components, expected 1 (grey) or 3 (colour)"
            ));
        }
        let largest = |factor: fn(u8) -> u8| {
            let factors = rest.chunks_exact(3).map(|component| factor(component[1]));
            u32::from(factors.max().unwrap_or(1).max(1))
        };
        Ok(Self {
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            components,
            sampling: (largest(|both| both >> 4), largest(|both| both & 15)),
            sequential: marker != 0xc2,
        })
    }

    /// The number of coded units (MCUs) of a scan of all components; sampling factors are void in a scan of one.
    fn units(&self) -> u32 {
        let (across, down) = if self.components == 1 {
            (1, 1)
        } else {
            self.sampling
        };
        self.width.div_ceil(8 * across) * self.height.div_ceil(8 * down)
    }
}

/// Puts a tripwire behind the coded data, for a decoder that reads on past the end.
///
/// No Huffman code of a JPEG consists of ones only (T.81, annex C), and a complete scan is padded with ones, so a run of
/// them is never read when the data is complete and is a decoding error when it ends early.
pub(crate) fn set_tripwire(bytes: &mut Vec<u8>, outline: &Outline) {
    if outline.single_scan {
        let ones = [0xff, 0x00].repeat(16);
        bytes.splice(outline.end..outline.end, ones);
    }
}

/// The frame header of a lossless JPEG (T.81, annex H) with one component, all of whose segments are there.
#[cfg(feature = "dicom")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lossless {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) precision: u8,
}

/// Walks the segments of a lossless JPEG; the error says what is wrong.
#[cfg(feature = "dicom")]
pub(crate) fn lossless(bytes: &[u8]) -> Result<Lossless, String> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(
            "the JPEG is corrupt: it does not begin with a start-of-image marker".to_owned(),
        );
    }
    let mut frame = None;
    let mut scans = 0;
    let mut at = 2;
    while let Some((marker, segment)) = next_segment(bytes, &mut at)? {
        match (marker, segment) {
            (0xc3, &[precision, h1, h0, w1, w0, 1, ..]) if frame.is_none() => {
                frame = Some(Lossless {
                    width: u32::from(u16::from_be_bytes([w1, w0])),
                    height: u32::from(u16::from_be_bytes([h1, h0])),
                    precision,
                });
            }
            (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, _) => {
                return Err(format!(
                    "the JPEG is not one lossless frame of one component (marker FF{marker:02X})"
                ));
            }
            (START_OF_SCAN, _) => {
                scans += 1;
                (at, _) = end_of_scan(bytes, at).ok_or_else(|| truncated(bytes))?;
            }
            _ => {}
        }
    }
    match frame {
        Some(frame) if scans == 1 => Ok(frame),
        Some(_) => Err(format!("the lossless JPEG has {scans} scans, expected one")),
        None => Err("the JPEG is corrupt: it has no frame header".to_owned()),
    }
}
