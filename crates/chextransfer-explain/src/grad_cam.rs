//! Gradient-weighted class activation mapping (Selvaraju et al. 2017).

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use chextransfer_models::Network;
use ndarray::Array2;

use crate::{ClassActivationMap, Error, Result};

/// Grad-CAM at the feature map of a network's last block.
///
/// With `A` the map `[channels, height, width]` and `y` the logit of a class, the weight of channel
/// `c` is the mean of `dy / dA_c` over all places, and the class activation map is
/// `relu(sum over c of weight_c * A_c)` (Selvaraju et al. 2017, equations 1 and 2).
///
/// What a whole network has between its last block and the head (DenseNet's final normalisation,
/// MobileNetV2's final convolution) is behind this map, so its gradients pass through it.
///
/// The last block's map is the one that truncation makes finer: side 10 for a 320x320 image and a
/// whole DenseNet-121, 20 and 40 without its last one and two blocks.
#[derive(Debug)]
pub struct GradCam {
    network: Network,
}

impl GradCam {
    /// Takes an inference copy, so that the network itself, its running statistics included, stays
    /// as it is. It may be on an autodiff device or on a plain one.
    pub fn new(network: &Network) -> Self {
        Self {
            network: network.valid(),
        }
    }

    /// One map an image, for one class an image.
    ///
    /// # Shapes
    /// Images `[batch, 3, height, width]` on the network's device, normalised as in training; maps
    /// `[height / reduction, width / reduction]`.
    ///
    /// # Errors
    /// [`Error::Targets`] when there are not as many classes as images, [`Error::UnknownClass`],
    /// [`Error::Channels`], [`Error::Network`] when the images are too small, and
    /// [`Error::NotFinite`] when the network has no finite answer.
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
            Some(features) => self.maps(&features, classes),
            None => Ok(Vec::new()),
        }
    }

    /// Maps of several classes for every image: one row an image, one map a class.
    ///
    /// The images pass the blocks once; each further class costs only the head.
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
            for &class in classes {
                let maps = self.maps(&features, &vec![class; count])?;
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

    /// The last block's map `[batch, channels, height, width]`, or `None` for an empty batch.
    fn features(&self, images: Tensor<4>) -> Result<Option<Tensor<4>>> {
        let [count, channels, height, width] = images.dims();
        if channels != 3 {
            return Err(Error::Channels {
                found: images.dims(),
            });
        }
        self.network.spec().describe([height, width])?;
        if count == 0 {
            return Ok(None);
        }
        let images = images.without_autodiff();
        Ok(self.network.forward_features(images).pop())
    }

    /// The maps of one class an image, from the features of all images.
    fn maps(&self, features: &Tensor<4>, classes: &[usize]) -> Result<Vec<ClassActivationMap>> {
        let [count, _, height, width] = features.dims();
        let leaf = features.clone().autodiff().require_grad();
        let logits = self.network.forward_head(leaf.clone());

        // Without batch statistics no image reads another's features, so one backward pass of the
        // sum holds every image's own gradient.
        let outputs = self.network.spec().classes();
        let mut targets = vec![0f32; count * outputs];
        for (image, &class) in classes.iter().enumerate() {
            targets[image * outputs + class] = 1.0;
        }
        let targets = TensorData::new(targets, [count, outputs]);
        let targets = Tensor::<2>::from_data(targets, &features.device());
        let mut gradients = (logits.clone() * targets).sum().backward();
        let gradient = leaf
            .grad_remove(&mut gradients)
            .expect("the logits are computed from the features");

        let weights = gradient.mean_dim(3).mean_dim(2);
        let sums: Vec<f32> = (features.clone() * weights)
            .sum_dim(1)
            .into_data()
            .iter()
            .collect();
        let logits: Vec<f32> = logits.into_data().iter().collect();
        sums.chunks(height * width)
            .zip(logits.chunks(outputs))
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
}
