//! How often something happens, in examples, optimiser steps or epochs.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A stretch of training: `8192 examples`, `512 steps` or `1 epochs`.
///
/// The first two are named because they are often mixed up: the "8192 gradient steps" between the paper's
/// validations are examples in its authors' code, 512 steps of 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Training examples.
    Examples(u64),
    /// Optimiser steps.
    Steps(u64),
    /// Passes over the training images.
    Epochs(u64),
}

/// How far training went between two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) examples: u64,
    pub(crate) steps: u64,
    /// Examples of an epoch.
    pub(crate) epoch: u64,
}

impl Interval {
    /// The number, of whatever it counts.
    pub fn count(self) -> u64 {
        let (Self::Examples(count) | Self::Steps(count) | Self::Epochs(count)) = self;
        count
    }

    /// How many whole intervals a stretch holds.
    pub(crate) fn times_in(self, stretch: Stretch) -> u64 {
        let (passed, length) = match self {
            Self::Examples(count) => (stretch.examples, count),
            Self::Steps(count) => (stretch.steps, count),
            Self::Epochs(count) => (stretch.examples, count.saturating_mul(stretch.epoch)),
        };
        passed / length.max(1)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Examples(count) => write!(f, "{count} examples"),
            Self::Steps(count) => write!(f, "{count} steps"),
            Self::Epochs(count) => write!(f, "{count} epochs"),
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    /// `8192`, `8192 examples`, `512 steps` or `1 epochs`; a bare number counts examples.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "found `{text}`, expected for example `8192 examples`, `512 steps` or `1 epochs`"
            )
        };
        let mut words = text.split_whitespace();
        let count = words.next().and_then(|count| count.parse().ok());
        let count = count.ok_or_else(wrong)?;
        match (words.next(), words.next()) {
            (None | Some("examples"), None) => Ok(Self::Examples(count)),
            (Some("steps"), None) => Ok(Self::Steps(count)),
            (Some("epochs"), None) => Ok(Self::Epochs(count)),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Interval;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of examples, or a text such as \"512 steps\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Interval, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, examples: u64) -> Result<Interval, E> {
                Ok(Interval::Examples(examples))
            }

            fn visit_i64<E: de::Error>(self, examples: i64) -> Result<Interval, E> {
                let examples = u64::try_from(examples).map_err(E::custom)?;
                Ok(Interval::Examples(examples))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_they_are_written() {
        #[derive(Serialize, Deserialize, Debug, PartialEq)]
        struct Settings {
            every: Interval,
        }
        for every in [
            Interval::Examples(8192),
            Interval::Steps(1),
            Interval::Epochs(2),
        ] {
            assert_eq!(every.to_string().parse(), Ok(every));
            let text = toml::to_string(&Settings { every }).unwrap();
            assert_eq!(toml::from_str::<Settings>(&text).unwrap().every, every);
        }
        let bare: Settings = toml::from_str("every = 8192").unwrap();
        assert_eq!(bare.every, Interval::Examples(8192));
        for wrong in ["", "steps", "512 batches", "-3", "512 steps more", "1.5"] {
            let message = wrong.parse::<Interval>().unwrap_err();
            assert!(message.contains("`512 steps`"), "{message}");
        }
        assert!(toml::from_str::<Settings>("every = -3").is_err());
    }

    #[test]
    fn an_interval_counts_what_it_names() {
        let stretch = Stretch {
            examples: 47,
            steps: 3,
            epoch: 20,
        };
        for (interval, expected) in [
            (Interval::Examples(16), 2),
            (Interval::Examples(48), 0),
            (Interval::Steps(3), 1),
            (Interval::Steps(4), 0),
            (Interval::Epochs(1), 2),
            (Interval::Epochs(3), 0),
        ] {
            assert_eq!(interval.times_in(stretch), expected, "{interval}");
        }
    }
}
