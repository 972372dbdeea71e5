//! From images to studies.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::names::choice;
use crate::{Error, Predictions, Result};

/// What becomes of the probabilities of a study's views.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// The highest, as CheXpert scores studies (Irvin et al., AAAI 2019).
    #[default]
    Max,
    /// Their mean.
    Mean,
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Max => "max",
            Self::Mean => "mean",
        })
    }
}

impl FromStr for Aggregation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = [(Self::Max, "max"), (Self::Mean, "mean")];
        choice(&names, text, "aggregation", "max or mean")
    }
}

impl Predictions {
    /// One row a study, in the order of their first views: the highest probability over the study's views, as CheXpert
    /// scores studies (Irvin et al., AAAI 2019).
    ///
    /// # Errors
    ///
    /// If views of one study carry different labels.
    pub fn by_study(&self) -> Result<Self> {
        self.by_study_as(Aggregation::Max)
    }

    /// One row a study, in the order of their first views, the views' probabilities aggregated as asked.
    ///
    /// # Errors
    ///
    /// As [`by_study`](Self::by_study).
    pub fn by_study_as(&self, aggregation: Aggregation) -> Result<Self> {
        let mut number_of = HashMap::new();
        let (mut first_views, mut views): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut probabilities = Vec::with_capacity(self.probabilities().len());
        let columns = self.observations().len();
        for (row, study) in self.studies().iter().enumerate() {
            let number = *number_of.entry(study).or_insert(first_views.len());
            let of_view = self.probabilities().row(row);
            let Some(&first) = first_views.get(number) else {
                first_views.push(row);
                views.push(1.0);
                probabilities.extend(of_view);
                continue;
            };
            self.check_same_labels(first, row)?;
            views[number] += 1.0;
            let of_study = &mut probabilities[number * columns..][..columns];
            for (so_far, &probability) in of_study.iter_mut().zip(of_view) {
                match aggregation {
                    Aggregation::Max => *so_far = f64::max(*so_far, probability),
                    Aggregation::Mean => *so_far += probability,
                }
            }
        }
        if aggregation == Aggregation::Mean {
            for (of_study, views) in probabilities.chunks_exact_mut(columns).zip(&views) {
                of_study.iter_mut().for_each(|sum| *sum /= views);
            }
        }
        let studies: Vec<String> = first_views
            .iter()
            .map(|&row| self.studies()[row].clone())
            .collect();
        let probabilities = Array2::from_shape_vec((studies.len(), columns), probabilities)
            .map_err(|cause| Error::table(cause.to_string()))?;
        Self::new(
            self.observations().to_vec(),
            studies.clone(),
            studies,
            self.labels().select(Axis(0), &first_views),
            probabilities,
        )
    }

    fn check_same_labels(&self, first: usize, second: usize) -> Result<()> {
        let pairs = self.labels().row(first);
        let differing = pairs
            .iter()
            .zip(self.labels().row(second))
            .position(|(first, second)| first != second);
        let Some(column) = differing else {
            return Ok(());
        };
        Err(Error::StudyLabels {
            study: self.studies()[first].clone(),
            observation: self.observations()[column].clone(),
            first_path: self.paths()[first].clone(),
            first: self.labels()[[first, column]],
            second_path: self.paths()[second].clone(),
            second: self.labels()[[second, column]],
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_mean_of_a_study_is_over_its_own_views_and_its_name_reads_back() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let table = Predictions::new(
            names(&["Edema"]),
            names(&["a1", "b1", "a2", "a3"]),
            names(&["a", "b", "a", "a"]),
            array![[Some(true)], [None], [Some(true)], [Some(true)]],
            array![[0.25], [0.5], [0.5], [0.75]],
        )
        .unwrap();
        let mean = table.by_study_as(Aggregation::Mean).unwrap();
        assert_eq!(mean.studies(), ["a", "b"]);
        assert_eq!(*mean.probabilities(), array![[0.5], [0.5]]);
        let max = table.by_study_as(Aggregation::Max).unwrap();
        assert_eq!(*max.probabilities(), array![[0.75], [0.5]]);
        assert_eq!(max, table.by_study().unwrap());
        assert_eq!(*max.labels(), *mean.labels());

        for aggregation in [Aggregation::Max, Aggregation::Mean] {
            assert_eq!(
                aggregation.to_string().parse::<Aggregation>().unwrap(),
                aggregation
            );
        }
        let message = "median".parse::<Aggregation>().unwrap_err().to_string();
        assert_eq!(message, "aggregation is median, expected max or mean");
    }
}
