//! Temperature scaling: probabilities that mean what they say, in the same order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::choice;
use crate::{Bins, Error, Predictions, Result, ScoredLabels, Undefined, Units};

/// How many temperatures there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureScope {
    /// One for all observations, fitted on the labels of all.
    All,
    /// One for each observation.
    Observation,
}

impl FromStr for TemperatureScope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = [(Self::All, "all"), (Self::Observation, "observation")];
        choice(&names, text, "calibration", "all or observation")
    }
}

/// The temperatures of a table's observations.
///
/// ```
/// use chextransfer_metrics::{Predictions, TemperatureScope};
/// use ndarray::array;
///
/// let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
/// let rows = names(&["a", "b", "c", "d"]);
/// // Sure of itself, and wrong one time in four.
/// let validation = Predictions::new(
///     names(&["Edema"]),
///     rows.clone(),
///     rows,
///     array![[Some(true)], [Some(true)], [Some(false)], [Some(false)]],
///     array![[0.99], [0.99], [0.01], [0.99]],
/// )?;
/// let temperatures = validation.temperatures(TemperatureScope::Observation)?;
/// let calibrated = temperatures.apply(&validation)?;
/// assert!((calibrated.probabilities()[[0, 0]] - 0.75).abs() < 1e-9);
/// # Ok::<(), chextransfer_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Temperatures {
    /// Whether they were fitted together.
    pub scope: TemperatureScope,
    /// One an observation, in the table's order.
    pub observations: Vec<Temperature>,
}

/// The temperature of one observation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Temperature {
    /// The observation.
    pub observation: String,
    /// By what its logits are divided, above 0; `None` leaves its probabilities as they are.
    pub temperature: Option<f64>,
    /// Why there is none, if there is none.
    pub undefined: Option<Undefined>,
}

impl ScoredLabels {
    /// The temperature T above 0 that makes the labels most likely under the probabilities `sigmoid(logit(score) / T)`
    /// (Guo et al., ICML 2017, section 4.2, for one sigmoid output): the minimum of the cross-entropy, which is convex in
    /// 1/T. A score of exactly 0 or 1 counts as the nearest probability that has a logit.
    ///
    /// # Errors
    ///
    /// [`Undefined`] where there is no positive or no negative, a score is no probability, or the labels are most likely
    /// at no finite temperature above 0: the scores separate them without a mistake, or are wrong more often than right.
    pub fn temperature(&self) -> Result<f64, Undefined> {
        self.check_classes()?;
        self.check_probabilities()?;
        let logits: Vec<(f64, f64, f64)> = self
            .rows
            .iter()
            .enumerate()
            .map(|(place, row)| {
                let label = f64::from(u8::from(row.positive));
                (logit(row.score), label, self.weight(place))
            })
            .collect();
        // The derivative of the cross-entropy by 1/T, which rises with it.
        let slope = |inverse: f64| -> f64 {
            let terms = logits
                .iter()
                .map(|&(logit, label, weight)| weight * logit * (sigmoid(logit * inverse) - label));
            terms.sum()
        };
        // Without a row on the wrong side of one half the slope never rises above zero, but rounds to it.
        let is_wrong = |&(logit, label, _): &(f64, f64, f64)| logit * (0.5 - label) > 0.0;
        if slope(0.0) >= 0.0 || !logits.iter().any(is_wrong) {
            return Err(Undefined::NoTemperature);
        }
        let (mut low, mut high) = (0.0, 1.0);
        while slope(high) < 0.0 {
            (low, high) = (high, high * 2.0);
            if high > LARGEST_INVERSE {
                return Err(Undefined::NoTemperature);
            }
        }
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return Ok(1.0 / middle);
            }
            if slope(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
    }
}

/// Beyond it the scores separate the labels but for rounding.
const LARGEST_INVERSE: f64 = 1e6;

