//! A grey image in the precision of its file.

/// One plane of grey samples, row by row from the top left; 0 is black.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreyImage {
    width: u32,
    height: u32,
    samples: Samples,
}

/// Samples as the file stores them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 0 to 255
    Bits8(Vec<u8>),
    /// 0 to 65,535
    Bits16(Vec<u16>),
}

impl GreyImage {
    /// The caller vouches for `width * height` samples.
    pub(crate) fn new(width: u32, height: u32, samples: Samples) -> Self {
        debug_assert_eq!(width as usize * height as usize, samples.len());
        Self {
            width,
            height,
            samples,
        }
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The samples, `height` rows of `width`.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }
}

impl Samples {
    /// The number of samples.
    #[allow(clippy::len_without_is_empty)] // an image without pixels is an error when it is decoded
    pub fn len(&self) -> usize {
        match self {
            Self::Bits8(samples) => samples.len(),
            Self::Bits16(samples) => samples.len(),
        }
    }
}
