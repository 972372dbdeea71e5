//! The table of predictions: the border between training and evaluation.

use std::collections::HashSet;

use ndarray::{Array2, Axis};

use crate::error::label_text;
use crate::{Error, Result};

/// Probabilities and labels of images, or of studies, for a list of observations.
///
/// A valid table by construction: at least one row and one column, lengths that agree, names that are distinct, and every
/// probability from 0 to 1, masked or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    observations: Vec<String>,
    paths: Vec<String>,
    studies: Vec<String>,
    labels: Array2<Option<bool>>,
    probabilities: Array2<f64>,
}

impl Predictions {
    /// Name of the CSV column with the path of the image, or at study level the study.
    pub const PATH_COLUMN: &str = "Path";
    /// Name of the CSV column with the study of the row.
    pub const STUDY_COLUMN: &str = "Study";
    /// What the name of a label column adds to the observation's.
    pub const LABEL_SUFFIX: &str = " label";

    /// Puts a table together.
    ///
    /// `observations` are the names of the columns, in their order; `paths` and `studies` have one entry a row, the study
    /// being what is resampled; `labels` (`None` is masked) and `probabilities` are `[rows, observations]`.
    ///
    /// # Errors
    ///
    /// If there is no row or no column, lengths differ, an observation's name is empty, repeated, or mistakable for another
    /// column of the CSV, or a probability is NaN or outside [0, 1].
    pub fn new(
        observations: Vec<String>,
        paths: Vec<String>,
        studies: Vec<String>,
        labels: Array2<Option<bool>>,
        probabilities: Array2<f64>,
    ) -> Result<Self> {
        check_names(&observations)?;
        let shape = (paths.len(), observations.len());
        if paths.is_empty() {
            return Err(Error::table("found no rows, expected at least one"));
        }
        if studies.len() != paths.len() {
            let (found, expected) = (studies.len(), paths.len());
            let problem = format!("found {found} studies for {expected} paths, expected one each");
            return Err(Error::table(problem));
        }
        for (what, found) in [
            ("labels", labels.dim()),
            ("probabilities", probabilities.dim()),
        ] {
            if found != shape {
                let problem =
                    format!("{what} are {found:?}, expected [rows, observations] = {shape:?}");
                return Err(Error::table(problem));
            }
        }
        let outside = |(_, probability): &(_, &f64)| !(0.0..=1.0).contains(*probability);
        if let Some(((row, column), &found)) = probabilities.indexed_iter().find(outside) {
            return Err(Error::Probability {
                row,
                path: paths[row].clone(),
                column: observations[column].clone(),
                found,
            });
        }
        Ok(Self {
            observations,
            paths,
            studies,
            labels,
            probabilities,
        })
    }

    /// Names of the columns.
    pub fn observations(&self) -> &[String] {
        &self.observations
    }

    /// One a row: the path of the image, or at study level the study.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// One a row: the study it belongs to.
    pub fn studies(&self) -> &[String] {
        &self.studies
    }

    /// `[rows, observations]`; `None` is masked.
    pub fn labels(&self) -> &Array2<Option<bool>> {
        &self.labels
    }

    /// `[rows, observations]`, from 0 to 1.
    pub fn probabilities(&self) -> &Array2<f64> {
        &self.probabilities
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.paths.len()
    }

    /// The ensemble of several models: the mean of their probabilities over the same rows.
    ///
    /// # Errors
    ///
    /// If there is no table, or tables differ in their observations, rows, studies, or labels.
    pub fn mean(of: &[Self]) -> Result<Self> {
        let Some((first, others)) = of.split_first() else {
            return Err(Error::table(
                "found no table to average, expected at least one",
            ));
        };
        let mut sum = first.probabilities.clone();
        for (table, other) in (1..).zip(others) {
            if let Some(problem) = first.difference(other) {
                return Err(Error::Ensemble { table, problem });
            }
            sum += &other.probabilities;
        }
        Ok(Self {
            probabilities: sum / of.len() as f64,
            ..first.clone()
        })
    }

