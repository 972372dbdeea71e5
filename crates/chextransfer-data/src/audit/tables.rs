//! The checks that need no image.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::finding::{Finding, FindingKind, Row};
use crate::{CheXpert, Error, Label, LabelCounts, Observation, Record, Records, Sex, Split};

/// CheXpert gives every age above this as this.
const OLDEST: u16 = 90;

/// The tables of a dataset, as far as they can be read.
pub(super) struct Tables {
    pub(super) splits: Vec<(Split, Records)>,
}

/// An image file and the rows that list it.
pub(super) struct ListedImage<'a> {
    pub(super) file: PathBuf,
    /// In the order of splits and lines; never empty.
    pub(super) rows: Vec<(Split, &'a Record)>,
}

impl Tables {
    /// Reads every split; what cannot be read becomes a finding.
    pub(super) fn read(dataset: &CheXpert, findings: &mut Vec<Finding>) -> Self {
        let mut splits = Vec::new();
        for &split in dataset.splits() {
            match dataset.split_leniently(split) {
                Err(error) => findings.push(Finding::new(
                    FindingKind::UnreadableTable,
                    error.to_string(),
                    Vec::new(),
                )),
                Ok((records, errors)) => {
                    findings.extend(errors.iter().map(|error| unreadable_row(split, error)));
                    splits.push((split, records));
                }
            }
        }
        Self { splits }
    }

    /// All checks of rows and splits.
    pub(super) fn check(&self, images: &[ListedImage<'_>], findings: &mut Vec<Finding>) {
        self.patients(findings);
        findings.extend(images.iter().filter_map(duplicate_row));
        for (split, records) in &self.splits {
            for record in records.records() {
                contradiction(*split, record, findings);
                odd_values(*split, record, findings);
            }
            one_sided(*split, records.records(), findings);
        }
    }

    /// Every image file once, in the order in which the tables name them.
    pub(super) fn images(&self) -> Vec<ListedImage<'_>> {
        let mut place = HashMap::new();
        let mut images: Vec<ListedImage<'_>> = Vec::new();
        for (split, records) in &self.splits {
            for record in records.records() {
                let file = records.image_path(record);
                let next = images.len();
                let at = *place.entry(file.clone()).or_insert(next);
                match images.get_mut(at) {
                    Some(image) => image.rows.push((*split, record)),
                    None => images.push(ListedImage {
                        file,
                        rows: vec![(*split, record)],
                    }),
                }
            }
        }
        images
    }

    fn patients(&self, findings: &mut Vec<Finding>) {
        let mut patients: BTreeMap<&str, BTreeMap<Split, usize>> = BTreeMap::new();
        for (split, records) in &self.splits {
            for record in records.records() {
                let splits = patients.entry(&record.patient).or_default();
                *splits.entry(*split).or_default() += 1;
            }
        }
        patients.retain(|_, splits| splits.len() > 1);
        // A second pass, so that rows are kept for the few patients that need them.
        let mut rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
        for (split, records) in &self.splits {
            for record in records.records() {
                if patients.contains_key(record.patient.as_str()) {
                    let rows = rows.entry(&record.patient).or_default();
                    rows.push(row(*split, record));
                }
            }
        }
        for ((patient, splits), rows) in patients.into_iter().zip(rows.into_values()) {
            let counts: Vec<String> = splits
                .iter()
                .map(|(split, count)| format!("{split} ({count} rows)"))
                .collect();
            findings.push(Finding::new(
                FindingKind::PatientOverlap,
                format!("{patient} is in {}", counts.join(" and ")),
                rows,
            ));
        }
    }
}

/// A record's place.
pub(super) fn row(split: Split, record: &Record) -> Row {
    Row {
        split,
        line: record.line,
        path: Some(record.path.clone()),
    }
}

fn unreadable_row(split: Split, error: &Error) -> Finding {
    let (kind, line, path) = match error {
        Error::Cell {
            line,
            column,
            found,
            ..
        } if column == "Path" => {
            let kind = if leaves_the_folder(found) {
                FindingKind::PathOutside
            } else {
                FindingKind::BadRow
            };
            (kind, *line, Some(found.clone()))
        }
        Error::Cell { line, .. } => (FindingKind::BadRow, *line, None),
        Error::Table { line, .. } => (FindingKind::BadRow, line.unwrap_or_default(), None),
        _ => (FindingKind::BadRow, 0, None),
    };
    Finding::new(kind, error.to_string(), vec![Row { split, line, path }])
}

fn leaves_the_folder(path: &str) -> bool {
    let absolute = path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':');
    absolute || path.split(['/', '\\']).any(|part| part == "..")
}

fn duplicate_row(image: &ListedImage<'_>) -> Option<Finding> {
    let [(_, first), .., _] = image.rows.as_slice() else {
        return None;
    };
    let agree = image.rows.iter().all(|(_, r)| r.labels == first.labels);
    let labels = if agree {
        "the same labels"
    } else {
        "labels that differ"
    };
    let rows: Vec<Row> = image.rows.iter().map(|(s, r)| row(*s, r)).collect();
    Some(Finding::new(
        FindingKind::DuplicateRow,
        format!(
            "{} is listed {} times, with {labels}",
            first.path,
            rows.len()
        ),
        rows,
    ))
}

fn contradiction(split: Split, record: &Record, findings: &mut Vec<Finding>) {
    use Observation::{NoFinding, SupportDevices};
    if record.label(NoFinding) != Label::Positive {
        return;
    }
    let pathologies: Vec<&str> = Observation::ALL
        .into_iter()
        .filter(|o| !matches!(o, NoFinding | SupportDevices))
        .filter(|&o| record.label(o) == Label::Positive)
        .map(Observation::name)
        .collect();
    if !pathologies.is_empty() {
        findings.push(Finding::new(
            FindingKind::Contradiction,
            format!("No Finding and {} are positive", pathologies.join(", ")),
            vec![row(split, record)],
        ));
    }
}

fn odd_values(split: Split, record: &Record, findings: &mut Vec<Finding>) {
    let mut find = |kind, message: String| {
        findings.push(Finding::new(kind, message, vec![row(split, record)]));
    };
    match record.projection.as_deref() {
        None | Some("AP" | "PA") => {}
        Some(other) => find(FindingKind::OddProjection, format!("AP/PA is {other:?}")),
    }
    // A table without these columns leaves both unknown, which is not odd.
    if let Some(age) = record.age {
        if record.sex == Sex::Unknown {
            find(FindingKind::UnknownSex, "Sex is Unknown".to_owned());
        }
        if age == 0 || age > OLDEST {
            find(FindingKind::OddAge, format!("Age is {age}"));
        }
    }
    if record.labels.iter().all(|&label| label == Label::Blank) {
        find(FindingKind::AllBlank, "all 14 labels are blank".to_owned());
    }
}

/// Observations that a split cannot judge: an AUROC needs both classes.
fn one_sided(split: Split, records: &[Record], findings: &mut Vec<Finding>) {
    for (observation, counts) in Observation::ALL.into_iter().zip(LabelCounts::of(records)) {
        let LabelCounts {
            positive,
            negative,
            uncertain,
            blank,
        } = counts;
        let counts = format!(
            "{observation} in {split}: {positive} positive, {negative} negative, {uncertain} uncertain, {blank} blank"
        );
        if positive == 0 {
            let kind = FindingKind::NoPositives;
            findings.push(Finding::new(kind, counts.clone(), Vec::new()));
        }
        if negative + blank == 0 {
            findings.push(Finding::new(FindingKind::NoNegatives, counts, Vec::new()));
        }
    }
}
