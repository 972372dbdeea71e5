//! The ways to make a map of a feature map, and their names.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use crate::{Error, Result};

/// How evidence is read off a feature map.
///
/// With `A` a block's map `[channels, height, width]`, `y` the logit of a class, `g = dy / dA`, and sums over places
/// `(i, j)` or channels `c`, the map is `relu` of:
///
/// | method | map before the rectifier | source |
/// | --- | --- | --- |
/// | `grad-cam` | `sum_c mean_ij(g_c) A_c` | Selvaraju et al., ICCV 2017, equations 1 and 2 |
/// | `grad-cam++` | `sum_c (sum_ij a_c relu(g_c)) A_c` with `a = g² / (2 g² + (sum_ij A_c) g³)` | Chattopadhyay et al., WACV 2018, equation 19 |
/// | `hires-cam` | `sum_c g_c A_c` | Draelos and Carin, arXiv 2011.08891 |
/// | `layer-cam` | `sum_c relu(g_c) A_c` | Jiang et al., IEEE TIP 2021 |
/// | `eigen-cam` | `A`, its channels centred, along its first principal direction | Muhammad and Yeasin, IJCNN 2020 |
/// | `cam` | `sum_c w_c A_c`, `w` the class's row of the linear layer | Zhou et al., CVPR 2016 |
///
/// Grad-CAM++ has `1e-6` added to its denominator, and its weights lack the factor `exp(y)`, which changes a map's scale
/// and not its shape; Eigen-CAM is centred: all as pytorch-grad-cam does it. Eigen-CAM is the same for every class, and of
/// its two signs it takes the one that agrees with the channels' mean. CAM reads the map that the head pools, so it exists
/// only there, and only where a single linear layer follows: the logit is the mean of its unrectified map plus the bias.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Gradient-weighted class activation mapping: the paper's.
    #[default]
    GradCam,
    /// Grad-CAM++, for several instances of a class in one image.
    GradCamPlusPlus,
    /// HiResCAM: gradients are not averaged, so that every place keeps its own.
    HiResCam,
    /// LayerCAM: positive gradients by place; for early blocks.
    LayerCam,
    /// Eigen-CAM: no class and no gradients.
    EigenCam,
    /// Class activation mapping: no gradients.
    Cam,
}

/// Added to Grad-CAM++'s denominator, which is zero wherever the gradient is.
const EPSILON: f32 = 1e-6;

impl Method {
    /// All methods.
    pub const ALL: [Self; 6] = [
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::HiResCam,
        Self::LayerCam,
        Self::EigenCam,
        Self::Cam,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad-cam",
            Self::GradCamPlusPlus => "grad-cam++",
            Self::HiResCam => "hires-cam",
            Self::LayerCam => "layer-cam",
            Self::EigenCam => "eigen-cam",
            Self::Cam => "cam",
        }
    }

    /// The name in its paper, for captions.
    pub const fn title(self) -> &'static str {
        match self {
            Self::GradCam => "Grad-CAM",
            Self::GradCamPlusPlus => "Grad-CAM++",
            Self::HiResCam => "HiResCAM",
            Self::LayerCam => "LayerCAM",
            Self::EigenCam => "Eigen-CAM",
            Self::Cam => "CAM",
        }
    }

    /// The sum over channels before the rectifier, of methods that read gradients.
    ///
    /// # Shapes
    /// Twice `[batch, channels, height, width]` to `[batch, 1, height, width]`.
    pub(crate) fn weigh(self, features: Tensor<4>, gradient: Tensor<4>) -> Tensor<4> {
        let sum_of_places = |map: Tensor<4>| map.sum_dim(3).sum_dim(2);
        let weights = match self {
            Self::GradCam | Self::EigenCam | Self::Cam => gradient.mean_dim(3).mean_dim(2),
            Self::GradCamPlusPlus => {
                let square = gradient.clone() * gradient.clone();
                let cube = square.clone() * gradient.clone();
                let evidence = sum_of_places(features.clone());
                // Where the gradient is zero so is the numerator.
                let share = square.clone() / (square * 2.0 + evidence * cube + EPSILON);
                sum_of_places(share * relu(gradient))
            }
            Self::HiResCam => gradient,
            Self::LayerCam => relu(gradient),
        };
        (features * weights).sum_dim(1)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| Error::UnknownName {
            what: "method",
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_read_by_its_name_and_an_unknown_one_lists_them() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
        }
        let message = "gradcam".parse::<Method>().unwrap_err().to_string();
        assert!(
            message.contains("`gradcam`") && message.contains("grad-cam, grad-cam++, hires-cam"),
            "{message}"
        );
    }
}