    /// What, probabilities aside, sets `other` apart from this table; `None` if nothing does.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.observations != other.observations {
            let (found, expected) = (other.observations.join(", "), self.observations.join(", "));
            return Some(format!("found columns {found}, expected {expected}"));
        }
        if self.rows() != other.rows() {
            let (found, expected) = (other.rows(), self.rows());
            return Some(format!("found {found} rows, expected {expected}"));
        }
        for (what, found, expected) in [
            ("path", &other.paths, &self.paths),
            ("study", &other.studies, &self.studies),
        ] {
            if let Some(row) = (0..self.rows()).find(|&row| found[row] != expected[row]) {
                let (found, expected) = (&found[row], &expected[row]);
                return Some(format!("row {row} has {what} {found}, expected {expected}"));
            }
        }
        let (at, expected) = self
            .labels
            .indexed_iter()
            .find(|&(at, label)| other.labels[at] != *label)?;
        Some(format!(
            "{}, {:?}: found label {}, expected {}",
            self.paths[at.0],
            self.observations[at.1],
            label_text(other.labels[at]),
            label_text(*expected),
        ))
    }

    /// The column of an observation.
    pub(crate) fn column_of(&self, observation: &str) -> Result<usize> {
        let names = &self.observations;
        let column = names.iter().position(|name| name == observation);
        column.ok_or_else(|| Error::UnknownObservation {
            found: observation.to_owned(),
            valid: names.join(", "),
        })
    }

    /// The columns of observations that are named once each.
    pub(crate) fn columns_of<S: AsRef<str>>(&self, observations: &[S]) -> Result<Vec<usize>> {
        let mut seen = HashSet::new();
        let columns = observations.iter().map(|name| {
            let name = name.as_ref();
            if !seen.insert(name) {
                let problem = format!("found {name:?} twice among the observations asked for");
                return Err(Error::table(problem));
            }
            self.column_of(name)
        });
        columns.collect()
    }

    /// These rows and columns, in this order.
    pub(crate) fn select(&self, rows: &[usize], columns: &[usize]) -> Self {
        let of_rows = |names: &[String]| rows.iter().map(|&row| names[row].clone()).collect();
        let probabilities = self.probabilities.select(Axis(0), rows);
        Self {
            observations: columns
                .iter()
                .map(|&column| self.observations[column].clone())
                .collect(),
            paths: of_rows(&self.paths),
            studies: of_rows(&self.studies),
            labels: self.labels.select(Axis(0), rows).select(Axis(1), columns),
            probabilities: probabilities.select(Axis(1), columns),
        }
    }
}

