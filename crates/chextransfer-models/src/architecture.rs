//! The registry of architectures: every network that can be built, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::families::{densenet, mobilenet_v2, resnet};
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
    /// MobileNetV2, Sandler et al. 2018, width 1.0.
    MobileNetV2,
}

/// Architectures that share building blocks and a scaling rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Densely connected networks.
    DenseNet,
    /// Residual networks.
    ResNet,
    /// Inverted residuals with linear bottlenecks.
    MobileNetV2,
}

/// One row an architecture: name, family, the row of its paper's table lowered to layers.
type Row = (Architecture, &'static str, Family, fn() -> NetworkSpec);

#[rustfmt::skip]
const REGISTRY: [Row; 8] = [
    (Architecture::DenseNet121, "densenet121",  Family::DenseNet,    || densenet::DENSENET121.lower()),
    (Architecture::DenseNet169, "densenet169",  Family::DenseNet,    || densenet::DENSENET169.lower()),
    (Architecture::DenseNet201, "densenet201",  Family::DenseNet,    || densenet::DENSENET201.lower()),
    (Architecture::ResNet18,    "resnet18",     Family::ResNet,      || resnet::RESNET18.lower()),
    (Architecture::ResNet34,    "resnet34",     Family::ResNet,      || resnet::RESNET34.lower()),
    (Architecture::ResNet50,    "resnet50",     Family::ResNet,      || resnet::RESNET50.lower()),
    (Architecture::ResNet101,   "resnet101",    Family::ResNet,      || resnet::RESNET101.lower()),
    (Architecture::MobileNetV2, "mobilenet_v2", Family::MobileNetV2, || mobilenet_v2::MOBILENET_V2.lower()),
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

    /// The name, for example `densenet121`.
    pub fn name(self) -> &'static str {
        REGISTRY[self as usize].1
    }

    /// The family that it belongs to.
    pub fn family(self) -> Family {
        REGISTRY[self as usize].2
    }

    /// The whole network with ImageNet's 1000 classes, described without a device.
    pub fn spec(self) -> NetworkSpec {
        REGISTRY[self as usize].3()
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