impl Predictions {
    /// Fits temperatures to these labels, which should be validation's.
    ///
    /// An observation without one, such as one without positives, keeps its probabilities and says why.
    ///
    /// # Errors
    ///
    /// Never of a table; an error tells of a defect.
    pub fn temperatures(&self, scope: TemperatureScope) -> Result<Temperatures> {
        let column = |column: usize| -> (Vec<f64>, Vec<Option<bool>>) {
            (
                self.probabilities().column(column).to_vec(),
                self.labels().column(column).to_vec(),
            )
        };
        let fitted = match scope {
            TemperatureScope::Observation => (0..self.observations().len())
                .map(|place| {
                    let (scores, labels) = column(place);
                    Ok(ScoredLabels::new(&scores, &labels)?.temperature())
                })
                .collect::<Result<Vec<_>>>()?,
            TemperatureScope::All => {
                let (scores, labels): (Vec<_>, Vec<_>) =
                    (0..self.observations().len()).map(column).unzip();
                let together = ScoredLabels::new(&scores.concat(), &labels.concat())?;
                vec![together.temperature(); self.observations().len()]
            }
        };
        let observations = self.observations().iter().zip(fitted);
        let observations = observations.map(|(name, fitted)| Temperature {
            observation: name.clone(),
            temperature: fitted.ok(),
            undefined: fitted.err(),
        });
        Ok(Temperatures {
            scope,
            observations: observations.collect(),
        })
    }
}

impl Temperatures {
    /// The table with every logit divided by its observation's temperature. Within an observation the order stays.
    ///
    /// # Errors
    ///
    /// If the table has other observations.
    pub fn apply(&self, table: &Predictions) -> Result<Predictions> {
        let own = self.observations.iter().map(|of| &of.observation);
        if !own.eq(table.observations()) {
            let problem = format!(
                "found columns {}, expected those of the temperatures",
                table.observations().join(", ")
            );
            return Err(Error::table(problem));
        }
        let mut probabilities = table.probabilities().clone();
        for (of, mut column) in self.observations.iter().zip(probabilities.columns_mut()) {
            if let Some(temperature) = of.temperature {
                column.mapv_inplace(|probability| sigmoid(logit(probability) / temperature));
            }
        }
        Predictions::new(
            table.observations().to_vec(),
            table.paths().to_vec(),
            table.studies().to_vec(),
            table.labels().clone(),
            probabilities,
        )
    }

    /// What applying them did to a labelled table.
    ///
    /// # Errors
    ///
    /// If the tables lack an observation.
    pub fn effect(&self, before: &Predictions, after: &Predictions) -> Result<Calibration> {
        let observations = self.observations.iter().map(|of| {
            let name = &of.observation;
            let rows = |table: &Predictions| table.scored(name, &Units::of_rows(table.rows()));
            let (before, after) = (rows(before)?, rows(after)?);
            let both = |metric: &dyn Fn(&ScoredLabels) -> Result<f64, Undefined>| {
                [metric(&before).ok(), metric(&after).ok()]
            };
            Ok(CalibrationEffect {
                temperature: of.clone(),
                brier_score: both(&ScoredLabels::brier_score),
                calibration_error: both(&|rows| rows.calibration_error(Bins::default())),
            })
        });
        Ok(Calibration {
            scope: self.scope,
            observations: observations.collect::<Result<_>>()?,
        })
    }
}

/// Temperatures and what they did. Its [`Display`](fmt::Display) is a table with one observation a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Whether the temperatures were fitted together.
    pub scope: TemperatureScope,
    /// One an observation.
    pub observations: Vec<CalibrationEffect>,
}

