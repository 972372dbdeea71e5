//! Labels as the CSV has them, and the policies that make training targets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One cell of an observation's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// `1.0`: mentioned as present.
    Positive,
    /// `0.0`: mentioned as absent.
    Negative,
    /// `-1.0`: mentioned, but left open.
    Uncertain,
    /// An empty cell: not mentioned.
    Blank,
}

impl Label {
    /// The cell's text as CheXpert writes it.
    pub const fn as_csv(self) -> &'static str {
        match self {
            Self::Positive => "1.0",
            Self::Negative => "0.0",
            Self::Uncertain => "-1.0",
            Self::Blank => "",
        }
    }

    /// Reads a cell; the integer spellings `1`, `0`, `-1` count too. `None` for any other text.
    pub fn from_csv(cell: &str) -> Option<Self> {
        match cell {
            "1.0" | "1" => Some(Self::Positive),
            "0.0" | "0" => Some(Self::Negative),
            "-1.0" | "-1" => Some(Self::Uncertain),
            "" => Some(Self::Blank),
            _ => None,
        }
    }
}

/// What becomes of an uncertain label (the approaches of Irvin et al., AAAI 2019, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UncertaintyPolicy {
    /// U-Ignore: the label is masked out of loss and metrics.
    #[default]
    Ignore,
    /// U-Zeros: the label counts as negative.
    Zeros,
    /// U-Ones: the label counts as positive.
    Ones,
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
    /// All policies.
    pub const ALL: [Self; 3] = [Self::Ignore, Self::Zeros, Self::Ones];

    /// The name in configurations and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Zeros => "zeros",
            Self::Ones => "ones",
        }
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
        f.pad(self.name())
    }
}

impl fmt::Display for BlankPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for UncertaintyPolicy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| {
                Error::unknown_name(
                    "uncertainty policy",
                    name,
                    Self::ALL.iter().map(|p| p.name()),
                )
            })
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

/// How labels become targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelProblem {
    /// For uncertain labels.
    pub uncertainty: UncertaintyPolicy,
    /// For blank labels.
    pub blank: BlankPolicy,
}

impl LabelProblem {
    /// The paper's problem: uncertain labels masked, blank ones negative.
    pub const fn paper() -> Self {
        Self {
            uncertainty: UncertaintyPolicy::Ignore,
            blank: BlankPolicy::Negative,
        }
    }

    /// The target of a label; `None` is masked: it counts neither in the loss nor in a metric.
    pub const fn target(&self, label: Label) -> Option<bool> {
        match label {
            Label::Positive => Some(true),
            Label::Negative => Some(false),
            Label::Uncertain => match self.uncertainty {
                UncertaintyPolicy::Ignore => None,
                UncertaintyPolicy::Zeros => Some(false),
                UncertaintyPolicy::Ones => Some(true),
            },
            Label::Blank => match self.blank {
                BlankPolicy::Negative => Some(false),
                BlankPolicy::Ignore => None,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_label_reads_back_from_its_own_text_and_from_the_integer() {
        for label in [
            Label::Positive,
            Label::Negative,
            Label::Uncertain,
            Label::Blank,
        ] {
            let text = label.as_csv();
            assert_eq!(Label::from_csv(text), Some(label));
            assert_eq!(Label::from_csv(text.trim_end_matches(".0")), Some(label));
        }
        for text in ["2.0", "nan", "yes", "1.00", " ", "-0.0", "+1"] {
            assert_eq!(Label::from_csv(text), None, "{text:?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn every_policy_maps_every_label_as_its_table_says() {
        use {BlankPolicy as B, UncertaintyPolicy as U};
        let table = [
            // uncertainty, blank,        positive,   negative,    uncertain,   blank
            (U::Ignore, B::Negative, [Some(true), Some(false), None,        Some(false)]),
            (U::Ignore, B::Ignore,   [Some(true), Some(false), None,        None]),
            (U::Zeros,  B::Negative, [Some(true), Some(false), Some(false), Some(false)]),
            (U::Ones,   B::Negative, [Some(true), Some(false), Some(true),  Some(false)]),
            (U::Ones,   B::Ignore,   [Some(true), Some(false), Some(true),  None]),
        ];
        for (uncertainty, blank, expected) in table {
            let problem = LabelProblem { uncertainty, blank };
            let labels = [Label::Positive, Label::Negative, Label::Uncertain, Label::Blank];
            assert_eq!(labels.map(|label| problem.target(label)), expected, "{problem:?}");
        }
        assert_eq!(LabelProblem::paper(), LabelProblem { uncertainty: U::Ignore, blank: B::Negative });
    }

    #[test]
    fn an_unknown_policy_is_an_error_that_lists_the_names() {
        let message = "maybe"
            .parse::<UncertaintyPolicy>()
            .unwrap_err()
            .to_string();
        assert!(message.contains("ignore, zeros, ones"), "{message}");
        for policy in UncertaintyPolicy::ALL {
            assert_eq!(policy.name().parse::<UncertaintyPolicy>().unwrap(), policy);
        }
        for policy in BlankPolicy::ALL {
            assert_eq!(policy.name().parse::<BlankPolicy>().unwrap(), policy);
        }
    }
}
