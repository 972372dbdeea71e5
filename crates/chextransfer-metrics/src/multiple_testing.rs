//! Many comparisons at once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::choice;
use crate::{Error, Result};

/// How p-values of several comparisons are adjusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// Holm's step-down procedure (Scandinavian Journal of Statistics 6, 1979): bounds the probability of one false claim
    /// or more, whatever the dependence.
    #[default]
    Holm,
    /// Benjamini and Hochberg's step-up procedure (Journal of the Royal Statistical Society B 57, 1995): bounds the
    /// expected share of false claims among all claims, for independent or positively dependent tests.
    BenjaminiHochberg,
}

impl Adjustment {
    /// Adjusted p-values, in the order given.
    ///
    /// # Errors
    ///
    /// If one is not a number from 0 to 1.
    pub fn adjust(self, p_values: &[f64]) -> Result<Vec<f64>> {
        if let Some(row) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(Error::Value {
                what: "p-value",
                row,
                found: p_values[row],
                expected: "a number from 0 to 1",
            });
        }
        let count = p_values.len();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
        let mut adjusted = vec![0.0; count];
        match self {
            Self::Holm => {
                let mut largest = 0.0_f64;
                for (rank, &test) in order.iter().enumerate() {
                    largest = largest.max(p_values[test] * (count - rank) as f64).min(1.0);
                    adjusted[test] = largest;
                }
            }
            Self::BenjaminiHochberg => {
                let mut smallest = 1.0_f64;
                for (rank, &test) in order.iter().enumerate().rev() {
                    smallest = smallest.min(p_values[test] * count as f64 / (rank + 1) as f64);
                    adjusted[test] = smallest;
                }
            }
        }
        Ok(adjusted)
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holm => "Holm",
            Self::BenjaminiHochberg => "Benjamini-Hochberg",
        })
    }
}

impl FromStr for Adjustment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = [
            (Self::Holm, "holm"),
            (Self::BenjaminiHochberg, "benjamini-hochberg"),
        ];
        choice(&names, text, "adjustment", "holm or benjamini-hochberg")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let p = [0.01, 0.04, 0.03, 0.005];
        // Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling.
        let holm = Adjustment::Holm.adjust(&p).unwrap();
        for (found, expected) in holm.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{holm:?}");
        }
        // Times 4/1, 4/2, 4/3, 4/4, never rising from the end.
        let fdr = Adjustment::BenjaminiHochberg.adjust(&p).unwrap();
        for (found, expected) in fdr.iter().zip([0.02, 0.04, 0.04, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{fdr:?}");
        }
    }

    #[test]
    fn one_test_needs_no_adjustment_and_none_gives_none() {
        for method in [Adjustment::Holm, Adjustment::BenjaminiHochberg] {
            assert_eq!(method.adjust(&[0.3]).unwrap(), [0.3]);
            assert!(method.adjust(&[]).unwrap().is_empty());
            assert_eq!(
                method
                    .adjust(&[0.7, 1.0, 0.9])
                    .unwrap()
                    .iter()
                    .fold(0.0, |a: f64, &b| a.max(b)),
                1.0
            );
        }
        assert_eq!("holm".parse::<Adjustment>().unwrap(), Adjustment::Holm);
        assert!("bonferroni".parse::<Adjustment>().is_err());
    }

    #[test]
    fn what_is_no_p_value_is_refused() {
        for bad in [f64::NAN, -0.1, 1.1] {
            let message = Adjustment::Holm
                .adjust(&[0.5, bad])
                .unwrap_err()
                .to_string();
            assert!(message.contains("p-value 1"), "{message}");
        }
    }
}
