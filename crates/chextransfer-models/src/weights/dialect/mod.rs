//! The names that other libraries give to the tensors of our networks.

mod timm;
mod torchvision;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Architecture, Error, NetworkSpec, Result};

/// Whose names a checkpoint uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// torchvision's.
    Torchvision,
    /// timm's.
    Timm,
}

impl Dialect {
    /// The dialect of the reference implementation: timm's for `inception_v4`, else torchvision's.
    pub fn reference(architecture: Architecture) -> Self {
        match architecture {
            Architecture::InceptionV4 => Self::Timm,
            _ => Self::Torchvision,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Torchvision => Self::Timm,
            Self::Timm => Self::Torchvision,
        }
    }

    /// The name of the tensor at `path` of this network.
    ///
    /// Truncation does not change a name: what is kept of `densenet121` is called the same in
    /// `densenet121-minus2`. `None` for a path that the network does not have, and for a network
    /// that the other library does not.
    pub fn key(self, spec: &NetworkSpec, path: &str) -> Option<String> {
        let segments: Vec<&str> = path.split('.').collect();
        match self {
            Self::Torchvision => torchvision::key(spec, &segments),
            Self::Timm => timm::key(spec, &segments),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
        })
    }
}

impl FromStr for Dialect {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::Torchvision, Self::Timm]
            .into_iter()
            .find(|dialect| dialect.to_string() == name)
            .ok_or_else(|| Error::UnknownDialect {
                name: name.to_owned(),
            })
    }
}

/// The parts of a convolution with its normalisation: whether this is the normalisation, and the tensor.
fn part<'a>(rest: &[&'a str]) -> Option<(bool, &'a str)> {
    match *rest {
        ["conv", tensor] => Some((false, tensor)),
        ["norm", tensor] => Some((true, tensor)),
        _ => None,
    }
}

/// `conv` and `bn` under a name, as both libraries' inception networks have them.
fn conv_bn(name: &str, rest: &[&str]) -> Option<String> {
    let (norm, tensor) = part(rest)?;
    Some(format!(
        "{name}.{}.{tensor}",
        if norm { "bn" } else { "conv" }
    ))
}

/// The reference's name of a convolution of an inception module.
fn branch_name(module: &crate::block::InceptionSpec, path: &[&str]) -> Option<&'static str> {
    let [branch, list, index] = *path else {
        return None;
    };
    let branch = module.branches.get(branch.parse::<usize>().ok()?)?;
    let list = match list {
        "convolutions" => &branch.convolutions,
        "fork" => &branch.fork,
        _ => return None,
    };
    Some(list.get(index.parse::<usize>().ok()?)?.name)
}