/// Checks that the names of the observations make a CSV header that can be read back.
fn check_names(observations: &[String]) -> Result<()> {
    if observations.is_empty() {
        return Err(Error::table("found no observations, expected at least one"));
    }
    let mut seen = HashSet::new();
    for name in observations {
        let problem = if name.is_empty() {
            "found an observation without a name".to_owned()
        } else if name == Predictions::PATH_COLUMN || name == Predictions::STUDY_COLUMN {
            format!("found an observation named {name:?}, which names another column")
        } else if name.ends_with(Predictions::LABEL_SUFFIX) {
            format!("found an observation named {name:?}, which is how label columns end")
        } else if !seen.insert(name) {
            format!("found two observations named {name:?}, expected distinct names")
        } else {
            continue;
        };
        return Err(Error::table(problem));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::*;

    const POSITIVE: Option<bool> = Some(true);
    const NEGATIVE: Option<bool> = Some(false);

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn views() -> Predictions {
        Predictions::new(
            names(&["Edema", "Fracture"]),
            names(&["b1", "a1", "b2", "b3"]),
            names(&["b", "a", "b", "b"]),
            array![
                [POSITIVE, None],
                [NEGATIVE, POSITIVE],
                [POSITIVE, None],
                [POSITIVE, None]
            ],
            array![[0.2, 0.9], [0.6, 0.5], [0.7, 0.1], [0.1, 0.3]],
        )
        .unwrap()
    }

    fn with_label(mut table: Predictions, at: [usize; 2], label: Option<bool>) -> Predictions {
        table.labels[at] = label;
        table
    }

    #[test]
    fn a_study_scores_the_highest_of_its_views() {
        let studies = views().by_study().unwrap();
        assert_eq!(studies.paths(), ["b", "a"]);
        assert_eq!(studies.studies(), ["b", "a"]);
        assert_eq!(
            studies.labels(),
            array![[POSITIVE, None], [NEGATIVE, POSITIVE]]
        );
        assert_eq!(studies.probabilities(), array![[0.7, 0.9], [0.6, 0.5]]);
        assert_eq!(studies.by_study().unwrap(), studies);
    }

    #[test]
    fn views_with_different_labels_are_an_error_that_names_them() {
        let message = |table: Predictions| table.by_study().unwrap_err().to_string();
        let differing = message(with_label(views(), [2, 0], NEGATIVE));
        for part in ["study b", "\"Edema\"", "1 in b1", "0 in b2"] {
            assert!(differing.contains(part), "{differing}");
        }
        let masked = message(with_label(views(), [3, 1], POSITIVE));
        for part in ["study b", "\"Fracture\"", "masked in b1", "1 in b3"] {
            assert!(masked.contains(part), "{masked}");
        }
    }

    #[test]
    fn an_ensemble_is_the_mean_of_the_probabilities() {
        let mut other = views();
        other.probabilities.fill(0.5);
        let mean = Predictions::mean(&[views(), other.clone(), other]).unwrap();
        let expected = (&views().probabilities + 1.0) / 3.0;
        assert!(
            (mean.probabilities() - expected)
                .iter()
                .all(|d| d.abs() < 1e-15)
        );
        assert_eq!(mean.labels(), views().labels());
        assert_eq!(Predictions::mean(&[views()]).unwrap(), views());
    }

    #[test]
    fn tables_of_other_rows_cannot_be_averaged() {
        let fails = |other: Predictions, part: &str| {
            let message = Predictions::mean(&[views(), views(), other])
                .unwrap_err()
                .to_string();
            assert!(message.contains("predictions 2"), "{message}");
            assert!(message.contains(part), "{part}: {message}");
        };
        fails(
            with_label(views(), [1, 1], None),
            "a1, \"Fracture\": found label masked, expected 1",
        );
        fails(views().by_study().unwrap(), "found 2 rows, expected 4");
        let mut other = views();
        other.paths.swap(0, 2);
        fails(other, "row 0 has path b2, expected b1");
        let mut other = views();
        other.studies[1] = "c".to_owned();
        fails(other, "row 1 has study c, expected a");
        let mut other = views();
        other.observations.swap(0, 1);
        fails(
            other,
            "found columns Fracture, Edema, expected Edema, Fracture",
        );
        assert!(Predictions::mean(&[]).is_err());
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let one = |observations: &[&str], paths: &[&str], studies: &[&str], found: f64| {
            let shape = (paths.len(), observations.len());
            Predictions::new(
                names(observations),
                names(paths),
                names(studies),
                Array2::from_elem(shape, POSITIVE),
                Array2::from_elem(shape, found),
            )
        };
        assert!(one(&["Edema"], &["p"], &["s"], 0.5).is_ok());
        let refused = [
            (
                one(&["Edema"], &["p"], &["s"], f64::NAN),
                "row 0 (p), column \"Edema\": found NaN",
            ),
            (
                one(&["Edema"], &["p"], &["s"], 1.5),
                "found 1.5, expected a probability",
            ),
            (one(&["Edema"], &["p"], &["s"], -1e-9), "found -0.000000001"),
            (
                one(&["Edema"], &["p", "q"], &["s"], 0.5),
                "1 studies for 2 paths",
            ),
            (one(&["Edema"], &[], &[], 0.5), "no rows"),
            (one(&[], &["p"], &["s"], 0.5), "no observations"),
            (
                one(&["Edema", "Edema"], &["p"], &["s"], 0.5),
                "two observations named \"Edema\"",
            ),
            (one(&["Study"], &["p"], &["s"], 0.5), "\"Study\""),
            (
                one(&["Edema label"], &["p"], &["s"], 0.5),
                "\"Edema label\"",
            ),
            (one(&[""], &["p"], &["s"], 0.5), "without a name"),
        ];
        for (result, part) in refused {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(part), "{part}: {message}");
        }
        let misshapen = Predictions::new(
            names(&["Edema"]),
            names(&["p"]),
            names(&["s"]),
            array![[POSITIVE, POSITIVE]],
            array![[0.5]],
        );
        let message = misshapen.unwrap_err().to_string();
        assert!(
            message.contains("labels are (1, 2), expected [rows, observations] = (1, 1)"),
            "{message}"
        );
    }
}
