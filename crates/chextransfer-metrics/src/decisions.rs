//! Thresholds chosen on one table, and the decisions that they make on another.

use std::fmt;

use serde::Serialize;

use crate::evaluation::percent;
use crate::proportion::Proportion;
use crate::{Error, OperatingRule, Predictions, Result, Undefined, Units};

/// A threshold for each observation, chosen by one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Thresholds {
    /// The rule.
    pub rule: OperatingRule,
    /// One an observation, in the table's order.
    pub observations: Vec<ChosenThreshold>,
}

/// The threshold of one observation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChosenThreshold {
    /// The observation.
    pub observation: String,
    /// Rows of at least this probability are called positive; `None` if no threshold does what the rule asks and calls
    /// any row positive.
    pub threshold: Option<f64>,
    /// Why there is none, if there is none.
    pub undefined: Option<Undefined>,
}

/// What thresholds decide on a labelled table. Its [`Display`](fmt::Display) is a table with one observation a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decisions {
    /// How the thresholds were chosen.
    pub rule: OperatingRule,
    /// Probability with which an interval is to hold the true share.
    pub confidence: f64,
    /// One an observation, in the table's order.
    pub observations: Vec<ObservationDecisions>,
}

/// The decisions about one observation; rows whose label is masked do not count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObservationDecisions {
    /// The observation and its threshold.
    #[serde(flatten)]
    pub chosen: ChosenThreshold,
    /// The decisions; `None` without a threshold.
    pub counts: Option<DecisionCounts>,
}

/// How often a threshold is right, with counts and score intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DecisionCounts {
    /// Share of the positives that are called positive.
    pub sensitivity: Proportion,
    /// Share of the negatives that are called negative.
    pub specificity: Proportion,
    /// Share of positives among those called positive.
    pub ppv: Proportion,
    /// Share of negatives among those called negative.
    pub npv: Proportion,
}

impl Predictions {
    /// Chooses a threshold for each observation on these labels, which should be validation's.
    ///
    /// # Errors
    ///
    /// If the rule asks for a sensitivity, specificity or threshold that is not from 0 to 1.
    pub fn thresholds(&self, rule: OperatingRule) -> Result<Thresholds> {
        rule.check()?;
        let units = Units::of_rows(self.rows());
        let observations = self.observations().iter().map(|name| {
            let chosen = self.scored(name, &units)?.operating_point(rule);
            let chosen = chosen.map(|point| point.threshold);
            // Infinite: the rule is best obeyed by calling no row positive, which is no test.
            let chosen = match chosen {
                Ok(threshold) if threshold.is_finite() => Ok(threshold),
                Ok(_) => Err(Undefined::NoThreshold),
                Err(reason) => Err(reason),
            };
            Ok(ChosenThreshold {
                observation: name.clone(),
                threshold: chosen.ok(),
                undefined: chosen.err(),
            })
        });
        Ok(Thresholds {
            rule,
            observations: observations.collect::<Result<_>>()?,
        })
    }
}

impl Thresholds {
    /// Decides on another table.
    ///
    /// # Errors
    ///
    /// If the table lacks an observation, or the confidence is not between 0 and 1.
    pub fn apply(&self, table: &Predictions, confidence: f64) -> Result<Decisions> {
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(Error::Setting {
                setting: "confidence",
                found: confidence.to_string(),
                expected: "a number between 0 and 1",
            });
        }
        let observations = self.observations.iter().map(|chosen| {
            let column = table.column_of(&chosen.observation)?;
            let counts = chosen.threshold.map(|threshold| {
                let labels = table.labels().column(column);
                let probabilities = table.probabilities().column(column);
                let rows = labels.iter().zip(probabilities);
                let rows = rows.filter_map(|(label, score)| Some(((*label)?, *score >= threshold)));
                DecisionCounts::new(rows, confidence)
            });
            Ok(ObservationDecisions {
                chosen: chosen.clone(),
                counts,
            })
        });
        Ok(Decisions {
            rule: self.rule,
            confidence,
            observations: observations.collect::<Result<_>>()?,
        })
    }
}

impl DecisionCounts {
    /// From the rows' labels and whether they are called positive.
    fn new(rows: impl Iterator<Item = (bool, bool)>, confidence: f64) -> Self {
        let mut counts = [[0, 0], [0, 0]];
        for (positive, called) in rows {
            counts[usize::from(positive)][usize::from(called)] += 1;
        }
        let [
            [true_negatives, false_positives],
            [false_negatives, true_positives],
        ] = counts;
        let share =
            |rows, others, otherwise| Proportion::new(rows, rows + others, confidence, otherwise);
        use Undefined::{NoNegatives, NoPositives, NoneCalledNegative, NoneCalledPositive};
        Self {
            sensitivity: share(true_positives, false_negatives, NoPositives),
            specificity: share(true_negatives, false_positives, NoNegatives),
            ppv: share(true_positives, false_positives, NoneCalledPositive),
            npv: share(true_negatives, false_negatives, NoneCalledNegative),
        }
    }

    fn shares(&self) -> [Proportion; 4] {
        [self.sensitivity, self.specificity, self.ppv, self.npv]
    }
}

