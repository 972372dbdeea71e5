//! The report as one document, which every format writes.

use super::chart::Chart;
use super::number::{fixed, interval, signed};
use crate::analysis::{Estimate, SeedRun};
use crate::paper::Standing;

/// A report.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What it is about, in a line.
    pub subtitle: String,
    /// What a reader sees first.
    pub highlights: Vec<Highlight>,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A number that stands at the head of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Highlight {
    /// The number.
    pub value: String,
    /// What it is.
    pub label: String,
    /// How sure it is.
    pub note: String,
}

/// A section.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// Whether it holds the paper's numbers, and not the study's.
    pub published: bool,
    /// What it holds, in order.
    pub content: Vec<Content>,
}

/// A part of a section.
#[derive(Debug, Clone)]
pub enum Content {
    /// A paragraph.
    Text(String),
    /// What the data say, or why they do not.
    Finding(Finding),
    /// What a reader must know.
    Note(String),
    /// A table.
    Table(Table),
    /// A figure.
    Figure(Figure),
    /// A picture file.
    Picture(Picture),
}

/// A sentence that was computed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What it claims.
    pub claim: Claim,
    /// The sentence.
    pub text: String,
}

/// Whether the data carry a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// They do.
    Shown,
    /// They do not: an interval includes zero, or a p-value is large.
    NotShown,
    /// They do not allow the question.
    CannotSay,
}

impl Claim {
    /// For the margin of the sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotShown => "not shown",
            Self::CannotSay => "cannot say",
        }
    }
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// The name of its files, and its anchor.
    pub id: &'static str,
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a value a column.
    pub rows: Vec<Vec<Value>>,
    /// What stands below it.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// Its name in CSV files.
    pub key: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether its numbers are the paper's.
    pub published: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// A number.
    Number,
    /// A number with an interval: three columns of a CSV file.
    Estimate,
    /// A number of the paper with its standing: two columns of a CSV file.
    Fact,
    /// Runs.
    Runs,
}

impl Kind {
    /// Whether numbers are compared, and aligned to the right.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Number | Self::Estimate | Self::Fact)
    }
}

impl Column {
    /// A column of words.
    pub fn text(title: impl Into<String>, key: &'static str) -> Self {
        Self::new(title, key, Kind::Text)
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>, key: &'static str) -> Self {
        Self::new(title, key, Kind::Number)
    }

    /// A column of numbers with intervals.
    pub fn estimate(title: impl Into<String>, key: &'static str) -> Self {
        Self::new(title, key, Kind::Estimate)
    }

    /// A column of the paper's numbers.
    pub fn fact(title: impl Into<String>, key: &'static str) -> Self {
        Self {
            published: true,
            ..Self::new(title, key, Kind::Fact)
        }
    }

    /// A column of the runs behind a row.
    pub fn runs() -> Self {
        Self::runs_named("Runs", "runs")
    }

    /// A column of runs under another name.
    pub fn runs_named(title: impl Into<String>, key: &'static str) -> Self {
        Self::new(title, key, Kind::Runs)
    }

    fn new(title: impl Into<String>, key: &'static str, kind: Kind) -> Self {
        Self {
            title: title.into(),
            key,
            kind,
            published: false,
        }
    }
}

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A number.
    Number {
        /// Itself.
        value: f64,
        /// As it is printed.
        shown: String,
    },
    /// A number with an interval.
    Estimate {
        /// Itself.
        estimate: Estimate,
        /// How many decimals are printed.
        decimals: usize,
        /// Whether a plus sign is.
        sign: bool,
        /// Whether it has the paper's asterisk: its interval leaves zero out.
        star: bool,
    },
    /// A number of the paper.
    Fact {
        /// Itself.
        value: f64,
        /// As it is printed.
        shown: String,
        /// How it is known.
        standing: Standing,
    },
    /// Runs, by their seeds.
    Runs(Vec<RunLink>),
    /// There is none.
    Missing,
}

