//! What other datasets' labels are called here.

use std::collections::BTreeMap;

use super::Note;
use crate::table::{LABEL_CELLS, Row, Rows};
use crate::{Error, Label, Observation, Result};

/// Names of labels and the observations that they stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    rows: BTreeMap<String, Option<Observation>>,
}

/// NIH ChestX-ray14's labels (Wang et al., CVPR 2017, and the 14 of the release). Mass and nodule are what CheXpert's labeller
/// mentions as lung lesion; the other labels without an observation have no counterpart of the same meaning.
#[rustfmt::skip]
const NIH: [(&str, Option<Observation>); 15] = [
    ("No Finding",         Some(Observation::NoFinding)),
    ("Atelectasis",        Some(Observation::Atelectasis)),
    ("Cardiomegaly",       Some(Observation::Cardiomegaly)),
    ("Consolidation",      Some(Observation::Consolidation)),
    ("Edema",              Some(Observation::Edema)),
    ("Effusion",           Some(Observation::PleuralEffusion)),
    ("Emphysema",          None),
    ("Fibrosis",           None),
    ("Hernia",             None),
    ("Infiltration",       None),
    ("Mass",               Some(Observation::LungLesion)),
    ("Nodule",             Some(Observation::LungLesion)),
    ("Pleural_Thickening", None),
    ("Pneumonia",          Some(Observation::Pneumonia)),
    ("Pneumothorax",       Some(Observation::Pneumothorax)),
];

impl LabelMap {
    /// CheXpert's own 14 names, and `Airspace Opacity` for Lung Opacity. MIMIC-CXR-JPG uses them too.
    pub fn chexpert() -> Self {
        let airspace = (
            "Airspace Opacity".to_owned(),
            Some(Observation::LungOpacity),
        );
        let own = Observation::ALL.map(|o| (o.name().to_owned(), Some(o)));
        Self {
            rows: own.into_iter().chain([airspace]).collect(),
        }
    }

    /// The labels of NIH ChestX-ray14.
    pub fn nih() -> Self {
        Self {
            rows: NIH
                .map(|(name, observation)| (name.to_owned(), observation))
                .into(),
        }
    }

    /// With one more name, or another meaning of a name; `None` for a label that no observation stands for.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, observation: Option<Observation>) -> Self {
        self.rows.insert(name.into(), observation);
        self
    }

    /// What a name stands for; `None` if the map does not have it, `Some(None)` if no observation is meant.
    pub fn get(&self, name: &str) -> Option<Option<Observation>> {
        self.rows.get(name).copied()
    }

    /// The names in alphabetical order and what they stand for.
    pub fn rows(&self) -> impl Iterator<Item = (&str, Option<Observation>)> {
        self.rows
            .iter()
            .map(|(name, &observation)| (name.as_str(), observation))
    }

    /// The columns of a table that are labels, `others` being those that are not; the second list has the names that no
    /// observation stands for. A name that the map lacks is an error that lists those it has.
    pub(super) fn columns(&self, rows: &Rows<'_>, others: &[usize]) -> Result<LabelColumns> {
        let (mut mapped, mut unmapped) = (Vec::<(usize, String, Observation)>::new(), Vec::new());
        for (place, name) in rows.header().iter().enumerate() {
            if others.contains(&place) || name.is_empty() {
                continue;
            }
            match self.get(name) {
                None => {
                    let valid = self.rows.keys().map(String::as_str);
                    return Err(rows.wrong(
                        Some(1),
                        Error::unknown_name("label column", name, valid).to_string(),
                    ));
                }
                Some(None) => unmapped.push((place, name.to_owned())),
                Some(Some(observation)) => {
                    if let Some((_, first, _)) = mapped.iter().find(|(_, _, o)| *o == observation) {
                        let problem =
                            format!("columns {first:?} and {name:?} both stand for {observation}");
                        return Err(rows.wrong(Some(1), problem));
                    }
                    mapped.push((place, name.to_owned(), observation));
                }
            }
        }
        if mapped.is_empty() {
            let names: Vec<&str> = self.rows.keys().map(String::as_str).collect();
            let problem = format!("it has no label column; valid names: {}", names.join(", "));
            return Err(rows.wrong(Some(1), problem));
        }
        Ok(LabelColumns { mapped, unmapped })
    }
}

/// The label columns of a table.
pub(super) struct LabelColumns {
    mapped: Vec<(usize, String, Observation)>,
    unmapped: Vec<(usize, String)>,
}

impl LabelColumns {
    /// A row's labels; adds to `unmapped`, as long as the columns without an observation, those that are not empty.
    pub(super) fn labels(
        &self,
        row: Row<'_>,
        unmapped: &mut Vec<usize>,
    ) -> Result<[Label; Observation::COUNT]> {
        let mut labels = [Label::Blank; Observation::COUNT];
        for (column, name, observation) in &self.mapped {
            let cell = row.cell(*column);
            labels[observation.index()] =
                Label::from_csv(cell).ok_or_else(|| row.wrong(name, cell, LABEL_CELLS))?;
        }
        unmapped.resize(self.unmapped.len(), 0);
        for ((column, _), count) in self.unmapped.iter().zip(unmapped) {
            *count += usize::from(!row.cell(*column).is_empty());
        }
        Ok(labels)
    }

    /// What the columns leave out.
    pub(super) fn notes(&self, unmapped: &[usize]) -> Vec<Note> {
        let unmapped = self
            .unmapped
            .iter()
            .zip(unmapped)
            .map(|((_, label), &rows)| Note::Unmapped {
                label: label.clone(),
                rows,
            });
        let mapped = |observation| self.mapped.iter().any(|(_, _, o)| *o == observation);
        unmapped.chain(unlabelled(mapped)).collect()
    }
}

/// A note for each observation without labels.
pub(super) fn unlabelled(labelled: impl Fn(Observation) -> bool) -> impl Iterator<Item = Note> {
    let silent = Observation::ALL
        .into_iter()
        .filter(move |&observation| !labelled(observation));
    silent.map(|observation| Note::Unlabelled { observation })
}
