//! Networks as plain data: layers, tensors, parameters and costs, all without a device.

use burn::tensor::Device;

use crate::block::BlockLayout;
use crate::geometry::{BlockSummary, DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{Activation, BatchNorm2d, ConvSpec, HeadSpec, LinearInitialization};
use crate::tensor_spec::{TensorSpec, count_parameters};
use crate::{Architecture, Error, Network, Result};

/// A network, whole or truncated.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    architecture: Architecture,
    dropped: usize,
    pub(crate) stem: StemSpec,
    blocks: Vec<BlockSpec>,
    pub(crate) neck: Option<NeckSpec>,
    pub(crate) head: HeadSpec,
}

/// The layers before the first block.
#[derive(Debug, Clone, PartialEq)]
pub struct StemSpec {
    /// The first convolution.
    pub conv: ConvSpec,
    /// The pooling behind it.
    pub pool: Option<MaxPoolSpec>,
}

/// Maximum over a square window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPoolSpec {
    /// Side of the window.
    pub kernel: usize,
    /// Step of the window.
    pub stride: usize,
    /// Border on either side.
    pub padding: usize,
}

/// A named block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockSpec {
    /// The block's name in torchvision, or its stage.
    pub name: String,
    /// Its layers.
    pub layout: BlockLayout,
}

/// The layers between the last block and the head of a whole network; truncation drops them.
#[derive(Debug, Clone, PartialEq)]
pub enum NeckSpec {
    /// A final normalisation and activation.
    NormAct {
        /// Channels of the map.
        channels: usize,
        /// What follows the normalisation.
        activation: Activation,
    },
    /// A final convolution.
    Conv(ConvSpec),
}

impl NetworkSpec {
    /// Classes of ImageNet-1k, which every architecture starts with.
    const IMAGENET_CLASSES: usize = 1000;

