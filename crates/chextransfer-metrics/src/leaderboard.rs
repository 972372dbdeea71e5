//! Predictions as CheXpert's leaderboard takes them, joined with the labels of another file.

use std::path::Path;

use crate::csv_table::{Cells, Table};
use crate::join::places;
use crate::{Predictions, Result};

impl Predictions {
    /// Reads one model's probabilities and the labels that belong to them from two CSV files, both with a `Study` column and
    /// one column an observation: what CheXpert's scorer reads, and the test labels as they are published.
    ///
    /// The table has the observations of `probabilities`, in their order, and one row a study; columns of `labels` beyond
    /// them do not matter. Studies are named by the last two parts of their path, `patient64741/study1`, whatever folder
    /// stands before and whether a `/` ends them.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, a cell is neither a probability nor a label, the labels lack an observation, or the studies
    /// of the two differ: those are named.
    pub fn read_leaderboard(
        probabilities: impl AsRef<Path>,
        labels: impl AsRef<Path>,
    ) -> Result<Self> {
        let (probabilities, labels) = (probabilities.as_ref(), labels.as_ref());
        let of_model = Table::read(probabilities)?;
        let of_truth = Table::read(labels)?;
        let study = of_model.column(Self::STUDY_COLUMN)?;
        let observations: Vec<String> = of_model
            .header()
            .enumerate()
            .filter(|(column, name)| *column != study && *name != Self::PATH_COLUMN)
            .map(|(_, name)| name.to_owned())
            .collect();
        let columns = observations
            .iter()
            .map(|name| Ok((of_model.column(name)?, of_truth.column(name)?)));
        let columns = columns.collect::<Result<Vec<_>>>()?;

        let studies = studies_of(&of_model)?;
        let files = [probabilities, labels].map(|file| file.display().to_string());
        let files = [files[0].as_str(), &files[1]];
        let rows = places(&studies, &studies_of(&of_truth)?, files, "studies")?;

        let truth: Vec<Cells<'_>> = of_truth.rows().collect();
        let (mut scores, mut truths) = (Vec::new(), Vec::new());
        for (cells, row) in of_model.rows().zip(rows) {
            for (name, &(column, true_column)) in observations.iter().zip(&columns) {
                scores.push(cells.probability(column, name)?);
                truths.push(truth[row].label(true_column, name)?);
            }
        }
        of_model.predictions(observations, studies.clone(), studies, scores, truths)
    }
}

fn studies_of(table: &Table) -> Result<Vec<String>> {
    let column = table.column(Predictions::STUDY_COLUMN)?;
    Ok(table
        .rows()
        .map(|cells| study_name(cells.text(column)))
        .collect())
}

/// `patient64741/study1` of `CheXpert-v1.0/test/patient64741/study1/`.
fn study_name(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let start = path
        .rmatch_indices('/')
        .nth(1)
        .map_or(0, |(slash, _)| slash + 1);
    path[start..].to_owned()
}
