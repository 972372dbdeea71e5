//! Shapes and costs of a network for a given image, computed without a device.

use crate::layers::{ConvSpec, PoolSpec};

/// One block of a network, for a given image size.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockSummary {
    /// The block's name in its paper or in torchvision.
    pub name: String,
    /// Channels of its feature map.
    pub channels: usize,
    /// Image pixels per map pixel, on one side.
    pub reduction: usize,
    /// Height and width of its feature map.
    pub side: [usize; 2],
    /// Side in pixels of the image region that one value of its map sees through convolutions and
    /// pooling; squeeze-and-excitation, which sees the whole image, does not count.
    pub receptive_field: usize,
    /// Trainable parameters of this block alone.
    pub parameters: usize,
    /// Multiply-accumulates of this block alone, for one image.
    pub macs: u64,
}

/// One convolution of a network, for a given image size.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvSummary {
    /// The layer.
    pub conv: ConvSpec,
    /// Height and width of the map that enters.
    pub input: [usize; 2],
    /// Height and width of the map that leaves.
    pub output: [usize; 2],
    /// Multiply-accumulates for one image.
    pub macs: u64,
}

/// A layer whose window does not fit the map that reaches it.
#[derive(Debug)]
pub(crate) struct DoesNotFit {
    pub(crate) layer: String,
    pub(crate) map: [usize; 2],
}

/// Follows a feature map through the layers.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    /// Height and width of the map.
    pub(crate) map: [usize; 2],
    /// Multiply-accumulates so far.
    pub(crate) macs: u64,
    /// The convolutions passed so far.
    pub(crate) convolutions: Vec<ConvSummary>,
    /// Image pixels between neighbouring map pixels.
    pub(crate) jump: [usize; 2],
    /// Image pixels that one map pixel sees.
    pub(crate) receptive_field: [usize; 2],
}

impl Trace {
    pub(crate) fn new(image: [usize; 2]) -> Self {
        Self {
            map: image,
            macs: 0,
            convolutions: Vec::new(),
            jump: [1; 2],
            receptive_field: [1; 2],
        }
    }

    /// Slides a window over the map (floor rounding, as PyTorch's default).
    fn window(
        &mut self,
        layer: &str,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Result<(), DoesNotFit> {
        let before = self.map;
        for axis in 0..2 {
            let padded = before[axis] + 2 * padding[axis];
            if before[axis] == 0 || padded < kernel[axis] {
                return Err(DoesNotFit {
                    layer: layer.to_owned(),
                    map: before,
                });
            }
            self.map[axis] = (padded - kernel[axis]) / stride[axis] + 1;
            self.receptive_field[axis] += (kernel[axis] - 1) * self.jump[axis];
            self.jump[axis] *= stride[axis];
        }
        Ok(())
    }

    /// Passes a convolution.
    pub(crate) fn conv(&mut self, layer: &str, conv: &ConvSpec) -> Result<(), DoesNotFit> {
        let input = self.map;
        self.window(layer, conv.kernel, conv.stride, conv.padding)?;
        let taps = conv.input / conv.groups * conv.kernel[0] * conv.kernel[1];
        let macs = (conv.output * taps * self.map[0] * self.map[1]) as u64;
        self.macs += macs;
        self.convolutions.push(ConvSummary {
            conv: conv.clone(),
            input,
            output: self.map,
            macs,
        });
        Ok(())
    }

    /// Passes a pooling.
    pub(crate) fn pool(&mut self, layer: &str, pool: &PoolSpec) -> Result<(), DoesNotFit> {
        self.window(layer, [pool.kernel; 2], [pool.stride; 2], [pool.padding; 2])
    }

    /// Follows every branch from here; they end in maps of one size.
    pub(crate) fn parallel<B>(
        &mut self,
        branches: impl IntoIterator<Item = B>,
        mut follow: impl FnMut(&mut Self, B) -> Result<(), DoesNotFit>,
    ) -> Result<(), DoesNotFit> {
        let start = self.clone();
        for branch in branches {
            let mut path = Self {
                macs: 0,
                convolutions: Vec::new(),
                ..start.clone()
            };
            follow(&mut path, branch)?;
            self.macs += path.macs;
            self.convolutions.append(&mut path.convolutions);
            self.map = path.map;
            self.jump = path.jump;
            for axis in 0..2 {
                self.receptive_field[axis] =
                    self.receptive_field[axis].max(path.receptive_field[axis]);
            }
        }
        Ok(())
    }
}
