//! What is drawn when a sample is resampled.

use std::collections::BTreeMap;
use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::names::choice;
use crate::scored_labels::check_lengths;
use crate::{Error, Predictions, Result, ScoredLabels};

/// What counts as one independent draw. All rows of a unit are drawn together: views of one study, or studies of one
/// patient, are no independent evidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// The row's path.
    Image,
    /// The row's study.
    #[default]
    Study,
    /// The study's name up to its last `/`: `patient00001` of `patient00001/study1`.
    Patient,
}

impl Unit {
    /// `images`, `studies` or `patients`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Study => "studies",
            Self::Patient => "patients",
        }
    }
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = [
            (Self::Image, "image"),
            (Self::Study, "study"),
            (Self::Patient, "patient"),
        ];
        choice(&names, text, "resampling unit", "image, study or patient")
    }
}

/// The resampling units of some rows, and the strata that they are drawn within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    of_rows: Vec<u32>,
    count: usize,
    /// The units of each stratum.
    strata: Vec<Vec<u32>>,
}

impl Units {
    /// Every row its own unit.
    pub fn of_rows(rows: usize) -> Self {
        Self::numbered((0..).take(rows).collect(), rows)
    }

    /// Rows of one name are one unit. Units are numbered by the order of their *names*: resampling must not depend on the
    /// order of the rows.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let mut numbers: BTreeMap<&str, u32> = names.iter().map(|&name| (name, 0)).collect();
        for (position, number) in (0..).zip(numbers.values_mut()) {
            *number = position;
        }
        let of_rows = names.iter().map(|name| numbers[name]).collect();
        Self::numbered(of_rows, numbers.len())
    }

    fn numbered(of_rows: Vec<u32>, count: usize) -> Self {
        Self {
            of_rows,
            count,
            strata: vec![(0..).take(count).collect()],
        }
    }

    /// Draws positive, negative and masked units apart from each other, so that every replicate has as many of each as the
    /// sample. `labels` `[rows]`; a unit is positive if one of its rows is, else negative if one is.
    ///
    /// # Errors
    ///
    /// If there is not one label a row.
    pub fn stratified(mut self, labels: &[Option<bool>]) -> Result<Self> {
        check_lengths(&self.of_rows, labels, "labels")?;
        let mut of_units = vec![None; self.count];
        for (&unit, &label) in self.of_rows.iter().zip(labels) {
            let of_unit: &mut Option<bool> = &mut of_units[unit as usize];
            *of_unit = (*of_unit).max(label);
        }
        let stratum = |label| {
            let units = (0..).zip(&of_units);
            units
                .filter(move |(_, of)| **of == label)
                .map(|(unit, _)| unit)
        };
        let strata = [Some(true), Some(false), None].map(|label| stratum(label).collect());
        self.strata = strata
            .into_iter()
            .filter(|units: &Vec<u32>| !units.is_empty())
            .collect();
        Ok(self)
    }

    /// How many units there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The unit of every row.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.of_rows
    }

    /// Unit of a row.
    pub(crate) fn of_row(&self, row: u32) -> u32 {
        self.of_rows[row as usize]
    }

    /// Draws with replacement, as many units as there are, into `counts` `[units]`: how often each is in the replicate.
    ///
    /// A pure function of the seed and the replicate's number.
    pub(crate) fn draw(&self, seed: u64, replicate: u64, counts: &mut [u32]) {
        let mut rng = stream(seed, replicate);
        counts.fill(0);
        for units in &self.strata {
            for _ in 0..units.len() {
                counts[units[rng.random_range(0..units.len())] as usize] += 1;
            }
        }
    }
}

/// One ChaCha key a seed, one stream a replicate: streams never overlap.
pub(crate) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

impl ScoredLabels {
    /// As [`new`](Self::new), the rows belonging to `units`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and if `units` are of another number of rows.
    pub fn of_units(scores: &[f64], labels: &[Option<bool>], units: &Units) -> Result<Self> {
        check_lengths(scores, labels, "labels")?;
        check_lengths(scores, &units.of_rows, "units")?;
        Self::build(scores, labels, None, |row| units.of_row(row))
    }
}

