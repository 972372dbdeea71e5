//! Splits by patient: train, valid and test, folds, and nested fractions.

use std::collections::HashMap;
use std::path::Path;

use crate::draw::named_generator;
use crate::stratify::{distribute, prefix_order};
use crate::{Error, Label, Records, Result, Split};

/// Divides records into splits, each with its share of the patients and about its share of the patients with every
/// observation (iterative stratification, Sechidis et al., ECML PKDD 2011).
///
/// A pure function of the rows, the shares and the seed; the order of the rows is no matter. Shares add up to 1.
///
/// # Errors
///
/// [`Error::Setting`] for shares that are not above 0, do not add up to 1 or name a split twice, and for fewer patients
/// than would leave every split one.
pub fn by_patient(
    records: &Records,
    shares: &[(Split, f64)],
    seed: u64,
) -> Result<Vec<(Split, Records)>> {
    let wrong = |found: String| Error::Setting {
        setting: "shares of the splits",
        found,
        expected: "numbers above 0 that add up to 1, each split once".to_owned(),
    };
    let numbers: Vec<f64> = shares.iter().map(|(_, share)| *share).collect();
    let listed = || {
        let listed: Vec<String> = shares
            .iter()
            .map(|(split, share)| format!("{split} {share}"))
            .collect();
        listed.join(", ")
    };
    let twice =
        (1..shares.len()).any(|place| shares[..place].iter().any(|s| s.0 == shares[place].0));
    let total: f64 = numbers.iter().sum();
    // Every number above 0 first: of NaN nothing is true.
    let adds_up = numbers.iter().all(|&share| share > 0.0) && (total - 1.0).abs() < 1e-9;
    if twice || !adds_up {
        return Err(wrong(listed()));
    }
    let patients = Patients::of(records);
    let parts = patients.distribute(&numbers, seed)?;
    shares
        .iter()
        .zip(parts)
        .map(|(&(split, _), rows)| Ok((split, records.select(&rows)?)))
        .collect()
}

/// A division into equal parts, each of which is validated on once.
#[derive(Clone, Debug)]
pub struct Folds<'a> {
    records: &'a Records,
    /// The rows of each fold, rising.
    rows: Vec<Vec<usize>>,
}

/// Divides records into `folds` parts of about equal numbers of patients, stratified as in [`by_patient`].
///
/// # Errors
///
/// [`Error::Setting`] for fewer than 2 folds or more folds than patients.
pub fn k_fold(records: &Records, folds: usize, seed: u64) -> Result<Folds<'_>> {
    let patients = Patients::of(records);
    if folds < 2 {
        return Err(Error::Setting {
            setting: "folds",
            found: folds.to_string(),
            expected: "at least 2".to_owned(),
        });
    }
    // Before the shares are made, so that an absurd number costs no memory.
    patients.check_parts(folds)?;
    let shares = vec![1.0 / folds as f64; folds];
    Ok(Folds {
        records,
        rows: patients.distribute(&shares, seed)?,
    })
}

impl Folds<'_> {
    /// How many folds there are.
    #[allow(clippy::len_without_is_empty)] // at least 2
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The training and the validation records of a fold, counted from 0: the fold itself is validated on.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if there is no such fold.
    pub fn fold(&self, fold: usize) -> Result<(Records, Records)> {
        let Some(valid) = self.rows.get(fold) else {
            return Err(Error::Setting {
                setting: "fold",
                found: fold.to_string(),
                expected: format!("0 to {}", self.len() - 1),
            });
        };
        let mut is_valid = vec![false; self.records.len()];
        for &row in valid {
            is_valid[row] = true;
        }
        let train: Vec<usize> = (0..self.records.len())
            .filter(|&row| !is_valid[row])
            .collect();
        Ok((self.records.select(&train)?, self.records.select(valid)?))
    }
}