/// What calibration did to one observation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationEffect {
    /// The observation and its temperature.
    #[serde(flatten)]
    pub temperature: Temperature,
    /// Brier score before and after; `None` if all rows are masked.
    pub brier_score: [Option<f64>; 2],
    /// Expected calibration error in [`Bins::default`] before and after; `None` if all rows are masked.
    pub calibration_error: [Option<f64>; 2],
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .observations
            .iter()
            .map(|of| &of.temperature.observation);
        let first = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let first = first.max("observation".len());
        write!(
            f,
            "{:first$}  Brier before  after   ECE before  after   temperature",
            "observation"
        )?;
        let text = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        for of in &self.observations {
            let Temperature {
                observation,
                temperature,
                undefined,
            } = &of.temperature;
            let [brier, brier_after] = of.brier_score.map(text);
            let [error, error_after] = of.calibration_error.map(text);
            write!(
                f,
                "\n{observation:first$}  {brier:>12}  {brier_after:<6}  {error:>10}  {error_after:<6}  "
            )?;
            match (temperature, undefined) {
                (Some(temperature), _) => write!(f, "{temperature:.4}")?,
                (None, Some(reason)) => write!(f, "none ({reason})")?,
                (None, None) => write!(f, "none")?,
            }
        }
        Ok(())
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn logit(probability: f64) -> f64 {
    const NEAREST: f64 = f64::EPSILON / 2.0;
    let probability = probability.clamp(NEAREST, 1.0 - NEAREST);
    probability.ln() - (-probability).ln_1p()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;

    use super::*;

    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);

    fn table() -> Predictions {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let rows = ["a", "b", "c", "d", "e", "f", "g", "h"];
        Predictions::new(
            names(&["Edema", "Fracture", "Pneumonia"]),
            names(&rows),
            names(&rows),
            array![
                [YES, NO, YES],
                [NO, NO, NO],
                [YES, NO, NO],
                [NO, None, NO],
                [YES, NO, YES],
                [NO, NO, NO],
                [NO, NO, YES],
                [None, NO, NO]
            ],
            array![
                [0.98, 0.1, 0.9],
                [0.03, 0.2, 0.4],
                [0.30, 0.1, 0.2],
                [0.90, 0.1, 0.3],
                [0.75, 0.3, 0.6],
                [0.20, 0.1, 0.1],
                [0.05, 0.1, 0.8],
                [0.99, 0.1, 0.2]
            ],
        )
        .unwrap()
    }

    /// Expected: the roots that scipy.optimize.brentq (1.17.1) finds of the cross-entropy's derivative by 1/T.
    #[test]
    fn temperatures_are_those_that_scipy_finds() {
        let temperatures = table().temperatures(TemperatureScope::Observation).unwrap();
        let [edema, fracture, pneumonia] = &temperatures.observations[..] else {
            unreachable!()
        };
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(close(edema.temperature, 1.8412525702564606), "{edema:?}");
        assert_eq!(fracture.undefined, Some(Undefined::NoPositives));
        assert_eq!(
            pneumonia.undefined,
            Some(Undefined::NoTemperature),
            "separated"
        );
        let all = table().temperatures(TemperatureScope::All).unwrap();
        for of in &all.observations {
            assert!(close(of.temperature, 0.7461637980497162), "{of:?}");
        }
    }

    #[test]
    fn an_observation_without_a_temperature_keeps_its_probabilities_and_others_their_order() {
        let (table, scope) = (table(), TemperatureScope::Observation);
        let temperatures = table.temperatures(scope).unwrap();
        let calibrated = temperatures.apply(&table).unwrap();
        for column in [1, 2] {
            assert_eq!(
                calibrated.probabilities().column(column),
                table.probabilities().column(column)
            );
        }
        let [before, after] =
            [&table, &calibrated].map(|table| table.scored("Edema", &Units::of_rows(8)).unwrap());
        assert_eq!(before.auroc(), after.auroc());
        assert_ne!(before.brier_score(), after.brier_score());
        // At its own temperature a table is calibrated.
        let again = calibrated.temperatures(scope).unwrap();
        assert!((again.observations[0].temperature.unwrap() - 1.0).abs() < 1e-9);
        let effect = temperatures.effect(&table, &calibrated).unwrap();
        assert_eq!(
            effect.observations[0].brier_score[0],
            before.brier_score().ok()
        );
        assert_eq!(
            effect.observations[0].brier_score[1],
            after.brier_score().ok()
        );
        assert!(
            effect.to_string().contains("none (0 positives)"),
            "{effect}"
        );

        let other = table.by_study().unwrap().select(&[0], &[0]);
        assert!(temperatures.apply(&other).is_err());
    }

    #[test]
    fn scores_of_zero_and_one_have_a_temperature_and_worse_than_chance_has_none() {
        let scores = [1.0, 0.0, 1.0, 0.0, 1.0];
        let rows = ScoredLabels::new(&scores, &[YES, NO, NO, NO, YES]).unwrap();
        assert!(rows.temperature().unwrap() > 10.0);
        let rows = ScoredLabels::new(&scores, &[NO, YES, NO, YES, NO]).unwrap();
        assert_eq!(rows.temperature(), Err(Undefined::NoTemperature));
    }
}