impl Predictions {
    /// The rows' resampling units of a kind, stratified by the labels of one observation where it is named.
    ///
    /// # Errors
    ///
    /// If a study's name has no `/` before which a patient could stand, or the observation is no column.
    pub fn units(&self, unit: Unit, stratify: Option<&str>) -> Result<Units> {
        let units = match unit {
            Unit::Image => Units::named(self.paths().iter().map(String::as_str)),
            Unit::Study => Units::named(self.studies().iter().map(String::as_str)),
            Unit::Patient => {
                let patients = self.studies().iter().map(|study| {
                    let (patient, _) = study.rsplit_once('/').ok_or_else(|| {
                        let problem =
                            format!("found study {study:?}, expected a patient and a study as in \"patient00001/study1\"");
                        Error::table(problem)
                    })?;
                    Ok(patient)
                });
                Units::named(patients.collect::<Result<Vec<_>>>()?)
            }
        };
        match stratify {
            None => Ok(units),
            Some(observation) => {
                let column = self.column_of(observation)?;
                units.stratified(&self.labels().column(column).to_vec())
            }
        }
    }

    /// The scores and labels of one observation, whose rows belong to `units`.
    ///
    /// # Errors
    ///
    /// If the observation is no column, or `units` are of another number of rows.
    pub fn scored(&self, observation: &str, units: &Units) -> Result<ScoredLabels> {
        let column = self.column_of(observation)?;
        let scores = self.probabilities().column(column).to_vec();
        let labels = self.labels().column(column).to_vec();
        ScoredLabels::of_units(&scores, &labels, units)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn drawn(seed: u64, replicate: u64, units: usize) -> Vec<u32> {
        let mut counts = vec![7; units];
        Units::of_rows(units).draw(seed, replicate, &mut counts);
        counts
    }

    #[test]
    fn a_replicate_depends_on_its_seed_and_number_alone() {
        assert_eq!(drawn(3, 5, 50), drawn(3, 5, 50));
        assert_ne!(drawn(3, 5, 50), drawn(3, 6, 50));
        assert_ne!(drawn(3, 5, 50), drawn(4, 5, 50));
    }

    #[test]
    fn a_replicate_is_as_large_as_the_sample() {
        for replicate in 0..20 {
            assert_eq!(drawn(0, replicate, 37).iter().sum::<u32>(), 37);
        }
        assert_eq!(drawn(0, 0, 1), [1]);
        assert!(drawn(0, 0, 0).is_empty());
    }

    #[test]
    fn every_unit_is_drawn_equally_often_in_the_long_run() {
        let (units, replicates) = (10, 4000);
        let mut total = vec![0_u32; units];
        for replicate in 0..replicates {
            for (total, count) in total.iter_mut().zip(drawn(1, replicate, units)) {
                *total += count;
            }
        }
        // Binomial(40,000, 1/10): standard deviation 60; five of them to either side.
        assert!(
            total.iter().all(|&n| (3700..=4300).contains(&n)),
            "{total:?}"
        );
        // A unit is absent from a replicate with probability (9/10)^10 = 0.349.
        let absent = (0..replicates)
            .filter(|&r| drawn(1, r, units)[0] == 0)
            .count();
        assert!((1246..=1546).contains(&absent), "{absent}");
    }

    #[test]
    fn strata_keep_their_sizes_and_a_unit_is_positive_if_a_row_is() {
        let units = Units::named(["a", "a", "b", "c", "d", "e", "f"]);
        let labels = [
            Some(false),
            Some(true),
            Some(true),
            Some(false),
            None,
            None,
            Some(false),
        ];
        let units = units.stratified(&labels).unwrap();
        assert_eq!(units.strata, [vec![0, 1], vec![2, 5], vec![3, 4]]);
        let mut counts = vec![0; 6];
        let mut seen = vec![0; 6];
        for replicate in 0..100 {
            units.draw(1, replicate, &mut counts);
            for stratum in &units.strata {
                let size: u32 = stratum.iter().map(|&unit| counts[unit as usize]).sum();
                assert_eq!(size, stratum.len() as u32);
            }
            for (seen, count) in seen.iter_mut().zip(&counts) {
                *seen += count;
            }
        }
        assert!(
            seen.iter().all(|&count| (60..140).contains(&count)),
            "{seen:?}"
        );
        assert!(Units::of_rows(2).stratified(&labels).is_err());
    }

    #[test]
    fn units_are_numbered_by_name() {
        assert_eq!(Units::named(["b", "a", "b", "b"]).of_rows, [1, 0, 1, 1]);
        assert_eq!(Units::named(["b", "a", "b", "b"]).count(), 2);
    }

    #[test]
    fn a_unit_is_read_by_its_name() {
        assert_eq!("patient".parse::<Unit>().unwrap(), Unit::Patient);
        let message = "view".parse::<Unit>().unwrap_err().to_string();
        assert_eq!(
            message,
            "resampling unit is view, expected image, study or patient"
        );
    }
}
