//! From a record's labels to targets and mask.

use std::sync::Arc;

use rand::RngExt;

use super::soft::SoftLabels;
use super::{BlankPolicy, Label, LabelProblem, UncertaintyPolicy};
use crate::digest::sha256_hex;
use crate::draw::named_generator;
use crate::path::below_root;
use crate::{Error, Observation, Record, Result};

/// Makes targets of records as a [`LabelProblem`] says. Clones share the problem and its table.
#[derive(Clone, Debug)]
pub struct LabelEncoder {
    problem: Arc<LabelProblem>,
    table: Option<Arc<SoftLabels>>,
}

impl LabelEncoder {
    pub(super) fn new(problem: LabelProblem) -> Result<Self> {
        let from_table: Vec<Observation> = problem.table_targets().collect();
        let table = match (problem.table(), from_table.first()) {
            (Some(file), Some(_)) => Some(Arc::new(SoftLabels::read(file, &from_table)?)),
            (None, Some(observation)) => {
                return Err(Error::Setting {
                    setting: "labels.table",
                    found: "not given".to_owned(),
                    expected: format!(
                        "a CSV file, since uncertain labels of {observation} come from a table"
                    ),
                });
            }
            (_, None) => None,
        };
        Ok(Self {
            problem: Arc::new(problem),
            table,
        })
    }

    /// What the targets follow.
    pub fn problem(&self) -> &LabelProblem {
        &self.problem
    }

    /// SHA-256 in hexadecimal of the problem and of the content of its table.
    pub fn digest(&self) -> String {
        let table = self.table.as_ref().map_or("", |table| table.digest());
        sha256_hex(format!("{} {table}", self.problem.digest()).as_bytes())
    }

    /// Appends a record's targets and mask, [`LabelProblem::outputs`] numbers to each.
    ///
    /// A binary target is 0 to 1, its mask 1 where it counts; where it does not, both are 0. A multi-class target is one-hot over
    /// negative, positive and uncertain, with three equal masks.
    ///
    /// # Errors
    ///
    /// [`Error::NoTarget`] if the table lacks a value that is needed; nothing is appended then.
    pub fn encode(
        &self,
        record: &Record,
        targets: &mut Vec<f32>,
        mask: &mut Vec<f32>,
    ) -> Result<()> {
        let begin = targets.len();
        for &target in self.problem.targets() {
            let label = record.label(target);
            if self.problem.uncertainty(target) == UncertaintyPolicy::MultiClass {
                let class = self.class(label);
                targets.extend((0..3).map(|place| f32::from(class == Some(place))));
                mask.extend([f32::from(class.is_some()); 3]);
                continue;
            }
            match self.value(record, target, label) {
                Ok(value) => {
                    targets.push(value.unwrap_or(0.0));
                    mask.push(f32::from(value.is_some()));
                }
                Err(error) => {
                    let added = targets.len() - begin;
                    targets.truncate(begin);
                    mask.truncate(mask.len() - added);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Refuses records of which the table lacks a value that is needed, so that a training run fails before it begins.
    pub(crate) fn check(&self, records: &[Record]) -> Result<()> {
        if let Some(table) = &self.table {
            for observation in self.problem.table_targets() {
                let uncertain = |record: &&Record| record.label(observation) == Label::Uncertain;
                for record in records.iter().filter(uncertain) {
                    table.value(&record.path, observation)?;
                }
            }
        }
        Ok(())
    }

    /// The label that an evaluation holds a probability against; `None` does not count.
    ///
    /// An uncertain label counts as the policies zeros and ones say, and as the table says where its value is 0 or 1. A value
    /// that the table lacks is `None` here; [`encode`](Self::encode) reports it.
    pub fn truth(&self, record: &Record, observation: Observation) -> Option<bool> {
        match record.label(observation) {
            Label::Positive => Some(true),
            Label::Negative => Some(false),
            Label::Blank => self.blank(),
            Label::Uncertain => match self.problem.uncertainty(observation) {
                UncertaintyPolicy::Zeros => Some(false),
                UncertaintyPolicy::Ones => Some(true),
                UncertaintyPolicy::Table => {
                    let table = self.table.as_ref()?;
                    match table.value(&record.path, observation) {
                        Ok(0.0) => Some(false),
                        Ok(1.0) => Some(true),
                        _ => None,
                    }
                }
                UncertaintyPolicy::Ignore
                | UncertaintyPolicy::MultiClass
                | UncertaintyPolicy::Smooth { .. } => None,
            },
        }
    }

    fn blank(&self) -> Option<bool> {
        match self.problem.blank() {
            BlankPolicy::Negative => Some(false),
            BlankPolicy::Ignore => None,
        }
    }

    /// The class of a multi-class target: 0 negative, 1 positive, 2 uncertain.
    fn class(&self, label: Label) -> Option<usize> {
        match label {
            Label::Negative => Some(0),
            Label::Positive => Some(1),
            Label::Uncertain => Some(2),
            Label::Blank => self.blank().map(usize::from),
        }
    }

    /// The value of a binary target; `None` is masked.
    fn value(&self, record: &Record, target: Observation, label: Label) -> Result<Option<f32>> {
        match (label, self.problem.uncertainty(target)) {
            (Label::Uncertain, UncertaintyPolicy::Smooth { low, high }) => {
                let name = format!("{}\n{target}", below_root(&record.path));
                let mut generator = named_generator("smooth", self.problem.seed(), &name);
                let value = low + (high - low) * generator.random::<f32>();
                // Rounding must not carry the value past its bound.
                Ok(Some(value.clamp(low, high)))
            }
            (Label::Uncertain, UncertaintyPolicy::Table) => match &self.table {
                Some(table) => table.value(&record.path, target).map(Some),
                // `new` has read the table wherever a target needs one.
                None => Ok(None),
            },
            _ => Ok(self.truth(record, target).map(f32::from)),
        }
    }
}
