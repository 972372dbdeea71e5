//! Which part of a network is trained, and when.

use std::fmt;
use std::str::FromStr;

use burn::module::{Module, ParamGroup};
use chextransfer_models::Network;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What is not trained: neither its weights nor its running statistics change, and dropout inside it is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Freeze {
    /// Nothing: full fine-tuning, as the paper has it.
    #[default]
    Nothing,
    /// All but the classifier: a linear probe.
    Body,
    /// The stem and this many first blocks.
    Blocks(usize),
    /// The body at first; then, every so many epochs, one block less, the last first, and at the end
    /// the stem: gradual unfreezing (Howard and Ruder 2018, section 3.3).
    Gradual(u64),
}

/// What is frozen at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frozen {
    Nothing,
    /// The stem and this many blocks.
    Below(usize),
    Body,
}

impl Freeze {
    /// What is frozen in an epoch, counted from 0, of a network with so many blocks.
    pub(crate) fn at(self, epoch: u64, blocks: usize) -> Frozen {
        match self {
            Self::Nothing => Frozen::Nothing,
            Self::Body => Frozen::Body,
            Self::Blocks(frozen) => Frozen::Below(frozen.min(blocks)),
            Self::Gradual(epochs) => match usize::try_from(epoch / epochs.max(1)) {
                Ok(0) => Frozen::Body,
                Ok(thawed) if thawed <= blocks => Frozen::Below(blocks - thawed),
                _ => Frozen::Nothing,
            },
        }
    }
}

impl Frozen {
    /// The network, fully trainable before, with that part frozen.
    pub(crate) fn apply(self, network: Network) -> Network {
        match self {
            Self::Nothing => network,
            Self::Below(blocks) => network.freeze_below(blocks),
            Self::Body => {
                let blocks = network.blocks().len();
                let neck = ParamGroup::from_predicate("neck.");
                network.freeze_below(blocks).freeze_group(neck)
            }
        }
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Body => f.write_str("body"),
            Self::Blocks(blocks) => write!(f, "blocks:{blocks}"),
            Self::Gradual(epochs) => write!(f, "gradual:{epochs}"),
        }
    }
}

impl FromStr for Freeze {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok();
        match text.split_once(':') {
            None if text == "nothing" => Some(Self::Nothing),
            None if text == "body" => Some(Self::Body),
            Some(("blocks", blocks)) => number(blocks).map(|n: u32| Self::Blocks(n as usize)),
            Some(("gradual", epochs)) => number(epochs).filter(|n| *n > 0).map(|n: u32| Self::Gradual(n.into())),
            _ => None,
        }
        .ok_or_else(|| {
            format!("found `{text}`, expected nothing, body, blocks:N (the stem and N blocks) or gradual:N (one block more every N epochs)")
        })
    }
}

impl Serialize for Freeze {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Freeze {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn gradual_unfreezing_goes_from_the_head_to_the_stem() {
        let frozen: Vec<_> = (0..8)
            .map(|epoch| Freeze::Gradual(2).at(epoch, 2))
            .collect();
        let (body, all) = (Frozen::Body, Frozen::Nothing);
        let below = Frozen::Below;
        assert_eq!(
            frozen,
            [body, body, below(1), below(1), below(0), below(0), all, all]
        );
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        for freeze in [
            Freeze::Nothing,
            Freeze::Body,
            Freeze::Blocks(3),
            Freeze::Gradual(1),
        ] {
            assert_eq!(freeze.to_string().parse(), Ok(freeze));
        }
        for wrong in ["", "all", "blocks", "blocks:x", "gradual:0", "body:1"] {
            let message = wrong.parse::<Freeze>().unwrap_err();
            assert!(message.contains("blocks:N"), "{message}");
        }
    }
}
