//! The network on a device: stem, blocks, neck, head.

use burn::module::{Module, ModuleMapper, Param, ParamGroup};
use burn::tensor::{FloatDType, Tensor};
use chextransfer_kernels::on_workers;

use crate::initialization::Initialization;
use crate::layers::{AuxiliaryHead, ClassificationHead};
use crate::spec::{Channels, NetworkSpec};
use crate::{Block, Neck, Result, Stem};

/// A network of this crate as a Burn module; described by [`NetworkSpec`], which makes it.
#[derive(Module, Debug)]
pub struct Network {
    stem: Stem,
    blocks: Vec<Block>,
    neck: Option<Neck>,
    auxiliary: Option<AuxiliaryHead>,
    head: ClassificationHead,
    #[module(skip)]
    spec: NetworkSpec,
}

impl Network {
    /// Weight of the auxiliary classifier's loss beside the main one's 1: torchvision's recipe for
    /// `inception_v3`.
    pub const AUXILIARY_LOSS_WEIGHT: f64 = 0.4;

    pub(crate) fn new(spec: NetworkSpec, initialization: &mut Initialization) -> Self {
        Self {
            stem: spec.stem.init(initialization),
            blocks: spec
                .blocks()
                .iter()
                .map(|block| block.layout.init(initialization))
                .collect(),
            neck: spec.neck.as_ref().map(|neck| neck.init(initialization)),
            auxiliary: (spec.auxiliary.as_ref()).map(|auxiliary| auxiliary.init(initialization)),
            head: spec.head.init(initialization),
            spec,
        }
    }

    /// What this network is.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// The layers before the first block.
    pub fn stem(&self) -> &Stem {
        &self.stem
    }

    /// The blocks, first to last; [`NetworkSpec::blocks`] describes them.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The layers behind the pooled map.
    pub fn head(&self) -> &ClassificationHead {
        &self.head
    }

