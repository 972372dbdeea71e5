//! AUROC of every observation and their mean, with bootstrap intervals.

use std::collections::HashSet;
use std::fmt;

use serde::ser::{SerializeMap, Serializer};

use crate::{Bins, Bootstrap, Metric, Predictions, Result, Statistic, Undefined};

/// How well a table of predictions ranks its rows.
///
/// Its [`Display`](fmt::Display) is a table with one observation a line and the headline mean last. Serialised, the
/// observations are a map from name to result, in the table's order.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Mean AUROC of [`averaged`](Self::averaged); `None` if that is empty.
    pub mean_auc: Option<f64>,
    /// Bootstrap interval of the mean, over the replicates in which every averaged observation has both classes; `None` if
    /// there is none.
    pub mean_auc_ci: Option<[f64; 2]>,
    /// Replicates left out of the mean's interval.
    pub mean_undefined_replicates: usize,
    /// The observations whose mean was asked for.
    pub headline: Vec<String>,
    /// Those of [`headline`](Self::headline) whose AUROC is defined.
    pub averaged: Vec<String>,
    /// One a column of the table, in its order.
    #[serde(serialize_with = "by_name")]
    pub observations: Vec<ObservationResult>,
    /// Rows of the table.
    pub rows: usize,
    /// Studies among them.
    pub studies: usize,
    /// Units that were resampled.
    pub units: usize,
    /// How the intervals were made.
    pub bootstrap: Bootstrap,
}

/// The AUROC of one observation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct ObservationResult {
    /// The observation.
    #[serde(skip)]
    pub name: String,
    /// AUROC over the rows that are not masked; `None` if they have one class only.
    pub auc: Option<f64>,
    /// Why there is no AUROC, if there is none.
    pub undefined: Option<Undefined>,
    /// Bootstrap interval over the replicates with both classes; `None` if there is none.
    pub ci: Option<[f64; 2]>,
    /// Average precision; `None` without positives.
    pub average_precision: Option<f64>,
    /// Brier score; `None` if all rows are masked.
    pub brier_score: Option<f64>,
    /// Expected calibration error in [`Bins::default`]; `None` if all rows are masked.
    pub calibration_error: Option<f64>,
    /// Rows with the observation.
    pub positives: usize,
    /// Rows without it.
    pub negatives: usize,
    /// Rows that do not count.
    pub masked: usize,
    /// Replicates with one class only, left out of the interval.
    pub undefined_replicates: usize,
}

impl Predictions {
    /// AUROC of every observation, and the mean over those named in `headline`, with intervals from resampled units.
    ///
    /// The mean is over the headline observations that are defined in the table itself. A replicate that lacks a class of
    /// any of them is left out of the mean's interval and counted: a mean over fewer observations would be of another
    /// quantity. All rows of a unit are drawn together. The replicates depend on the seed and the units' names alone, so
    /// that two models evaluated on the same units share them.
    ///
    /// Memory is one number a replicate and observation, whatever the number of rows.
    ///
    /// # Errors
    ///
    /// If a headline name is no column or is named twice, the bootstrap's settings are out of range, or a study names no
    /// patient where patients are drawn.
    pub fn evaluate(&self, headline: &[&str], bootstrap: &Bootstrap) -> Result<Evaluation> {
        let headline_columns = self.columns_of(headline)?;
        let units = self.units(bootstrap.unit, bootstrap.stratify.as_deref())?;
        let columns = self.observations().iter();
        let columns = columns
            .map(|observation| self.scored(observation, &units))
            .collect::<Result<Vec<_>>>()?;
        let aurocs: Vec<_> = columns
            .iter()
            .map(|rows| Statistic {
                metric: Metric::Auroc,
                rows,
            })
            .collect();
        let replicates = bootstrap.resample(&units, &aurocs)?;

        let observations = self.observations().iter().zip(&columns).enumerate();
        let observations = observations.map(|(column, (name, rows))| {
            let auc = replicates.mean(&[column]);
            let (positives, negatives) = (rows.positives(), rows.negatives());
            ObservationResult {
                name: name.clone(),
                auc: auc.estimate.ok(),
                undefined: auc.estimate.err(),
                ci: auc.interval(bootstrap),
                average_precision: rows.average_precision().ok(),
                brier_score: rows.brier_score().ok(),
                calibration_error: rows.calibration_error(Bins::default()).ok(),
                positives,
                negatives,
                masked: self.rows() - positives - negatives,
                undefined_replicates: auc.undefined_replicates,
            }
        });

        let defined = |column: &usize| replicates.estimates()[*column].is_ok();
        let averaged: Vec<usize> = headline_columns.into_iter().filter(defined).collect();
        let mean = replicates.mean(&averaged);
        Ok(Evaluation {
            mean_auc: mean.estimate.ok(),
            mean_auc_ci: mean.interval(bootstrap),
            mean_undefined_replicates: mean.undefined_replicates,
            headline: headline.iter().map(|&name| name.to_owned()).collect(),
            averaged: averaged
                .iter()
                .map(|&column| self.observations()[column].clone())
                .collect(),
            observations: observations.collect(),
            rows: self.rows(),
            studies: self.studies().iter().collect::<HashSet<_>>().len(),
            units: units.count(),
            bootstrap: bootstrap.clone(),
        })
    }
}