/// A run that a number comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLink {
    /// The cell's identity, which is the anchor in the table of runs.
    pub id: String,
    /// What is shown.
    pub shown: String,
    /// The run's folder relative to the report's, where there is a way.
    pub folder: Option<String>,
}

impl Value {
    /// A mean AUC.
    pub fn auc(estimate: Option<Estimate>) -> Self {
        estimate.map_or(Self::Missing, |estimate| Self::Estimate {
            estimate,
            decimals: 3,
            sign: false,
            star: false,
        })
    }

    /// A number as printed.
    pub fn number(value: f64, shown: impl Into<String>) -> Self {
        Self::Number {
            value,
            shown: shown.into(),
        }
    }

    /// A number of the paper.
    pub fn fact(value: f64, shown: impl Into<String>, standing: Standing) -> Self {
        Self::Fact {
            value,
            shown: shown.into(),
            standing,
        }
    }

    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Runs by their seeds.
    pub fn runs(runs: &[SeedRun]) -> Self {
        Self::Runs(
            runs.iter()
                .map(|run| RunLink {
                    id: run.id.clone(),
                    shown: run.short(),
                    folder: None,
                })
                .collect(),
        )
    }

    /// As a reader sees it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number { shown, .. } => shown.clone(),
            Self::Estimate {
                estimate,
                decimals,
                sign,
                star,
            } => {
                let show = if *sign { signed } else { fixed };
                let star = if *star { "*" } else { "" };
                let number = format!("{}{star}", show(estimate.value, *decimals));
                match estimate.interval {
                    Some(of) => format!("{number} {}", interval(of, *decimals, *sign)),
                    None => number,
                }
            }
            Self::Fact {
                shown, standing, ..
            } => format!("{shown} ({standing})"),
            Self::Runs(runs) => {
                let names: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
                names.join(", ")
            }
            Self::Missing => "–".to_owned(),
        }
    }

    /// What rows are sorted by, where that is a number.
    pub fn sort_key(&self) -> Option<f64> {
        match self {
            Self::Number { value, .. } | Self::Fact { value, .. } => Some(*value),
            Self::Estimate { estimate, .. } => Some(estimate.value),
            Self::Text(_) | Self::Runs(_) | Self::Missing => None,
        }
    }
}

/// A figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The name of its file, and its anchor.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// What stands below it.
    pub caption: String,
    /// What is drawn.
    pub chart: Chart,
}

/// A picture file, such as a sheet of class activation maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its place relative to the report's folder.
    pub file: String,
    /// What stands below it, and what a reader who cannot see it is told.
    pub caption: String,
    /// Its bytes, PNG.
    pub png: Vec<u8>,
}

impl Document {
    /// Its tables, in order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.content().filter_map(|content| match content {
            Content::Table(table) => Some(table),
            _ => None,
        })
    }

    /// Its figures, in order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.content().filter_map(|content| match content {
            Content::Figure(figure) => Some(figure),
            _ => None,
        })
    }

    /// Its computed sentences, in order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.content().filter_map(|content| match content {
            Content::Finding(finding) => Some(finding),
            _ => None,
        })
    }

    /// The computed sentences about the study, each once: neither the summary's repetitions nor those about the paper.
    pub fn own_findings(&self) -> impl Iterator<Item = &Finding> {
        let own = self
            .sections
            .iter()
            .filter(|section| !section.published && section.id != "summary");
        own.flat_map(|section| &section.content)
            .filter_map(|content| match content {
                Content::Finding(finding) => Some(finding),
                _ => None,
            })
    }

    /// Its pictures, in order.
    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.content().filter_map(|content| match content {
            Content::Picture(picture) => Some(picture),
            _ => None,
        })
    }

    fn content(&self) -> impl Iterator<Item = &Content> {
        self.sections.iter().flat_map(|section| &section.content)
    }
}