    /// Logits of a batch of images.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` (1 for [`Channels::Gray`]) to `[batch, classes]`.
    ///
    /// # Panics
    /// When the image is smaller than the network admits; [`NetworkSpec::describe`] tells before.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let device = images.device();
        on_workers(&device, || self.forward_head(self.forward_body(images)))
    }

    /// The last block's feature map: what a head of one's own would see.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` to `[batch, channels, height / reduction, width / reduction]`.
    pub fn forward_body(&self, images: Tensor<4>) -> Tensor<4> {
        through(&self.blocks, self.stem.forward(images))
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

    /// The feature maps of some blocks by name, in the order of the names; blocks behind the last
    /// of them are not computed.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` to one `[batch, channels, height / reduction, width / reduction]`
    /// a name.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`](crate::Error::UnknownBlock).
    pub fn forward_features_at(&self, images: Tensor<4>, names: &[&str]) -> Result<Vec<Tensor<4>>> {
        let wanted = names
            .iter()
            .map(|name| self.spec.block_index(name))
            .collect::<Result<Vec<_>>>()?;
        let mut maps = vec![None; names.len()];
        let needed = wanted.iter().max().map_or(0, |last| last + 1);
        let mut map = self.stem.forward(images);
        for (index, block) in self.blocks[..needed].iter().enumerate() {
            map = block.forward(map);
            for (slot, _) in maps.iter_mut().zip(&wanted).filter(|(_, w)| **w == index) {
                *slot = Some(map.clone());
            }
        }
        Ok(maps.into_iter().flatten().collect())
    }

    /// Logits from the last block's feature map: neck, pooling, linear layer.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, classes]`.
    pub fn forward_head(&self, map: Tensor<4>) -> Tensor<2> {
        self.head.forward(self.forward_neck(map))
    }

    /// What the last linear layer sees: one vector an image, for retrieval, clustering or a linear
    /// model.
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` to `[batch, features]`.
    pub fn forward_embedding(&self, images: Tensor<4>) -> Tensor<2> {
        self.head
            .embed(self.forward_neck(self.forward_body(images)))
    }

    /// Logits of a batch, and those of the auxiliary classifier where the network has one; for
    /// training. Its loss is added with [`Self::AUXILIARY_LOSS_WEIGHT`].
    ///
    /// # Shapes
    /// `[batch, 3, height, width]` to `[batch, classes]`, twice.
    ///
    /// # Panics
    /// When the image is too small; [`NetworkSpec::check_training_image`] tells before.
    pub fn forward_with_auxiliary(&self, images: Tensor<4>) -> (Tensor<2>, Option<Tensor<2>>) {
        let (Some(auxiliary), Some(spec)) = (&self.auxiliary, self.spec.auxiliary()) else {
            return (self.forward(images), None);
        };
        let (before, behind) = self.blocks.split_at(spec.block + 1);
        let inner = through(before, self.stem.forward(images));
        let logits = self.forward_head(through(behind, inner.clone()));
        (logits, Some(auxiliary.forward(inner)))
    }

    /// The map that the head pools, from the last block's: what a whole network has behind its last
    /// block (DenseNet's final normalisation, MobileNetV2's final convolution); otherwise the same map.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` to `[batch, features, height, width]`.
    pub fn forward_neck(&self, map: Tensor<4>) -> Tensor<4> {
        match &self.neck {
            Some(neck) => neck.forward(map),
            None => map,
        }
    }

    /// The same network for inference alone, with every batch normalisation folded into the
    /// convolution before it, or where none is, into a factor and a summand; the auxiliary
    /// classifier goes. Same logits up to rounding, fewer operations.
    ///
    /// # Shapes
    /// Those of this network; [`NetworkSpec::tensors`] of the result lists what it holds.
    #[must_use]
    pub fn fold_batch_norm(self) -> Self {
        // An inference copy has its running statistics up to date.
        let network = self.valid();
        Self {
            stem: network.stem.fold_batch_norm(),
            blocks: (network.blocks.into_iter())
                .map(Block::fold_batch_norm)
                .collect(),
            neck: network.neck.map(Neck::fold_batch_norm),
            auxiliary: None,
            head: network.head,
            spec: network.spec.into_folded(),
        }
    }

    /// The same network with its convolutions in another precision, for images in that precision:
    /// normalisation, pooling to vectors and linear layers stay float32, and so do the parameters of this
    /// network, to which gradients flow. Running statistics are shared with it.
    ///
    /// # Shapes
    /// Those of this network.
    #[must_use]
    pub fn compute_in(&self, precision: FloatDType) -> Self {
        self.clone().map(&mut ConvolutionsIn {
            precision,
            containers: Vec::new(),
        })
    }

    /// The same network for one-channel images: see [`Channels::Gray`].
    #[must_use]
    pub fn into_gray(self) -> Self {
        if self.spec.channels() == Channels::Gray {
            return self;
        }
        Self {
            stem: self.stem.sum_input_channels(),
            spec: self.spec.with_channels(Channels::Gray),
            ..self
        }
    }

    /// The same network with the stem and the first `blocks` blocks frozen: they get no gradient,
    /// and keep and use their running statistics.
    #[must_use]
    pub fn freeze_below(self, blocks: usize) -> Self {
        let frozen = (0..blocks).map(|index| format!("blocks.{index}."));
        let frozen: Vec<_> = frozen.chain(["stem.".to_owned()]).collect();
        frozen.into_iter().fold(self, |network, path| {
            network.freeze_group(ParamGroup::from_predicate(path))
        })
    }
}

/// Casts what convolutions hold.
struct ConvolutionsIn {
    precision: FloatDType,
    containers: Vec<bool>,
}

impl ModuleMapper for ConvolutionsIn {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.containers.push(container == "Struct:Conv2d");
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.containers.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.containers.last() {
            Some(true) => param.map(|tensor| tensor.cast(self.precision)),
            _ => param,
        }
    }
}

fn through(blocks: &[Block], map: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(map, |map, block| block.forward(map))
}