/// The rows of a share of the patients, for learning curves: of one seed, every smaller fraction lies within every greater
/// one, and each is stratified by observation.
///
/// # Errors
///
/// [`Error::Setting`] for a fraction that is not above 0 and at most 1.
pub fn fraction(records: &Records, fraction: f64, seed: u64) -> Result<Records> {
    if !(fraction > 0.0 && fraction <= 1.0) {
        return Err(Error::Setting {
            setting: "fraction",
            found: fraction.to_string(),
            expected: "above 0 and at most 1".to_owned(),
        });
    }
    let patients = Patients::of(records);
    let order = prefix_order(&patients.labels, &mut named_generator("fraction", seed, ""));
    let count = (fraction * order.len() as f64).round().max(1.0) as usize;
    let mut rows: Vec<usize> = order
        .iter()
        .take(count)
        .flat_map(|&patient| patients.rows[patient].iter().copied())
        .collect();
    rows.sort_unstable();
    records.select(&rows)
}

/// Refuses a patient in two of the splits.
///
/// # Errors
///
/// [`Error::Leak`] with the first such patient and the lines of its rows.
pub fn check_disjoint(splits: &[(Split, &Records)]) -> Result<()> {
    let mut owner: HashMap<&str, usize> = HashMap::new();
    for (place, (_, records)) in splits.iter().enumerate() {
        for record in records.records() {
            let first = *owner.entry(&record.patient).or_insert(place);
            if first != place {
                let lines = |place: usize| {
                    let (_, records) = &splits[place];
                    let rows = records.records().iter();
                    let of_patient = rows.filter(|row| row.patient == record.patient);
                    of_patient.map(|row| row.line).collect()
                };
                return Err(Error::Leak {
                    patient: record.patient.clone(),
                    splits: (splits[first].0, splits[place].0),
                    lines: (lines(first), lines(place)),
                });
            }
        }
    }
    Ok(())
}

/// Writes each split's table as `train.csv`, `valid.csv` and `test.csv` into a folder that exists, for
/// [`crate::CheXpert::open_with_images`]; each file whole or not at all.
///
/// # Errors
///
/// [`Error::Leak`] for a patient in two splits, [`Error::Io`].
pub fn write_tables(splits: &[(Split, Records)], folder: &Path) -> Result<()> {
    let borrowed: Vec<(Split, &Records)> =
        splits.iter().map(|(s, records)| (*s, records)).collect();
    check_disjoint(&borrowed)?;
    for (split, records) in splits {
        records.write_csv(&folder.join(format!("{split}.csv")))?;
    }
    Ok(())
}

/// The patients by name, which makes every draw independent of the order of the rows.
struct Patients {
    /// Each patient's rows.
    rows: Vec<Vec<usize>>,
    /// Bit i is set if observation i is positive in any of the patient's rows.
    labels: Vec<u16>,
}

impl Patients {
    fn of(records: &Records) -> Self {
        let mut groups = records.patients();
        groups.sort_unstable_by_key(|group| group.name);
        let positives = |rows: &Vec<usize>| {
            let labels = rows
                .iter()
                .flat_map(|&row| records.records()[row].labels.iter().enumerate());
            labels
                .filter(|(_, label)| **label == Label::Positive)
                .fold(0_u16, |bits, (place, _)| bits | 1 << place)
        };
        let rows: Vec<Vec<usize>> = groups.into_iter().map(|group| group.rows).collect();
        Self {
            labels: rows.iter().map(positives).collect(),
            rows,
        }
    }

    /// The rows of each part, rising.
    fn distribute(&self, shares: &[f64], seed: u64) -> Result<Vec<Vec<usize>>> {
        self.check_parts(shares.len())?;
        let part_of = distribute(
            &self.labels,
            shares,
            &mut named_generator("split", seed, ""),
        );
        let mut parts = vec![Vec::new(); shares.len()];
        for (rows, part) in self.rows.iter().zip(part_of) {
            parts[part].extend_from_slice(rows);
        }
        if let Some(empty) = parts.iter().position(Vec::is_empty) {
            return Err(Error::Setting {
                setting: "shares of the splits",
                found: format!("{} for {} patients", shares[empty], self.rows.len()),
                expected: "shares that leave no split without a patient".to_owned(),
            });
        }
        for rows in &mut parts {
            rows.sort_unstable();
        }
        Ok(parts)
    }

    fn check_parts(&self, parts: usize) -> Result<()> {
        if parts > self.rows.len() {
            return Err(Error::Setting {
                setting: "number of parts",
                found: parts.to_string(),
                expected: format!("at most one for each of the {} patients", self.rows.len()),
            });
        }
        Ok(())
    }
}
