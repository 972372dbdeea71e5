//! One forward pass, and the maps of any classes at one block.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use chextransfer_models::{Channels, Network};
use ndarray::{Array2, ArrayView2};

use crate::principal::first_component;
use crate::{ClassActivationMap, Error, Method, Result};

/// Class activation maps of a network at one of its blocks, the last one unless another is chosen.
///
/// The last block's map is the one that truncation makes finer: side 10 for a 320x320 image and a whole DenseNet-121, 20
/// and 40 without its last one and two blocks. What a whole network has between its last block and the head (DenseNet's
/// final normalisation, MobileNetV2's final convolution) is behind that map, so gradients pass through it; only
/// [`Method::Cam`] reads the map behind it.
///
/// Gradients start at the chosen block: nothing before it and no parameter is tracked, and running statistics are not
/// touched.
#[derive(Debug)]
pub struct Explainer {
    network: Network,
    method: Method,
    block: usize,
}

impl Explainer {
    /// Takes an inference copy, so that the network itself, its running statistics included, stays as it is. It may be on
    /// an autodiff device or on a plain one.
    ///
    /// # Errors
    /// [`Error::NoLinearHead`] for [`Method::Cam`] and a network with a hidden layer before the last one.
    pub fn new(network: &Network, method: Method) -> Result<Self> {
        let network = network.valid();
        if method == Method::Cam && network.head().channel_weights().is_none() {
            return Err(Error::NoLinearHead {
                network: network.spec().name(),
            });
        }
        let block = network.blocks().len() - 1;
        Ok(Self {
            network,
            method,
            block,
        })
    }

    /// At the block of this name.
    ///
    /// # Errors
    /// [`Error::Network`] with the names that there are, [`Error::CamInside`].
    pub fn at_block(self, name: &str) -> Result<Self> {
        let block = self.network.spec().block_index(name)?;
        self.at(block)
    }

    /// At the block that ends the same architecture without its last `k` blocks: what a truncated network would see, in
    /// this one's weights.
    ///
    /// # Errors
    /// [`Error::Network`] when no block would be left, [`Error::AlreadyCut`] when this network ends before that block,
    /// [`Error::CamInside`].
    pub fn at_cut(self, k: usize) -> Result<Self> {
        let spec = self.network.spec();
        let block = spec.architecture().minus(k)?.blocks().len() - 1;
        if block >= spec.blocks().len() {
            return Err(Error::AlreadyCut {
                network: spec.name(),
                minus: k,
            });
        }
        self.at(block)
    }

    fn at(self, block: usize) -> Result<Self> {
        if self.method == Method::Cam && block + 1 < self.network.blocks().len() {
            return Err(Error::CamInside {
                network: self.network.spec().name(),
                block: self.network.spec().blocks()[block].name.clone(),
            });
        }
        Ok(Self { block, ..self })
    }

    /// How maps are made.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The block's name.
    pub fn block(&self) -> &str {
        &self.network.spec().blocks()[self.block].name
    }

    /// One map an image, for one class an image.
    ///
    /// # Shapes
    /// Images `[batch, 3, height, width]` (1 for [`Channels::Gray`]) on the network's device, normalised as in training;
    /// maps `[height / reduction, width / reduction]`.
    ///
    /// # Errors
    /// [`Error::Targets`] when there are not as many classes as images, [`Error::UnknownClass`], [`Error::Channels`],
    /// [`Error::Network`] when the images are too small, and [`Error::NotFinite`] when the network has no finite answer.
    pub fn explain(&self, images: Tensor<4>, classes: &[usize]) -> Result<Vec<ClassActivationMap>> {
        let [count, ..] = images.dims();
        if classes.len() != count {
            return Err(Error::Targets {
                classes: classes.len(),
                images: count,
            });
        }
        self.check_classes(classes)?;
        match self.features(images)? {
            Some(features) => self.maps(&self.evidence(&features, classes), classes),
            None => Ok(Vec::new()),
        }
    }

    /// Maps of several classes for every image: one row an image, one map a class.
    ///
    /// The images pass the blocks up to the chosen one once; each further class costs what is behind it, forward and
    /// backward.
    ///
    /// # Shapes
    /// As [`explain`](Self::explain).
    ///
    /// # Errors
    /// As [`explain`](Self::explain), except that any number of classes is right.
    pub fn explain_classes(
        &self,
        images: Tensor<4>,
        classes: &[usize],
    ) -> Result<Vec<Vec<ClassActivationMap>>> {
        let [count, ..] = images.dims();
        self.check_classes(classes)?;
        let mut rows = vec![Vec::with_capacity(classes.len()); count];
        if let Some(features) = self.features(images)? {
            // Eigen-CAM knows no class.
            let shared = (self.method == Method::EigenCam).then(|| self.evidence(&features, &[]));
            for &class in classes {
                let classes = vec![class; count];
                let maps = match &shared {
                    Some(evidence) => self.maps(evidence, &classes),
                    None => self.maps(&self.evidence(&features, &classes), &classes),
                }?;
                for (row, map) in rows.iter_mut().zip(maps) {
                    row.push(map);
                }
            }
        }
        Ok(rows)
    }

    fn check_classes(&self, classes: &[usize]) -> Result<()> {
        let outputs = self.network.spec().classes();
        match classes.iter().find(|&&class| class >= outputs) {
            None => Ok(()),
            Some(&class) => Err(Error::UnknownClass {
                class,
                network: self.network.spec().name(),
                classes: outputs,
            }),
        }
    }

