//! A network by name, whole or cut.

use std::fmt;
use std::str::FromStr;

use chextransfer_models::Architecture;
use serde::{Deserialize, Serialize};

use crate::grid::network_name;

/// A network such as `densenet121` or `densenet121-minus1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NetworkName {
    /// Its architecture.
    pub architecture: Architecture,
    /// How many of its last blocks are dropped.
    pub minus: usize,
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&network_name(self.architecture, self.minus))
    }
}

impl FromStr for NetworkName {
    type Err = chextransfer_models::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let cut = name.rsplit_once("-minus");
        let cut = cut.and_then(|(whole, minus)| Some((whole, minus.parse().ok()?)));
        let (architecture, minus) = cut.unwrap_or((name, 0));
        let network = Self {
            architecture: architecture.parse()?,
            minus,
        };
        network.architecture.minus(minus)?;
        Ok(network)
    }
}

impl TryFrom<String> for NetworkName {
    type Error = chextransfer_models::Error;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<NetworkName> for String {
    fn from(network: NetworkName) -> Self {
        network.to_string()
    }
}