fn by_name<S: Serializer>(results: &[ObservationResult], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(results.len()))?;
    for result in results {
        map.serialize_entry(&result.name, result)?;
    }
    map.end()
}

impl ObservationResult {
    fn auc_text(&self) -> String {
        match (self.auc, self.undefined) {
            (Some(auc), _) => format!("{auc:.4}"),
            (None, Some(reason)) => format!("undefined ({reason})"),
            (None, None) => "undefined".to_owned(),
        }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean_name = format!("mean of {} of {}", self.averaged.len(), self.headline.len());
        let mean_text = self
            .mean_auc
            .map_or_else(|| "undefined".to_owned(), |auc| format!("{auc:.4}"));
        let names = self.observations.iter().map(|result| result.name.as_str());
        let first = names
            .chain([mean_name.as_str(), "observation"])
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let aucs = self
            .observations
            .iter()
            .map(|result| result.auc_text().len());
        let fourth = aucs.chain([mean_text.len(), 6]).max().unwrap_or(0);
        let mut line = |name: &str, positives: &str, negatives: &str, auc: &str, interval: &str| {
            let row = format!(
                "{name:first$}  {positives:>9}  {negatives:>9}  {auc:<fourth$}  {interval}"
            );
            writeln!(f, "{}", row.trim_end())
        };

        let interval_title = format!("{} interval", percent(self.bootstrap.confidence));
        line(
            "observation",
            "positives",
            "negatives",
            "AUROC",
            &interval_title,
        )?;
        for result in &self.observations {
            line(
                &result.name,
                &result.positives.to_string(),
                &result.negatives.to_string(),
                &result.auc_text(),
                &interval_text(result.ci),
            )?;
        }
        line(
            &mean_name,
            "",
            "",
            &mean_text,
            &interval_text(self.mean_auc_ci),
        )?;
        self.notes(f)
    }
}

impl Evaluation {
    /// What the numbers of the table do not say by themselves.
    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, studies) = (self.rows, self.studies);
        write!(f, "{rows} rows of {studies} studies; {}", self.bootstrap)?;
        let observations = self
            .observations
            .iter()
            .filter(|result| result.auc.is_some())
            .map(|result| (result.name.as_str(), result.undefined_replicates));
        let mean = self
            .mean_auc
            .map(|_| ("mean", self.mean_undefined_replicates));
        for (name, undefined) in observations.chain(mean).filter(|&(_, count)| count > 0) {
            write!(
                f,
                "\n{name}: {undefined} replicates had one class only and are left out of the interval"
            )?;
        }
        Ok(())
    }
}

pub(crate) fn interval_text(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(String::new, |[low, high]| format!("{low:.4} to {high:.4}"))
}

