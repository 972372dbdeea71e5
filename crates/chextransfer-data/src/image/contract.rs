//! What a file was found to hold, and what was done to make it a grey image with 0 as black.

use std::fmt;

/// What was found in an image file, and every change that was made on the way to grey levels.
///
/// What a change could not put right, such as transparency or several frames, is an error instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The kind of file, by its content.
    pub format: Format,
    /// Bits that a sample holds in the file (DICOM's *bits stored*).
    pub bits: u8,
    /// The channels of the file.
    pub channels: Channels,
    /// The changes, in the order in which they were made.
    pub corrections: Vec<Correction>,
}

/// The kind of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, baseline or progressive
    Jpeg,
    /// PNG
    Png,
    /// DICOM
    Dicom,
}

/// The channels of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel.
    Grey,
    /// One channel and opacity.
    GreyAlpha,
    /// Three channels, or a palette of such.
    Rgb,
    /// Three channels and opacity.
    Rgba,
}

/// A change that was made to an image while it was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Correction {
    /// Three equal channels became one; nothing is lost.
    GreyChannelsMerged,
    /// Colour became luma as in ITU-R BT.601.
    ColorToLuma,
    /// A channel of opacity was left away; every pixel was opaque.
    OpaqueAlphaDropped,
    /// Samples were spread over a wider range: value times `2^to - 1` over `2^from - 1`.
    Widened {
        /// Bits in the file.
        from: u8,
        /// Bits of [`Samples`](super::Samples).
        to: u8,
    },
    /// DICOM's rescale slope and intercept were applied (PS3.3 C.11.1).
    Rescaled {
        /// Factor of a stored value.
        slope: f64,
        /// What is added to it.
        intercept: f64,
    },
    /// A DICOM window was applied (PS3.3 C.11.2.1.2).
    Windowed {
        /// `LINEAR`, `LINEAR_EXACT` or `SIGMOID`.
        function: &'static str,
        /// The window's centre, after rescaling.
        center: f64,
        /// The window's width.
        width: f64,
    },
    /// A DICOM VOI LUT of so many entries was applied (PS3.3 C.11.2.1.1).
    LookedUp {
        /// Entries of the table.
        entries: usize,
    },
    /// MONOCHROME1, where the lowest value is white, became MONOCHROME2.
    Inverted,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Dicom => "DICOM",
        })
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grey => "grey",
            Self::GreyAlpha => "grey and alpha",
            Self::Rgb => "RGB",
            Self::Rgba => "RGBA",
        })
    }
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GreyChannelsMerged => f.write_str("three equal channels merged"),
            Self::ColorToLuma => f.write_str("colour to luma"),
            Self::OpaqueAlphaDropped => f.write_str("opaque alpha dropped"),
            Self::Widened { from, to } => write!(f, "{from} bits widened to {to}"),
            Self::Rescaled { slope, intercept } => {
                write!(f, "rescaled by slope {slope} and intercept {intercept}")
            }
            Self::Windowed {
                function,
                center,
                width,
            } => write!(f, "{function} window of centre {center} and width {width}"),
            Self::LookedUp { entries } => write!(f, "VOI LUT of {entries} entries"),
            Self::Inverted => f.write_str("MONOCHROME1 inverted"),
        }
    }
}

impl fmt::Display for Contract {
    /// One line, such as `DICOM, 12 bits, grey; MONOCHROME1 inverted`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bits, {}", self.format, self.bits, self.channels)?;
        for (place, correction) in self.corrections.iter().enumerate() {
            write!(f, "{} {correction}", if place == 0 { ";" } else { "," })?;
        }
        Ok(())
    }
}