    /// The block's map `[batch, channels, height, width]`, or `None` for an empty batch.
    fn features(&self, images: Tensor<4>) -> Result<Option<Tensor<4>>> {
        let [count, channels, height, width] = images.dims();
        let expected = match self.network.spec().channels() {
            Channels::Gray => 1,
            Channels::Rgb => 3,
        };
        if channels != expected {
            return Err(Error::Channels {
                found: images.dims(),
                expected,
            });
        }
        self.network.spec().describe([height, width])?;
        if count == 0 {
            return Ok(None);
        }
        let stem = self.network.stem().forward(images.without_autodiff());
        Ok(Some(self.through(0..self.block + 1, stem)))
    }

    fn through(&self, blocks: std::ops::Range<usize>, map: Tensor<4>) -> Tensor<4> {
        let blocks = &self.network.blocks()[blocks];
        blocks.iter().fold(map, |map, block| block.forward(map))
    }

    /// Logits `[batch, classes]` from the block's map.
    fn logits(&self, features: Tensor<4>) -> Tensor<2> {
        let behind = self.block + 1..self.network.blocks().len();
        self.network.forward_head(self.through(behind, features))
    }

    /// What one class an image has, from the features of all images.
    fn evidence(&self, features: &Tensor<4>, classes: &[usize]) -> Evidence {
        let (sums, logits) = match self.method {
            Method::EigenCam => (components(features), self.logits(features.clone())),
            Method::Cam => self.by_head_weights(features, classes),
            _ => self.by_gradients(features, classes),
        };
        let [_, _, height, width] = sums.dims();
        Evidence {
            side: [height, width],
            sums: sums.into_data().iter().collect(),
            logits: logits.into_data().iter().collect(),
        }
    }

    /// The maps of one class an image.
    fn maps(&self, evidence: &Evidence, classes: &[usize]) -> Result<Vec<ClassActivationMap>> {
        let [height, width] = evidence.side;
        evidence
            .sums
            .chunks(height * width)
            .zip(evidence.logits.chunks(self.network.spec().classes()))
            .zip(classes)
            .enumerate()
            .map(|(image, ((sums, logits), &class))| {
                let logit = logits[class];
                let finite = |what, values: &[f32]| match values.iter().find(|v| !v.is_finite()) {
                    None => Ok(()),
                    Some(&found) => Err(Error::NotFinite {
                        what,
                        image,
                        class,
                        found,
                    }),
                };
                // Checked before the rectifier, which would turn what is no number into zero.
                finite("logit", &[logit])?;
                finite("map", sums)?;
                Ok(ClassActivationMap {
                    class,
                    values: Array2::from_shape_fn((height, width), |(row, column)| {
                        sums[row * width + column].max(0.0)
                    }),
                    probability: 1.0 / (1.0 + (-logit).exp()),
                })
            })
            .collect()
    }

    /// Sums `[batch, 1, height, width]` and logits, by one backward pass to the block.
    fn by_gradients(&self, features: &Tensor<4>, classes: &[usize]) -> (Tensor<4>, Tensor<2>) {
        let leaf = features.clone().autodiff().require_grad();
        let logits = self.logits(leaf.clone());
        // Without batch statistics no image reads another's features, so one backward pass of the sum holds every image's
        // own gradient.
        let [count, outputs] = logits.dims();
        let mut targets = vec![0f32; count * outputs];
        for (image, &class) in classes.iter().enumerate() {
            targets[image * outputs + class] = 1.0;
        }
        let targets = Tensor::<2>::from_data(
            TensorData::new(targets, [count, outputs]),
            &features.device(),
        );
        let mut gradients = (logits.clone() * targets).sum().backward();
        let gradient = leaf
            .grad_remove(&mut gradients)
            .expect("the logits are computed from the features");
        (self.method.weigh(features.clone(), gradient), logits)
    }

    /// Sums `[batch, 1, height, width]` at the map that the head pools, and logits.
    fn by_head_weights(&self, features: &Tensor<4>, classes: &[usize]) -> (Tensor<4>, Tensor<2>) {
        let pooled = self.network.forward_neck(features.clone());
        let logits = self.network.head().forward(pooled.clone());
        let weights = self
            .network
            .head()
            .channel_weights()
            .expect("checked when it was made");
        let rows = classes
            .iter()
            .map(|&class| weights.clone().narrow(0, class, 1));
        let rows = Tensor::cat(rows.collect(), 0);
        let [count, channels, ..] = pooled.dims();
        (
            (pooled * rows.reshape([count, channels, 1, 1])).sum_dim(1),
            logits,
        )
    }
}

/// Sums over channels before the rectifier, and logits.
struct Evidence {
    /// Height and width of a map.
    side: [usize; 2],
    /// `[batch, height, width]`
    sums: Vec<f32>,
    /// `[batch, classes]`
    logits: Vec<f32>,
}

/// Every image's first principal component, `[batch, 1, height, width]`.
fn components(features: &Tensor<4>) -> Tensor<4> {
    let [count, channels, height, width] = features.dims();
    let values: Vec<f32> = features.to_data().iter().collect();
    let mut maps: Vec<f32> = Vec::with_capacity(count * height * width);
    for image in values.chunks(channels * height * width) {
        let image = ArrayView2::from_shape((channels, height * width), image);
        let image = image.expect("the chunk has one image's elements");
        maps.extend(first_component(image.t()).iter().map(|&value| value as f32));
    }
    Tensor::from_data(
        TensorData::new(maps, [count, 1, height, width]),
        &features.device(),
    )
}
