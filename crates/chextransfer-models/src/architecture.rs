//! The registry of architectures: every network that can be built, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::families::{
    densenet, efficientnet, inception_v3, inception_v4, mnasnet, mobilenet_v2, mobilenet_v3, resnet,
};
use crate::{Error, NetworkSpec, Result};

/// A network of the CheXtransfer comparison, named as torchvision names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Architecture {
    /// DenseNet-121, Huang et al. 2017.
    DenseNet121,
    /// DenseNet-169.
    DenseNet169,
    /// DenseNet-201.
    DenseNet201,
    /// ResNet-18, He et al. 2016.
    ResNet18,
    /// ResNet-34.
    ResNet34,
    /// ResNet-50, with the stride in the 3x3 convolution as torchvision has it.
    ResNet50,
    /// ResNet-101.
    ResNet101,
    /// Inception v3, Szegedy et al. 2016, with an auxiliary classifier for training.
    InceptionV3,
    /// Inception v4, Szegedy et al. 2017, as timm has it.
    InceptionV4,
    /// MNASNet-B1, Tan et al. 2019, width 1.0; not the network whose parameters the paper counts, see
    /// [`Architecture::MNASNET_OF_THE_PAPER`].
    MnasNet1_0,
    /// EfficientNet-B0, Tan and Le 2019.
    EfficientNetB0,
    /// EfficientNet-B1.
    EfficientNetB1,
    /// EfficientNet-B2.
    EfficientNetB2,
    /// EfficientNet-B3.
    EfficientNetB3,
    /// MobileNetV2, Sandler et al. 2018, width 1.0.
    MobileNetV2,
    /// MobileNetV3-Large, Howard et al. 2019, width 1.0.
    MobileNetV3Large,
}

/// Architectures that share building blocks and a scaling rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Densely connected networks.
    DenseNet,
    /// Residual networks.
    ResNet,
    /// Factorised inception modules.
    InceptionV3,
    /// Inception modules of one width a grid size.
    InceptionV4,
    /// Inverted residuals found by search.
    MnasNet,
    /// Gated inverted residuals, scaled in width and depth.
    EfficientNet,
    /// Inverted residuals with linear bottlenecks.
    MobileNetV2,
    /// Inverted residuals, some gated, found by search.
    MobileNetV3,
}

/// One row an architecture: name, family, side of the reference's input in pixels, and the row of
/// its paper's table lowered to layers.
type Row = (
    Architecture,
    &'static str,
    Family,
    usize,
    fn() -> NetworkSpec,
);

#[rustfmt::skip]
const REGISTRY: [Row; 16] = [
    (Architecture::DenseNet121,      "densenet121",        Family::DenseNet,     224, || densenet::DENSENET121.lower()),
    (Architecture::DenseNet169,      "densenet169",        Family::DenseNet,     224, || densenet::DENSENET169.lower()),
    (Architecture::DenseNet201,      "densenet201",        Family::DenseNet,     224, || densenet::DENSENET201.lower()),
    (Architecture::ResNet18,         "resnet18",           Family::ResNet,       224, || resnet::RESNET18.lower()),
    (Architecture::ResNet34,         "resnet34",           Family::ResNet,       224, || resnet::RESNET34.lower()),
    (Architecture::ResNet50,         "resnet50",           Family::ResNet,       224, || resnet::RESNET50.lower()),
    (Architecture::ResNet101,        "resnet101",          Family::ResNet,       224, || resnet::RESNET101.lower()),
    (Architecture::InceptionV3,      "inception_v3",       Family::InceptionV3,  299, inception_v3::lower),
    (Architecture::InceptionV4,      "inception_v4",       Family::InceptionV4,  299, inception_v4::lower),
    (Architecture::MnasNet1_0,       "mnasnet1_0",         Family::MnasNet,      224, mnasnet::lower),
    (Architecture::EfficientNetB0,   "efficientnet_b0",    Family::EfficientNet, 224, || efficientnet::EFFICIENTNET_B0.lower()),
    (Architecture::EfficientNetB1,   "efficientnet_b1",    Family::EfficientNet, 240, || efficientnet::EFFICIENTNET_B1.lower()),
    (Architecture::EfficientNetB2,   "efficientnet_b2",    Family::EfficientNet, 288, || efficientnet::EFFICIENTNET_B2.lower()),
    (Architecture::EfficientNetB3,   "efficientnet_b3",    Family::EfficientNet, 300, || efficientnet::EFFICIENTNET_B3.lower()),
    (Architecture::MobileNetV2,      "mobilenet_v2",       Family::MobileNetV2,  224, mobilenet_v2::lower),
    (Architecture::MobileNetV3Large, "mobilenet_v3_large", Family::MobileNetV3,  224, mobilenet_v3::lower),
];

impl Architecture {
    /// Every architecture, in the order of the registry.
    pub const ALL: [Self; REGISTRY.len()] = {
        let mut all = [Self::DenseNet121; REGISTRY.len()];
        let mut row = 0;
        while row < REGISTRY.len() {
            all[row] = REGISTRY[row].0;
            row += 1;
        }
        all
    };

    /// What Ke et al. 2021 count as the parameters of their MNASNet: NASNet-A-Mobile's, with 1000
    /// classes. Their truncated ones are [`Architecture::MnasNet1_0`]'s, so the factors that they give
    /// compare two networks: 2.53, 11.15, 19.95 and 112.63 for minus 1 to 4, where this network's own
    /// 3,120,246 (14 classes) give 1.49, 6.57, 11.77 and 66.44.
    pub const MNASNET_OF_THE_PAPER: usize = 5_289_978;

    /// The name, for example `densenet121`.
    pub fn name(self) -> &'static str {
        REGISTRY[self as usize].1
    }

    /// The family that it belongs to.
    pub fn family(self) -> Family {
        REGISTRY[self as usize].2
    }

    /// Side in pixels of the images that the reference's ImageNet weights are evaluated on; any size
    /// that [`NetworkSpec::describe`] admits works.
    pub fn input_size(self) -> usize {
        REGISTRY[self as usize].3
    }

    /// The whole network with ImageNet's 1000 classes, described without a device.
    pub fn spec(self) -> NetworkSpec {
        REGISTRY[self as usize].4()
    }

    /// The network without its last `k` blocks.
    ///
    /// # Errors
    /// [`Error::TooManyBlocks`] when no block would be left.
    pub fn minus(self, k: usize) -> Result<NetworkSpec> {
        self.spec().minus(k)
    }

    /// All names, separated by commas, for messages.
    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Architecture {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|architecture| architecture.name() == name)
            .ok_or_else(|| Error::UnknownArchitecture {
                name: name.to_owned(),
                known: Self::names(),
            })
    }
}

impl TryFrom<String> for Architecture {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.name().to_owned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_in_the_order_of_the_enum() {
        for (index, (architecture, ..)) in REGISTRY.iter().enumerate() {
            assert_eq!(*architecture as usize, index, "row {index}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for architecture in Architecture::ALL {
            assert_eq!(
                architecture.name().parse::<Architecture>().unwrap(),
                architecture
            );
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "resnet19".parse::<Architecture>().unwrap_err().to_string();
        assert!(
            message.contains("`resnet19`") && message.contains("resnet18"),
            "{message}"
        );
    }
}
