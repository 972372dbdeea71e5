//! Labels as the CSV has them, and how they become training targets.

mod counts;
mod encoder;
mod policy;
mod problem;
mod soft;

pub use counts::{LabelCounts, TargetCounts};
pub use encoder::LabelEncoder;
pub use policy::{BlankPolicy, UncertaintyPolicy};
pub use problem::LabelProblem;

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
    /// All four.
    pub const ALL: [Self; 4] = [Self::Positive, Self::Negative, Self::Uncertain, Self::Blank];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_reads_back_from_its_own_text_and_from_the_integer() {
        for label in Label::ALL {
            let text = label.as_csv();
            assert_eq!(Label::from_csv(text), Some(label));
            assert_eq!(Label::from_csv(text.trim_end_matches(".0")), Some(label));
        }
        for text in ["2.0", "nan", "yes", "1.00", " ", "-0.0", "+1"] {
            assert_eq!(Label::from_csv(text), None, "{text:?}");
        }
    }
}
