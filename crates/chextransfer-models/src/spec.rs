//! Networks as plain data: layers, tensors, parameters and costs, all without a device.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::block::BlockLayout;
use crate::geometry::{BlockSummary, ConvSummary, DoesNotFit, Trace};
use crate::initialization::Initialization;
use crate::layers::{AuxiliaryHeadSpec, BatchNormSpec, HeadSpec, HiddenSpec, LinearInitialization};
use crate::neck::NeckSpec;
use crate::stem::StemSpec;
use crate::tensor_spec::{TensorList, TensorSpec};
use crate::{Architecture, Error, Network, Result};

/// A network, whole or truncated.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    architecture: Architecture,
    dropped: usize,
    channels: Channels,
    pub(crate) folded: bool,
    batch_norm: BatchNormSpec,
    stochastic_depth: f64,
    pub(crate) stem: StemSpec,
    blocks: Vec<BlockSpec>,
    pub(crate) neck: Option<NeckSpec>,
    pub(crate) auxiliary: Option<AuxiliaryHeadSpec>,
    pub(crate) head: HeadSpec,
}

/// A named block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockSpec {
    /// The block's name in torchvision, or its stage.
    pub name: String,
    /// Its layers.
    pub layout: BlockLayout,
}

/// The channels of the images that a network takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green and blue; a grey image is given three times.
    #[default]
    Rgb,
    /// One channel, for grey images: the first convolution's weights are summed over red, green and
    /// blue, so that the output is that of the image given three times.
    Gray,
}

/// What a family makes of a row of its table.
pub(crate) struct Lowered {
    pub(crate) stem: StemSpec,
    pub(crate) blocks: Vec<BlockSpec>,
    pub(crate) neck: Option<NeckSpec>,
    pub(crate) auxiliary: Option<AuxiliaryHeadSpec>,
    pub(crate) batch_norm: BatchNormSpec,
    pub(crate) stochastic_depth: f64,
    pub(crate) hidden: Option<HiddenSpec>,
    pub(crate) dropout: f64,
    pub(crate) initialization: LinearInitialization,
}

impl Lowered {
    /// PyTorch's defaults behind the blocks.
    pub(crate) fn new(stem: StemSpec, blocks: Vec<BlockSpec>) -> Self {
        Self {
            stem,
            blocks,
            neck: None,
            auxiliary: None,
            batch_norm: BatchNormSpec::PYTORCH,
            stochastic_depth: 0.0,
            hidden: None,
            dropout: 0.0,
            initialization: LinearInitialization::Uniform,
        }
    }
}

impl NetworkSpec {
    /// Classes of ImageNet-1k, which every architecture starts with.
    pub(crate) const IMAGENET_CLASSES: usize = 1000;

    /// Paths of the layers whose shape depends on the classes.
    const CLASSIFIERS: [&str; 2] = ["head.linear.", "auxiliary.head.linear."];

