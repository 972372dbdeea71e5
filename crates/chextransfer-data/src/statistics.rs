//! What a split holds, counted from its table alone.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{Label, Observation, Record, Sex, View};

/// Counts of a split's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitStatistics {
    /// Rows, which are images.
    pub rows: usize,
    /// Different patients.
    pub patients: usize,
    /// Different studies.
    pub studies: usize,
    /// Frontal images.
    pub frontal: usize,
    /// Lateral images.
    pub lateral: usize,
    /// Rows of women.
    pub female: usize,
    /// Rows of men.
    pub male: usize,
    /// The labels of each observation, in the order of [`Observation::ALL`].
    pub labels: Vec<LabelCounts>,
}

/// How often each label is given for one observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LabelCounts {
    /// The observation.
    pub observation: Observation,
    /// Rows labelled 1.
    pub positive: usize,
    /// Rows labelled 0.
    pub negative: usize,
    /// Rows labelled -1.
    pub uncertain: usize,
    /// Rows without a label.
    pub blank: usize,
}

impl SplitStatistics {
    /// Counts `records`.
    pub fn of(records: &[Record]) -> Self {
        let count = |holds: fn(&Record) -> bool| records.iter().filter(|r| holds(r)).count();
        let distinct =
            |text: fn(&Record) -> &str| records.iter().map(text).collect::<BTreeSet<_>>().len();
        Self {
            rows: records.len(),
            patients: distinct(|record| &record.patient),
            studies: distinct(|record| &record.study),
            frontal: count(|record| record.view == View::Frontal),
            lateral: count(|record| record.view == View::Lateral),
            female: count(|record| record.sex == Sex::Female),
            male: count(|record| record.sex == Sex::Male),
            labels: Observation::ALL
                .into_iter()
                .map(|observation| LabelCounts::of(records, observation))
                .collect(),
        }
    }
}

impl LabelCounts {
    /// Counts the labels of one observation.
    pub fn of(records: &[Record], observation: Observation) -> Self {
        let mut counts = Self {
            observation,
            positive: 0,
            negative: 0,
            uncertain: 0,
            blank: 0,
        };
        for record in records {
            *match record.label(observation) {
                Label::Positive => &mut counts.positive,
                Label::Negative => &mut counts.negative,
                Label::Uncertain => &mut counts.uncertain,
                Label::Blank => &mut counts.blank,
            } += 1;
        }
        counts
    }
}
