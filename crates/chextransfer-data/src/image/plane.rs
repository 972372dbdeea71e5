//! A grey image in the precision of its file.

use super::contract::Contract;

/// One plane of grey samples, row by row from the top left; 0 is black.
#[derive(Clone, Debug, PartialEq)]
pub struct GreyImage {
    width: u32,
    height: u32,
    samples: Samples,
    contract: Contract,
}

/// Samples in the precision of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 0 to 255
    Bits8(Vec<u8>),
    /// 0 to 65,535
    Bits16(Vec<u16>),
}

impl GreyImage {
    /// The caller vouches for `width * height` samples.
    pub(crate) fn new(width: u32, height: u32, samples: Samples, contract: Contract) -> Self {
        debug_assert_eq!(width as usize * height as usize, samples.len());
        Self {
            width,
            height,
            samples,
            contract,
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

    /// What the file held and what was changed.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The samples alone.
    pub(crate) fn into_samples(self) -> Samples {
        self.samples
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