/// `0.95` as `95 %`, without the digits that binary fractions add.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::{Array2, Axis, array, concatenate};
    use rand::seq::SliceRandom;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const POSITIVE: Option<bool> = Some(true);
    const NEGATIVE: Option<bool> = Some(false);

    fn columns(count: usize) -> Vec<String> {
        (0..count)
            .map(|column| format!("observation {column}"))
            .collect()
    }

    /// One row a study, a third positive, positives half a unit higher on a scale of one and a half.
    fn ordinary(studies: usize, observations: usize, seed: u64) -> Predictions {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let labels =
            Array2::from_shape_simple_fn((studies, observations), || rng.random_bool(0.33));
        let probabilities =
            labels.mapv(|label| (rng.random::<f64>() + 0.5 * f64::from(u8::from(label))) / 1.5);
        let names: Vec<String> = (0..studies)
            .map(|study| format!("study {study:05}"))
            .collect();
        let labels = labels.mapv(Some);
        Predictions::new(
            columns(observations),
            names.clone(),
            names,
            labels,
            probabilities,
        )
        .unwrap()
    }

    fn select(table: &Predictions, rows: &[usize]) -> Predictions {
        let of = |names: &[String]| rows.iter().map(|&row| names[row].clone()).collect();
        Predictions::new(
            table.observations().to_vec(),
            of(table.paths()),
            of(table.studies()),
            table.labels().select(Axis(0), rows),
            table.probabilities().select(Axis(0), rows),
        )
        .unwrap()
    }

    fn replicates(replicates: usize) -> Bootstrap {
        Bootstrap {
            replicates,
            ..Bootstrap::default()
        }
    }

    fn width(interval: Option<[f64; 2]>) -> f64 {
        let [low, high] = interval.unwrap();
        high - low
    }

    /// Standard error of an AUROC after DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), for untied scores.
    fn delong_error(table: &Predictions, column: usize) -> f64 {
        let of = |label| -> Vec<f64> {
            let rows = table
                .labels()
                .column(column)
                .into_iter()
                .zip(table.probabilities().column(column));
            rows.filter(|(found, _)| **found == Some(label))
                .map(|(_, &score)| score)
                .collect()
        };
        // Variance of the share of `others` below each of `scores`, over their number.
        let component = |scores: &[f64], others: &[f64]| {
            let below = |score| others.iter().filter(|&&other| other < score).count();
            let shares: Vec<f64> = scores
                .iter()
                .map(|&score| below(score) as f64 / others.len() as f64)
                .collect();
            let count = shares.len() as f64;
            let mean = shares.iter().sum::<f64>() / count;
            shares
                .iter()
                .map(|share| (share - mean).powi(2))
                .sum::<f64>()
                / (count - 1.0)
                / count
        };
        let (positives, negatives) = (of(true), of(false));
        (component(&positives, &negatives) + component(&negatives, &positives)).sqrt()
    }

    #[test]
    fn the_interval_holds_the_estimate_and_has_the_width_that_theory_gives() {
        let table = ordinary(400, 3, 1);
        let names: Vec<&str> = table.observations().iter().map(String::as_str).collect();
        let evaluation = table.evaluate(&names, &Bootstrap::default()).unwrap();
        for result in &evaluation.observations {
            let (auc, [low, high]) = (result.auc.unwrap(), result.ci.unwrap());
            assert!(low < auc && auc < high, "{result:?}");
            assert_eq!(result.positives + result.negatives, 400);
        }
        for (column, result) in evaluation.observations.iter().enumerate() {
            let ratio = width(result.ci) / (2.0 * 1.96 * delong_error(&table, column));
            assert!((0.9..1.1).contains(&ratio), "{ratio}");
        }
        let [low, high] = evaluation.mean_auc_ci.unwrap();
        let mean = evaluation.mean_auc.unwrap();
        assert!(low < mean && mean < high);
        // Independent observations: the mean of three is narrower than any of them.
        let narrowest = evaluation
            .observations
            .iter()
            .map(|result| width(result.ci));
        assert!(high - low < narrowest.fold(1.0, f64::min));
    }

    #[test]
    fn more_studies_narrow_the_interval_and_more_confidence_widens_it() {
        let result = |studies, confidence| {
            let bootstrap = Bootstrap {
                confidence,
                ..Bootstrap::default()
            };
            let evaluation = ordinary(studies, 1, 2).evaluate(&[], &bootstrap).unwrap();
            width(evaluation.observations[0].ci)
        };
        let (few, many) = (result(100, 0.95), result(1600, 0.95));
        // Four times, by the square root of 16.
        assert!((2.5..6.0).contains(&(few / many)), "{few} {many}");
        assert!(result(100, 0.99) > few && few > result(100, 0.8));
    }

    #[test]
    fn numbers_depend_on_the_seed_and_not_on_threads_or_row_order() {
        let table = ordinary(150, 4, 3);
        let on_threads = |threads, table: &Predictions, seed| {
            let bootstrap = Bootstrap {
                seed,
                ..replicates(200)
            };
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                table
                    .evaluate(&["observation 1", "observation 3"], &bootstrap)
                    .unwrap()
            })
        };
        let expected = on_threads(1, &table, 7);
        assert_eq!(on_threads(4, &table, 7), expected);
        assert_eq!(on_threads(1, &table, 7), expected);
        assert_ne!(on_threads(1, &table, 8).mean_auc_ci, expected.mean_auc_ci);

        let mut rows: Vec<usize> = (0..150).collect();
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(on_threads(2, &select(&table, &rows), 7), expected);
    }

    #[test]
    fn repeating_every_row_within_its_study_changes_no_number() {
        let once = ordinary(120, 2, 4);
        let rows: Vec<usize> = (0..120).flat_map(|row| [row, row, row]).collect();
        let thrice = select(&once, &rows);
        let expected = once.evaluate(&["observation 0"], &replicates(300)).unwrap();
        let found = thrice
            .evaluate(&["observation 0"], &replicates(300))
            .unwrap();
        assert_eq!((found.rows, found.studies), (360, 120));
        assert_eq!(found.mean_auc_ci, expected.mean_auc_ci);
        for (found, expected) in found.observations.iter().zip(&expected.observations) {
            assert_eq!((found.auc, found.ci), (expected.auc, expected.ci));
        }

        // The same rows as studies of their own would pretend to three times the evidence.
        let apart = Predictions::new(
            thrice.observations().to_vec(),
            thrice.paths().to_vec(),
            (0..360).map(|row| format!("study {row}")).collect(),
            thrice.labels().clone(),
            thrice.probabilities().clone(),
        );
        let apart = apart
            .unwrap()
            .evaluate(&["observation 0"], &replicates(300))
            .unwrap();
        assert!(width(apart.mean_auc_ci) < 0.75 * width(expected.mean_auc_ci));
    }

    /// Observation 0 has one positive study of ten, 1 has none, 2 is masked, 3 is ordinary.
    fn rare() -> Predictions {
        let ordinary = ordinary(10, 1, 5);
        let rare = Array2::from_shape_fn((10, 3), |(row, column)| match (row, column) {
            (0, 0) => POSITIVE,
            (_, 2) => None,
            _ => NEGATIVE,
        });
        Predictions::new(
            columns(4),
            ordinary.paths().to_vec(),
            ordinary.studies().to_vec(),
            concatenate![Axis(1), rare, *ordinary.labels()],
            Array2::from_shape_fn((10, 4), |(row, column)| ((row + column) % 10) as f64 / 10.0),
        )
        .unwrap()
    }

    #[test]
    fn replicates_without_a_class_are_counted_and_left_out() {
        let headline = ["observation 0", "observation 1", "observation 3"];
        let evaluation = rare().evaluate(&headline, &replicates(2000)).unwrap();
        let [one, none, masked, ordinary] = &evaluation.observations[..] else {
            unreachable!("four observations");
        };
        // One study in ten is absent with probability (9/10)^10 = 0.349: 697 of 2,000, standard deviation 21.
        assert!((590..=804).contains(&one.undefined_replicates), "{one:?}");
        assert_eq!(one.auc, Some(0.0));
        assert!(one.ci.is_some());
        assert_eq!(
            (none.auc, none.ci, none.undefined_replicates),
            (None, None, 2000)
        );
        assert_eq!((masked.auc, masked.masked, masked.negatives), (None, 10, 0));
        assert!(ordinary.undefined_replicates < one.undefined_replicates);

        assert_eq!(evaluation.headline, headline);
        assert_eq!(evaluation.averaged, ["observation 0", "observation 3"]);
        assert_eq!(evaluation.mean_auc, ordinary.auc.map(|auc| auc / 2.0));
        let at_least = one.undefined_replicates.max(ordinary.undefined_replicates);
        assert!(evaluation.mean_undefined_replicates >= at_least);
        assert!(evaluation.mean_undefined_replicates < 2000);
    }

    #[test]
    fn nothing_defined_means_no_mean() {
        let evaluation = rare()
            .evaluate(&["observation 1", "observation 2"], &replicates(50))
            .unwrap();
        assert_eq!((evaluation.mean_auc, evaluation.mean_auc_ci), (None, None));
        assert!(evaluation.averaged.is_empty());
        let text = evaluation.to_string();
        assert!(text.contains("mean of 0 of 2"), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }

    #[test]
    fn no_replicates_give_estimates_without_intervals() {
        let table = ordinary(60, 2, 6);
        let quick = table
            .evaluate(&["observation 1"], &Bootstrap::NONE)
            .unwrap();
        let full = table.evaluate(&["observation 1"], &replicates(10)).unwrap();
        assert_eq!(quick.mean_auc, full.mean_auc);
        assert_eq!((quick.mean_auc_ci, quick.observations[0].ci), (None, None));
    }

    #[test]
    fn a_headline_name_must_be_a_column_and_named_once() {
        let message = |headline: &[&str]| {
            let result = ordinary(20, 2, 7).evaluate(headline, &Bootstrap::NONE);
            result.unwrap_err().to_string()
        };
        let unknown = message(&["observation 0", "Edema"]);
        assert!(
            unknown.contains("\"Edema\"; columns: observation 0, observation 1"),
            "{unknown}"
        );
        assert!(message(&["observation 0", "observation 0"]).contains("twice"));
    }

    #[test]
    fn the_printed_table_names_what_is_undefined() {
        let table = Predictions::new(
            ["Atelectasis", "Edema", "Fracture", "Hernia"]
                .map(str::to_owned)
                .to_vec(),
            (0..4).map(|row| format!("image {row}")).collect(),
            ["a", "a", "b", "c"].map(str::to_owned).to_vec(),
            array![
                [POSITIVE, POSITIVE, NEGATIVE, None],
                [POSITIVE, POSITIVE, NEGATIVE, None],
                [NEGATIVE, POSITIVE, NEGATIVE, None],
                [NEGATIVE, POSITIVE, None, None],
            ],
            array![
                [0.9, 0.5, 0.5, 0.5],
                [0.2, 0.5, 0.5, 0.5],
                [0.3, 0.5, 0.5, 0.5],
                [0.1, 0.5, 0.5, 0.5]
            ],
        );
        let evaluation = table
            .unwrap()
            .evaluate(&["Atelectasis", "Edema"], &Bootstrap::NONE)
            .unwrap();
        let expected = "\
observation     positives  negatives  AUROC                    95 % interval
Atelectasis             2          2  0.7500
Edema                   4          0  undefined (0 negatives)
Fracture                0          3  undefined (0 positives)
Hernia                  0          0  undefined (all masked)
mean of 1 of 2                        0.7500
4 rows of 3 studies; no bootstrap";
        assert_eq!(evaluation.to_string(), expected);

        let text = rare()
            .evaluate(&["observation 0"], &replicates(100))
            .unwrap()
            .to_string();
        for part in [
            " to ",
            "100 bootstrap replicates",
            "seed 0",
            "\nobservation 0: ",
            "\nmean: ",
        ] {
            assert!(text.contains(part), "{part:?}: {text}");
        }
        assert!(!text.contains("\nobservation 1: "), "{text}");
    }

    #[test]
    fn serialised_observations_are_a_map_in_column_order() {
        let evaluation = rare()
            .evaluate(&["observation 0"], &replicates(100))
            .unwrap();
        let json = serde_json::to_value(&evaluation).unwrap();
        assert_eq!(json["mean_auc"], 0.0);
        assert!(json["mean_auc_ci"][1].is_f64());
        let undefined = &json["observations"]["observation 1"];
        assert!(undefined["auc"].is_null() && undefined["ci"].is_null());
        assert_eq!(
            (&undefined["positives"], &undefined["negatives"]),
            (&0.into(), &10.into())
        );
        assert_eq!(undefined["undefined"], "0 positives");
        assert!(undefined["average_precision"].is_null() && undefined["brier_score"].is_f64());
        let ordinary = &json["observations"]["observation 3"];
        assert!(ordinary["undefined"].is_null() && ordinary["calibration_error"].is_f64());
        let text = serde_json::to_string(&evaluation).unwrap();
        let places: Vec<_> = columns(4)
            .iter()
            .map(|name| text.find(&format!("\"{name}\":{{")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{text}");
    }
}