    pub(crate) fn new(architecture: Architecture, lowered: Lowered) -> Self {
        let features = match &lowered.neck {
            Some(neck) => neck.channels(),
            None => last_channels(&lowered.blocks),
        };
        Self {
            architecture,
            dropped: 0,
            channels: Channels::Rgb,
            folded: false,
            batch_norm: lowered.batch_norm,
            stochastic_depth: lowered.stochastic_depth,
            stem: lowered.stem,
            blocks: lowered.blocks,
            neck: lowered.neck,
            auxiliary: lowered.auxiliary,
            head: HeadSpec {
                features,
                hidden: lowered.hidden,
                dropout: lowered.dropout,
                classes: Self::IMAGENET_CLASSES,
                initialization: lowered.initialization,
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
        self.auxiliary = None;
        self.head = HeadSpec {
            features: last_channels(&self.blocks),
            hidden: None,
            dropout: 0.0,
            classes: self.head.classes,
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
        if let Some(auxiliary) = &mut self.auxiliary {
            auxiliary.head.classes = classes;
        }
        Ok(self)
    }

    /// The same network for images of other channels.
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        if let Some(first) = self.stem.first_mut() {
            first.input = match channels {
                Channels::Rgb => 3,
                Channels::Gray => 1,
            };
        }
        self
    }

    /// The same network with another dropout before the last linear layer: the share of features
    /// that training drops, in `0..1`.
    pub fn with_dropout(mut self, probability: f64) -> Self {
        self.head.dropout = probability;
        self
    }

    /// The same network with another stochastic depth: the share of images, in `0..1`, that skip the
    /// last inverted residual in training, growing linearly from 0 at the first. Networks of other
    /// families have none.
    pub fn with_stochastic_depth(mut self, probability: f64) -> Self {
        self.stochastic_depth = probability;
        self
    }

    /// Whether its forward pass draws random numbers in training: dropout or stochastic depth.
    pub fn is_stochastic(&self) -> bool {
        self.head.dropout > 0.0 || self.stochastic_depth > 0.0
    }

    /// The same network with other constants of batch normalisation: for checkpoints that were
    /// trained with others than the reference's.
    pub fn with_batch_norm(mut self, batch_norm: BatchNormSpec) -> Self {
        self.batch_norm = batch_norm;
        self
    }

    /// The same network without a second classifier for training.
    pub fn without_auxiliary(mut self) -> Self {
        self.auxiliary = None;
        self
    }

    /// What is left for inference when every batch normalisation is folded.
    pub(crate) fn into_folded(self) -> Self {
        Self {
            folded: true,
            ..self.without_auxiliary()
        }
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

    /// Channels of the images.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// The constants of every batch normalisation.
    pub fn batch_norm(&self) -> BatchNormSpec {
        self.batch_norm
    }

    /// The layers before the first block.
    pub fn stem(&self) -> &StemSpec {
        &self.stem
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[BlockSpec] {
        &self.blocks
    }

    /// The second classifier for training: of a whole `inception_v3`.
    pub fn auxiliary(&self) -> Option<&AuxiliaryHeadSpec> {
        self.auxiliary.as_ref()
    }

    /// The head.
    pub fn head(&self) -> &HeadSpec {
        &self.head
    }

    /// The index of a block by its name.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] with the names that there are.
    pub fn block_index(&self, name: &str) -> Result<usize> {
        let names = || self.blocks.iter().map(|block| block.name.as_str());
        names()
            .position(|known| known == name)
            .ok_or_else(|| Error::UnknownBlock {
                name: name.to_owned(),
                network: self.name(),
                known: names().collect::<Vec<_>>().join(", "),
            })
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
        self.list().tensors
    }

    /// Every tensor whose shape does not depend on the number of classes.
    pub fn body_tensors(&self) -> Vec<TensorSpec> {
        let mut tensors = self.tensors();
        tensors.retain(|tensor| !Self::is_classifier(&tensor.path));
        tensors
    }

    /// Whether the tensor at this path has a shape that depends on the number of classes.
    pub(crate) fn is_classifier(path: &str) -> bool {
        Self::CLASSIFIERS
            .iter()
            .any(|layer| path.starts_with(layer))
    }

    /// Trainable parameters, an auxiliary head's among them; running statistics are none.
    pub fn parameters(&self) -> usize {
        self.list().parameters()
    }

    fn list(&self) -> TensorList {
        let mut list = TensorList {
            folded: self.folded,
            ..TensorList::default()
        };
        self.stem.tensors(&mut list);
        for (index, block) in self.blocks.iter().enumerate() {
            block.layout.tensors(&format!("blocks.{index}"), &mut list);
        }
        if let Some(neck) = &self.neck {
            neck.tensors(&mut list);
        }
        if let Some(auxiliary) = &self.auxiliary {
            auxiliary.tensors("auxiliary", &mut list);
        }
        self.head.tensors("head", &mut list);
        list
    }

    /// Multiply-accumulates of convolutions and linear layers in inference, for one image of
    /// `[height, width]`.
    ///
    /// # Errors
    /// [`Error::InputTooSmall`].
    pub fn macs(&self, image: [usize; 2]) -> Result<u64> {
        let (trace, _) = self.admit(image, |size| self.trace(size))?;
        Ok(trace.macs + self.head.macs())
    }

    /// Every block with its map and cost for an image of `[height, width]`.
    ///
    /// # Errors
    /// [`Error::InputTooSmall`].
    pub fn describe(&self, image: [usize; 2]) -> Result<Vec<BlockSummary>> {
        Ok(self.admit(image, |size| self.trace(size))?.1)
    }

    /// Every convolution of the body in inference, in the order of its layers, with its maps and cost for an image of
    /// `[height, width]`; those of squeeze-and-excitation, whose maps are single values, are not among them.
    ///
    /// # Errors
    /// [`Error::InputTooSmall`].
    pub fn convolutions(&self, image: [usize; 2]) -> Result<Vec<ConvSummary>> {
        let (trace, _) = self.admit(image, |size| self.trace(size))?;
        Ok(trace.convolutions)
    }

    /// Whether images of `[height, width]` can be trained on: an auxiliary head needs larger ones
    /// than inference does.
    ///
    /// # Errors
    /// [`Error::InputTooSmall`].
    pub fn check_training_image(&self, image: [usize; 2]) -> Result<()> {
        self.admit(image, |size| {
            self.trace(size)?;
            let Some(auxiliary) = &self.auxiliary else {
                return Ok(());
            };
            let mut trace = Trace::new(size);
            self.stem.trace(&mut trace)?;
            for block in &self.blocks[..=auxiliary.block] {
                block.layout.trace(&mut trace)?;
            }
            auxiliary.trace(&mut trace)
        })
    }

    /// The network on a device, with random weights as the reference implementation draws them.
    ///
    /// The numbers depend on the seed alone, not on the device; a truncated network starts with the
    /// same body as the whole one, and so does one with other classes. On an autodiff device the
    /// network is ready to train.
    pub fn init(&self, seed: u64, device: &Device) -> Network {
        let batch_norm = (!self.folded).then_some(self.batch_norm);
        let mut initialization =
            Initialization::new(seed, batch_norm, self.stochastic_depth, device);
        match self.channels {
            Channels::Rgb => Network::new(self.clone(), &mut initialization),
            Channels::Gray => Network::new(
                self.clone().with_channels(Channels::Rgb),
                &mut initialization,
            )
            .into_gray(),
        }
    }

    /// Follows an image, and on failure names the smallest square that would do.
    fn admit<T>(
        &self,
        image: [usize; 2],
        follow: impl Fn([usize; 2]) -> std::result::Result<T, DoesNotFit>,
    ) -> Result<T> {
        follow(image).map_err(|DoesNotFit { layer, map }| {
            // Every window is at most a few hundred pixels of the image, so this ends soon.
            let fits = |side: &usize| follow([*side; 2]).is_ok();
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
        self.stem.trace(&mut trace)?;
        let mut summaries = Vec::new();
        for block in &self.blocks {
            let before = trace.macs;
            block.layout.trace(&mut trace)?;
            let mut list = TensorList {
                folded: self.folded,
                ..TensorList::default()
            };
            block.layout.tensors("", &mut list);
            summaries.push(BlockSummary {
                name: block.name.clone(),
                channels: block.layout.channels(),
                reduction: trace.jump[0],
                side: trace.map,
                receptive_field: trace.receptive_field[0].max(trace.receptive_field[1]),
                parameters: list.parameters(),
                macs: trace.macs - before,
            });
        }
        if let Some(neck) = &self.neck {
            neck.trace(&mut trace)?;
        }
        Ok((trace, summaries))
    }
}

fn last_channels(blocks: &[BlockSpec]) -> usize {
    blocks.last().map_or(0, |block| block.layout.channels())
}
