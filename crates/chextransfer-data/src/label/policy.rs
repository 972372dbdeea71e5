//! What becomes of uncertain and of blank labels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What becomes of an uncertain label (the approaches of Irvin et al., AAAI 2019, section 3.1; smoothing of Pham et al.,
/// Neurocomputing 2021, section 3.3).
///
/// In configurations and on the command line: `ignore`, `zeros`, `ones`, `multi_class`, `smooth(0.55, 0.85)`, `table`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum UncertaintyPolicy {
    /// U-Ignore: the label is masked out of loss and metrics.
    #[default]
    Ignore,
    /// U-Zeros: the label counts as negative.
    Zeros,
    /// U-Ones: the label counts as positive.
    Ones,
    /// U-MultiClass: uncertain is a class of its own beside negative and positive.
    MultiClass,
    /// The target is drawn between two bounds, once for each image and observation.
    Smooth {
        /// The least value, at least 0.
        low: f32,
        /// The greatest value, at most 1.
        high: f32,
    },
    /// The target comes from a table of values between 0 and 1, such as another model's probabilities.
    Table,
}

/// What becomes of a blank label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankPolicy {
    /// The label counts as negative: what a report does not mention is not there.
    #[default]
    Negative,
    /// The label is masked out of loss and metrics.
    Ignore,
}

impl UncertaintyPolicy {
    /// How the policies are written.
    pub const NAMES: [&'static str; 6] = [
        "ignore",
        "zeros",
        "ones",
        "multi_class",
        "smooth(LOW, HIGH)",
        "table",
    ];

    /// Refuses bounds that are no probabilities in order.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Smooth { low, high } if !(0.0 <= low && low <= high && high <= 1.0) => {
                Err(Error::Setting {
                    setting: "uncertainty policy",
                    found: self.to_string(),
                    expected: "bounds with 0 <= low <= high <= 1".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ignore" => Self::Ignore,
            "zeros" => Self::Zeros,
            "ones" => Self::Ones,
            "multi_class" => Self::MultiClass,
            "table" => Self::Table,
            _ => {
                let bounds = text.strip_prefix("smooth(")?.strip_suffix(')')?;
                let (low, high) = bounds.split_once(',')?;
                Self::Smooth {
                    low: low.trim().parse().ok()?,
                    high: high.trim().parse().ok()?,
                }
            }
        })
    }
}

impl BlankPolicy {
    /// All policies.
    pub const ALL: [Self; 2] = [Self::Negative, Self::Ignore];

    /// The name in configurations and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Ignore => "ignore",
        }
    }
}

impl fmt::Display for UncertaintyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore => f.pad("ignore"),
            Self::Zeros => f.pad("zeros"),
            Self::Ones => f.pad("ones"),
            Self::MultiClass => f.pad("multi_class"),
            Self::Smooth { low, high } => f.pad(&format!("smooth({low}, {high})")),
            Self::Table => f.pad("table"),
        }
    }
}

impl fmt::Display for BlankPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for UncertaintyPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let policy = Self::parse(text)
            .ok_or_else(|| Error::unknown_name("uncertainty policy", text, Self::NAMES))?;
        policy.check()?;
        Ok(policy)
    }
}

impl FromStr for BlankPolicy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| {
                Error::unknown_name("blank policy", name, Self::ALL.iter().map(|p| p.name()))
            })
    }
}

impl From<UncertaintyPolicy> for String {
    fn from(policy: UncertaintyPolicy) -> Self {
        policy.to_string()
    }
}

impl TryFrom<String> for UncertaintyPolicy {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_reads_back_from_its_own_text() {
        for policy in [
            UncertaintyPolicy::Ignore,
            UncertaintyPolicy::Zeros,
            UncertaintyPolicy::Ones,
            UncertaintyPolicy::MultiClass,
            UncertaintyPolicy::Smooth {
                low: 0.55,
                high: 0.85,
            },
            UncertaintyPolicy::Table,
        ] {
            let text = policy.to_string();
            assert_eq!(text.parse::<UncertaintyPolicy>().unwrap(), policy, "{text}");
        }
        assert_eq!(
            "smooth( 0,1 )".parse::<UncertaintyPolicy>().unwrap(),
            UncertaintyPolicy::Smooth {
                low: 0.0,
                high: 1.0
            }
        );
        for policy in BlankPolicy::ALL {
            assert_eq!(policy.name().parse::<BlankPolicy>().unwrap(), policy);
        }
    }

    #[test]
    fn an_unknown_policy_is_an_error_that_lists_the_names() {
        for text in ["maybe", "Ones", "smooth", "smooth(0.5)", "smooth(a, b)", ""] {
            let message = text.parse::<UncertaintyPolicy>().unwrap_err().to_string();
            assert!(
                message.contains("ignore, zeros, ones, multi_class, smooth(LOW, HIGH), table"),
                "{message}"
            );
        }
        let message = "maybe".parse::<BlankPolicy>().unwrap_err().to_string();
        assert!(message.contains("negative, ignore"), "{message}");
    }

    #[test]
    fn bounds_that_are_no_probabilities_in_order_are_refused() {
        for text in [
            "smooth(0.9, 0.1)",
            "smooth(-0.1, 0.5)",
            "smooth(0.5, 1.5)",
            "smooth(nan, 1)",
            "smooth(0, inf)",
        ] {
            let message = text.parse::<UncertaintyPolicy>().unwrap_err().to_string();
            assert!(message.contains("0 <= low <= high <= 1"), "{message}");
        }
    }
}