impl fmt::Display for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHARES: [&str; 4] = ["sensitivity", "specificity", "PPV", "NPV"];
        let names = self.observations.iter().map(|of| &of.chosen.observation);
        let first = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let first = first.max("observation".len());
        write!(f, "{:first$}  threshold", "observation")?;
        for name in SHARES {
            write!(f, "  {name:<31}")?;
        }
        for of in &self.observations {
            write!(f, "\n{:first$}  ", of.chosen.observation)?;
            match (of.chosen.threshold, of.chosen.undefined, &of.counts) {
                (Some(threshold), _, Some(counts)) => {
                    write!(f, "{threshold:<9.4}")?;
                    for share in counts.shares() {
                        write!(f, "  {:<31}", text(&share))?;
                    }
                }
                (_, Some(reason), _) => write!(f, "none ({reason})")?,
                _ => write!(f, "none")?,
            }
        }
        let confidence = percent(self.confidence);
        write!(
            f,
            "\nthreshold by {}; shares with counts and {confidence} score intervals",
            self.rule
        )
    }
}

/// `0.800 (8 of 10) 0.490 to 0.943`
fn text(share: &Proportion) -> String {
    match (share.value, share.interval) {
        (Some(value), Some([low, high])) => {
            let (rows, of) = (share.rows, share.of);
            format!("{value:.3} ({rows} of {of}) {low:.3} to {high:.3}")
        }
        _ => "undefined".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn table(labels: &[&str], probabilities: &[f64]) -> Predictions {
        let shape = (labels.len(), 1);
        let labels: Vec<_> = labels
            .iter()
            .map(|label| match *label {
                "+" => Some(true),
                "-" => Some(false),
                _ => None,
            })
            .collect();
        let rows: Vec<_> = (0..shape.0).map(|row| row.to_string()).collect();
        Predictions::new(
            vec!["Edema".to_owned()],
            rows.clone(),
            rows,
            Array2::from_shape_vec(shape, labels).unwrap(),
            Array2::from_shape_vec(shape, probabilities.to_vec()).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn a_threshold_of_validation_is_applied_to_test_as_it_is() {
        let validation = table(&["-", "-", "+", "-", "+"], &[0.1, 0.2, 0.35, 0.4, 0.8]);
        let test = table(
            &["+", "+", "-", "-", "?", "-"],
            &[0.35, 0.3, 0.9, 0.1, 0.9, 0.2],
        );
        let rule = OperatingRule::Sensitivity(0.9);
        let thresholds = validation.thresholds(rule).unwrap();
        assert_eq!(thresholds.observations[0].threshold, Some(0.35));
        let decisions = thresholds.apply(&test, 0.95).unwrap();
        let counts = decisions.observations[0].counts.unwrap();
        let pairs = counts.shares().map(|share| (share.rows, share.of));
        assert_eq!(pairs, [(1, 2), (2, 3), (1, 2), (2, 3)]);
        let shown = decisions.to_string();
        assert!(shown.contains("0.500 (1 of 2)"), "{shown}");
        assert!(shown.ends_with(
            "threshold by sensitivity=0.9; shares with counts and 95 % score intervals"
        ));

        // The test set's own best threshold would be another.
        let own = test.thresholds(rule).unwrap();
        assert_ne!(own.observations[0].threshold, Some(0.35));
    }

    #[test]
    fn what_has_no_threshold_or_no_rows_says_why() {
        let one_class = table(&["-", "-"], &[0.1, 0.2]);
        let rule = OperatingRule::Youden;
        let none = one_class.thresholds(rule).unwrap();
        assert_eq!(none.observations[0].undefined, Some(Undefined::NoPositives));
        let decisions = none.apply(&one_class, 0.95).unwrap();
        assert_eq!(decisions.observations[0].counts, None);
        assert!(decisions.to_string().contains("none (0 positives)"));

        // Upside down: nothing beats calling none positive.
        let inverted = table(&["+", "-"], &[0.1, 0.2]);
        let none = inverted.thresholds(rule).unwrap();
        assert_eq!(none.observations[0].undefined, Some(Undefined::NoThreshold));

        let good = table(&["-", "+"], &[0.1, 0.2]).thresholds(rule).unwrap();
        let counts = good.apply(&one_class, 0.95).unwrap().observations[0].counts;
        let counts = counts.unwrap();
        assert_eq!(counts.sensitivity.undefined, Some(Undefined::NoPositives));
        assert_eq!(counts.specificity.value, Some(0.5));
        assert!(good.apply(&one_class, 1.0).is_err());
    }

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for (text, rule) in [
            ("youden", OperatingRule::Youden),
            ("sensitivity=0.9", OperatingRule::Sensitivity(0.9)),
            ("specificity=0.95", OperatingRule::Specificity(0.95)),
            ("threshold=0.5", OperatingRule::Threshold(0.5)),
        ] {
            assert_eq!(text.parse::<OperatingRule>().unwrap(), rule);
            assert_eq!(rule.to_string(), text);
        }
        for wrong in [
            "",
            "Youden",
            "sensitivity",
            "sensitivity=",
            "sensitivity=1.5",
            "specificity=NaN",
            "ppv=0.5",
        ] {
            let message = wrong.parse::<OperatingRule>().unwrap_err().to_string();
            assert!(
                message.contains("youden, sensitivity=0.9"),
                "{wrong}: {message}"
            );
        }
    }
}