    pub(crate) fn new(
        architecture: Architecture,
        stem: StemSpec,
        blocks: impl IntoIterator<Item = (String, BlockLayout)>,
        neck: Option<NeckSpec>,
        dropout: f64,
        initialization: LinearInitialization,
    ) -> Self {
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|(name, layout)| BlockSpec { name, layout })
            .collect();
        let features = match &neck {
            Some(NeckSpec::NormAct { channels, .. }) => *channels,
            Some(NeckSpec::Conv(conv)) => conv.output,
            None => last_channels(&blocks),
        };
        Self {
            architecture,
            dropped: 0,
            stem,
            blocks,
            neck,
            head: HeadSpec {
                features,
                classes: Self::IMAGENET_CLASSES,
                dropout,
                initialization,
            },
        }
    }

    /// Drops the last `k` blocks and all that is behind them, and puts global average pooling and
    /// one linear layer in their place: the truncation of Ke et al. 2021, section 3.
    ///
    /// # Errors
    /// [`Error::TooManyBlocks`] when no block would be left.
    pub fn minus(mut self, k: usize) -> Result<Self> {
        if k == 0 {
            return Ok(self);
        }
        if k >= self.blocks.len() {
            return Err(Error::TooManyBlocks {
                architecture: self.name(),
                blocks: self.blocks.len(),
                asked: k,
            });
        }
        self.dropped += k;
        self.blocks.truncate(self.blocks.len() - k);
        self.neck = None;
        self.head = HeadSpec {
            features: last_channels(&self.blocks),
            classes: self.head.classes,
            dropout: 0.0,
            initialization: LinearInitialization::Uniform,
        };
        Ok(self)
    }

    /// The same body with a head of `classes` outputs.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for 0.
    pub fn with_classes(mut self, classes: usize) -> Result<Self> {
        if classes == 0 {
            return Err(Error::NoClasses);
        }
        self.head.classes = classes;
        Ok(self)
    }

    /// The architecture that this is, or was cut from.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// How many of the architecture's last blocks are missing.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Outputs of the head.
    pub fn classes(&self) -> usize {
        self.head.classes
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[BlockSpec] {
        &self.blocks
    }

    /// The name: `densenet121`, or `densenet121-minus1`.
    pub fn name(&self) -> String {
        match self.dropped {
            0 => self.architecture.name().to_owned(),
            k => format!("{}-minus{k}", self.architecture),
        }
    }

    /// Every tensor of the network, in the order of its layers.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut tensors = self.body_tensors();
        self.head.tensors("head", &mut tensors);
        tensors
    }

    /// Every tensor before the head.
    pub(crate) fn body_tensors(&self) -> Vec<TensorSpec> {
        let mut tensors = Vec::new();
        self.stem.conv.tensors("stem.conv", &mut tensors);
        for (index, block) in self.blocks.iter().enumerate() {
            block
                .layout
                .tensors(&format!("blocks.{index}"), &mut tensors);
        }
        match &self.neck {
            Some(NeckSpec::NormAct { channels, .. }) => {
                BatchNorm2d::tensors("neck.norm", *channels, &mut tensors);
            }
            Some(NeckSpec::Conv(conv)) => conv.tensors("neck", &mut tensors),
            None => {}
        }
        tensors
    }

    /// Trainable parameters; running statistics are none.
    pub fn parameters(&self) -> usize {
        count_parameters(&self.tensors())
    }

    /// Multiply-accumulates of convolutions and linear layers for one image of `[height, width]`.
    ///
    /// # Errors
    /// [`Error::InputTooSmall`].
    pub fn macs(&self, image: [usize; 2]) -> Result<u64> {
        let (trace, _) = self.traced(image)?;
        Ok(trace.macs + (self.head.features * self.head.classes) as u64)
    }

    /// Every block with its map and cost for an image of `[height, width]`.
    ///
    /// # Errors
    /// [`Error::InputTooSmall`].
    pub fn describe(&self, image: [usize; 2]) -> Result<Vec<BlockSummary>> {
        Ok(self.traced(image)?.1)
    }

    /// The network on a device, with random weights as the reference implementation draws them.
    ///
    /// The numbers depend on the seed alone, not on the device; a truncated network starts with the
    /// same body as the whole one. On an autodiff device the network is ready to train.
    pub fn init(&self, seed: u64, device: &Device) -> Network {
        Network::new(self.clone(), &mut Initialization::new(seed, device))
    }

    fn traced(&self, image: [usize; 2]) -> Result<(Trace, Vec<BlockSummary>)> {
        self.trace(image).map_err(|DoesNotFit { layer, map }| {
            // Every window is at most a few hundred pixels of the image, so this ends soon.
            let fits = |side: &usize| self.trace([*side; 2]).is_ok();
            Error::InputTooSmall {
                network: self.name(),
                height: image[0],
                width: image[1],
                layer,
                map_height: map[0],
                map_width: map[1],
                minimum: (1..).find(fits).unwrap_or(usize::MAX),
            }
        })
    }

    fn trace(
        &self,
        image: [usize; 2],
    ) -> std::result::Result<(Trace, Vec<BlockSummary>), DoesNotFit> {
        let mut trace = Trace::new(image);
        trace.conv("stem", &self.stem.conv)?;
        if let Some(pool) = &self.stem.pool {
            trace.window(
                "stem pooling",
                [pool.kernel; 2],
                [pool.stride; 2],
                [pool.padding; 2],
            )?;
        }
        let mut summaries = Vec::new();
        for block in &self.blocks {
            let before = trace.macs;
            block.layout.trace(&mut trace)?;
            let mut tensors = Vec::new();
            block.layout.tensors("", &mut tensors);
            summaries.push(BlockSummary {
                name: block.name.clone(),
                channels: block.layout.channels(),
                reduction: trace.jump[0],
                side: trace.map,
                receptive_field: trace.receptive_field[0].max(trace.receptive_field[1]),
                parameters: count_parameters(&tensors),
                macs: trace.macs - before,
            });
        }
        if let Some(NeckSpec::Conv(conv)) = &self.neck {
            trace.conv("neck", conv)?;
        }
        Ok((trace, summaries))
    }
}

fn last_channels(blocks: &[BlockSpec]) -> usize {
    blocks.last().map_or(0, |block| block.layout.channels())
}
