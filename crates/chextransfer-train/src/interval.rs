//! How often something happens, in examples or in optimiser steps.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A stretch of training: `8192 examples` or `512 steps`.
///
/// The two are named because they are often mixed up: the "8192 gradient steps" between the paper's
/// validations are examples in its authors' code, 512 steps of 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Training examples.
    Examples(u64),
    /// Optimiser steps.
    Steps(u64),
}

impl Interval {
    /// The number, of whatever it counts.
    pub fn count(self) -> u64 {
        let (Self::Examples(count) | Self::Steps(count)) = self;
        count
    }

    /// How much of it has passed, where both counts are known.
    pub(crate) fn passed(self, examples: u64, steps: u64) -> u64 {
        match self {
            Self::Examples(_) => examples,
            Self::Steps(_) => steps,
        }
    }

    /// Whether it is over, given what has passed since it began.
    pub(crate) fn is_over(self, examples: u64, steps: u64) -> bool {
        self.passed(examples, steps) >= self.count()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Examples(count) => write!(f, "{count} examples"),
            Self::Steps(count) => write!(f, "{count} steps"),
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    /// `8192`, `8192 examples` or `512 steps`; a bare number counts examples.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("found `{text}`, expected for example `8192 examples` or `512 steps`");
        let mut words = text.split_whitespace();
        let count = words.next().and_then(|count| count.parse().ok());
        let count = count.ok_or_else(wrong)?;
        match (words.next(), words.next()) {
            (None | Some("examples"), None) => Ok(Self::Examples(count)),
            (Some("steps"), None) => Ok(Self::Steps(count)),
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
        for every in [Interval::Examples(8192), Interval::Steps(1)] {
            assert_eq!(every.to_string().parse(), Ok(every));
            let text = toml::to_string(&Settings { every }).unwrap();
            assert_eq!(toml::from_str::<Settings>(&text).unwrap().every, every);
        }
        let bare: Settings = toml::from_str("every = 8192").unwrap();
        assert_eq!(bare.every, Interval::Examples(8192));
        for wrong in ["", "steps", "512 epochs", "-3", "512 steps more", "1.5"] {
            let message = wrong.parse::<Interval>().unwrap_err();
            assert!(message.contains("`512 steps`"), "{message}");
        }
        assert!(toml::from_str::<Settings>("every = -3").is_err());
    }

    #[test]
    fn an_interval_counts_what_it_names() {
        assert!(Interval::Examples(16).is_over(16, 1));
        assert!(!Interval::Examples(16).is_over(15, 100));
        assert!(Interval::Steps(2).is_over(0, 2));
        assert!(!Interval::Steps(2).is_over(100, 1));
    }
}
