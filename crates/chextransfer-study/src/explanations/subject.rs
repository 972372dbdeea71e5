//! An image to explain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chextransfer_data::image::{GreyImage, Samples};
use chextransfer_data::{Label, Observation, Record, Records, Split};
use chextransfer_train::TrainConfig;
use ndarray::Array2;

use crate::{Error, Result};

/// An image to explain: its file, and what is known of it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The file.
    pub image: PathBuf,
    /// The name in captions: its path as the table or the user has it.
    pub name: String,
    /// The study, of an image from a table.
    pub study: Option<String>,
    /// The labels, of an image from a table.
    pub labels: Option<[Label; Observation::COUNT]>,
}

impl Subject {
    /// Images by file. Those that the split's table of the run's dataset names have its labels.
    ///
    /// # Errors
    /// When the table cannot be read; a dataset without that split, or one that is gone, only means that labels are unknown.
    pub fn of_files(images: &[PathBuf], run: &TrainConfig, split: Split) -> Result<Vec<Self>> {
        let records = match run.dataset() {
            Ok(dataset) if dataset.splits().contains(&split) => Some(dataset.split(split)?),
            _ => None,
        };
        // By the file itself, however its path was written.
        let identity = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let known: BTreeMap<PathBuf, &Record> = records
            .iter()
            .flat_map(|records| {
                records
                    .records()
                    .iter()
                    .map(|r| (identity(&records.image_path(r)), r))
            })
            .collect();
        let subjects = images.iter().map(|image| {
            let record = known.get(&identity(image));
            Self {
                image: image.clone(),
                name: image.display().to_string(),
                study: record.map(|record| record.study.clone()),
                labels: record.map(|record| record.labels),
            }
        });
        Ok(subjects.collect())
    }

    /// Every image of a table.
    pub fn of_records(records: &Records) -> Vec<Self> {
        let subject = |record: &Record| Self {
            image: records.image_path(record),
            name: record.path.clone(),
            study: Some(record.study.clone()),
            labels: Some(record.labels),
        };
        records.records().iter().map(subject).collect()
    }

    /// An observation's label in words.
    pub(crate) fn label(&self, observation: Observation) -> &'static str {
        match self.labels.map(|labels| labels[observation.index()]) {
            Some(Label::Positive) => "label: positive",
            Some(Label::Negative) => "label: negative",
            Some(Label::Uncertain) => "label: uncertain",
            Some(Label::Blank) => "label: not mentioned",
            None => "label unknown",
        }
    }

    /// The stem of the sheet's file: the last parts of the name, `patient00001-study1-view1_frontal`.
    fn stem(&self) -> String {
        const PARTS: usize = 3;
        let name = Path::new(&self.name).with_extension("");
        let parts = name.components().filter_map(|part| match part {
            std::path::Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        });
        let parts: Vec<String> = parts.collect();
        parts[parts.len().saturating_sub(PARTS)..].join("-")
    }
}

/// The stem of each subject's file, no two the same.
pub(crate) fn stems(subjects: &[Subject]) -> Result<Vec<String>> {
    let mut seen: BTreeMap<String, &Subject> = BTreeMap::new();
    let mut stems = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let stem = subject.stem();
        if let Some(other) = seen.insert(stem.clone(), subject) {
            return Err(Error::SameName {
                first: other.name.clone(),
                second: subject.name.clone(),
                file: stem,
            });
        }
        stems.push(stem);
    }
    Ok(stems)
}

/// A grey image as brightness in 0 to 1, `[height, width]`, in its own resolution.
pub(crate) fn brightness(image: &GreyImage) -> Array2<f32> {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let at = |(row, column): (usize, usize)| row * width + column;
    match image.samples() {
        Samples::Bits8(samples) => Array2::from_shape_fn((height, width), |place| {
            f32::from(samples[at(place)]) / 255.0
        }),
        Samples::Bits16(samples) => Array2::from_shape_fn((height, width), |place| {
            f32::from(samples[at(place)]) / 65_535.0
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject {
            image: name.into(),
            name: name.to_owned(),
            study: None,
            labels: None,
        }
    }

    #[test]
    fn a_file_is_named_after_patient_study_and_view() {
        let subjects = [
            "CheXpert-v1.0/test/patient1/study2/view1_frontal.jpg",
            "/tmp/a.dcm",
            "view.png",
        ]
        .map(subject);
        assert_eq!(
            stems(&subjects).unwrap(),
            ["patient1-study2-view1_frontal", "tmp-a", "view"]
        );
        let subjects = ["x/patient1/study1/view1.jpg", "y/patient1/study1/view1.jpg"].map(subject);
        let message = stems(&subjects).unwrap_err().to_string();
        assert!(
            message.contains("x/patient1") && message.contains("y/patient1"),
            "{message}"
        );
    }
}
