//! The network on a device: stem, blocks, neck, head.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::Tensor;

use crate::Block;
use crate::initialization::Initialization;
use crate::layers::{ClassificationHead, ConvNormAct, NormAct};
use crate::spec::{NeckSpec, NetworkSpec, StemSpec};

/// A network of this crate as a Burn module; described by [`NetworkSpec`], which makes it.
#[derive(Module, Debug)]
pub struct Network {
    stem: Stem,
    blocks: Vec<Block>,
    neck: Option<Neck>,
    head: ClassificationHead,
    #[module(skip)]
    spec: NetworkSpec,
}

/// The layers before the first block.
#[derive(Module, Debug)]
pub struct Stem {
    conv: ConvNormAct,
    pool: Option<MaxPool2d>,
}

/// The layers between the last block and the head of a whole network.
#[allow(
    clippy::large_enum_variant,
    reason = "a network has a handful; boxes would buy nothing"
)]
#[derive(Module, Debug)]
pub enum Neck {
    /// A final normalisation and activation.
    NormAct(NormAct),
    /// A final convolution.
    Conv(ConvNormAct),
}

impl Network {
    pub(crate) fn new(spec: NetworkSpec, initialization: &mut Initialization) -> Self {
        Self {
            stem: Stem::new(&spec.stem, initialization),
            blocks: spec
                .blocks()
                .iter()
                .map(|block| block.layout.init(initialization))
                .collect(),
            neck: spec.neck.as_ref().map(|neck| match neck {
                NeckSpec::NormAct {
                    channels,
                    activation,
                } => Neck::NormAct(NormAct::new(*channels, *activation, initialization)),
                NeckSpec::Conv(conv) => Neck::Conv(conv.init(initialization)),
            }),
            head: spec.head.init(initialization),
            spec,
        }
    }

    /// What this network is.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Logits of a batch of images.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` to `[batch, classes]`.
    ///
    /// # Panics
    /// When the image is smaller than the network admits; [`NetworkSpec::describe`] tells before.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.stem.forward(images);
        self.forward_head(
            self.blocks
                .iter()
                .fold(map, |map, block| block.forward(map)),
        )
    }

    /// The feature map of every block.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` to one `[batch, channels, height / reduction, width / reduction]`
    /// a block; [`NetworkSpec::describe`] gives the numbers.
    pub fn forward_features(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut map = self.stem.forward(images);
        self.blocks
            .iter()
            .map(|block| {
                map = block.forward(map.clone());
                map.clone()
            })
            .collect()
    }

    /// Logits from the last block's feature map: neck, pooling, linear layer.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, classes]`.
    pub fn forward_head(&self, map: Tensor<4>) -> Tensor<2> {
        let map = match &self.neck {
            Some(Neck::NormAct(norm_act)) => norm_act.forward(map),
            Some(Neck::Conv(conv)) => conv.forward(map),
            None => map,
        };
        self.head.forward(map)
    }
}

impl Stem {
    fn new(spec: &StemSpec, initialization: &mut Initialization) -> Self {
        Self {
            conv: spec.conv.init(initialization),
            pool: spec.pool.map(|pool| {
                let border = pool.padding;
                MaxPool2dConfig::new([pool.kernel; 2])
                    .with_strides([pool.stride; 2])
                    .with_padding(PaddingConfig2d::Explicit(border, border, border, border))
                    .init()
            }),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let map = self.conv.forward(images);
        match &self.pool {
            Some(pool) => pool.forward(map),
            None => map,
        }
    }
}
