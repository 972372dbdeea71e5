//! The surest findings of a run and its worst mistakes, from its predictions.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use chextransfer_data::{Observation, Split};
use chextransfer_explain::Sheet;
use chextransfer_metrics::Predictions;
use chextransfer_models::weights::write_whole;
use chextransfer_train::{Event, Observer, RunDirectory};
use ndarray::Array2;

use super::explainer::{ExplainConfig, Explained, RunExplainer, Unreadable};
use super::sheets::original;
use super::subject::{Subject, brightness};
use crate::{Error, Result};

/// For each observation that a run is judged by, the image of the split that has it and that the run is surest of, beside its
/// Grad-CAM map, as `explanations/<observation>.png` in the run's folder: [`RunExplainer::surest`] with the defaults.
/// Returns the pictures' paths.
///
/// # Errors
/// As [`RunExplainer::surest`].
pub fn explain_run(
    directory: &RunDirectory,
    split: Split,
    device: &Device,
) -> Result<Vec<PathBuf>> {
    let explainer = RunExplainer::open(std::slice::from_ref(directory), ExplainConfig::default())?;
    let observations = directory.config()?.judged();
    let out = directory.root().join("explanations");
    let mut go_on = |_: Event| ControlFlow::Continue(());
    let pictures = explainer.surest(directory, split, &observations, &out, device, &mut go_on)?;
    let pictures = pictures.unwrap_or_default();
    directory.note_files(&pictures)?;
    Ok(pictures)
}

/// A prediction on the wrong side of one half.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// The observation.
    pub observation: Observation,
    /// 1 for the most confident mistake of the observation.
    pub rank: usize,
    /// The image's path as in the table.
    pub path: String,
    /// Its study.
    pub study: String,
    /// The label.
    pub label: bool,
    /// The probability that was predicted.
    pub probability: f64,
}

impl Mistake {
    /// How far the probability is from the label, above 0.5.
    pub fn error(&self) -> f64 {
        (self.probability - f64::from(u8::from(self.label))).abs()
    }
}

/// Radiographs with a map beside them in a row of a contact sheet.
const PAIRS: usize = 4;
/// The width of a contact sheet's panels in pixels.
const THUMBNAIL: u32 = 400;

impl RunExplainer {
    /// For each of these observations the image of the split that has it and that the first run is surest of, as
    /// `<out>/<observation>.png`. An observation without a positive in the split gets no sheet. Returns the sheets' paths;
    /// `None` when the observer asked to stop.
    ///
    /// # Errors
    /// [`Error::NotEvaluated`] unless the split was evaluated before; when an image, a checkpoint or a sheet cannot be
    /// read or written.
    pub fn surest(
        &self,
        directory: &RunDirectory,
        split: Split,
        observations: &[Observation],
        out: &Path,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Vec<PathBuf>>> {
        let (predictions, subjects) = self.predicted(directory, split)?;
        std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
        let mut paths = Vec::new();
        for &observation in observations {
            let Some((labels, probabilities)) = columns(&predictions, observation) else {
                continue;
            };
            let positives = (0..labels.len()).filter(|row| labels[*row] == Some(true));
            let Some(row) =
                positives.max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
            else {
                continue;
            };
            let subject = find(&subjects, &predictions.paths()[row], directory, split)?;
            let path = out
                .join(file_name(observation))
                .with_added_extension(self.config.format.extension());
            let done = self.explain(
                std::slice::from_ref(subject),
                &[observation],
                Unreadable::Refused,
                device,
                observer,
                &mut |_, explained| {
                    Ok(self
                        .image_sheet(subject, &[observation], &explained)?
                        .write(&path)?)
                },
            )?;
            if done.is_none() {
                return Ok(None);
            }
            paths.push(path);
        }
        Ok(Some(paths))
    }

    /// For each of these observations a contact sheet of the first run's most confident mistakes, at most `count`, as
    /// `<out>/worst_<observation>.png`, and all of them in `<out>/worst.csv`: study the rows, they tell wrong labels from
    /// wrong networks.
    ///
    /// A mistake is a probability above one half of what is labelled absent, or at most one half of what is labelled
    /// present; masked labels are none. Returns the mistakes and the paths written; `None` when the observer asked to stop.
    ///
    /// # Errors
    /// As [`surest`](Self::surest).
    #[allow(
        clippy::too_many_arguments,
        reason = "what, how many, where to and by what"
    )]
    pub fn worst(
        &self,
        directory: &RunDirectory,
        split: Split,
        count: usize,
        observations: &[Observation],
        out: &Path,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<(Vec<Mistake>, Vec<PathBuf>)>> {
        let (predictions, subjects) = self.predicted(directory, split)?;
        std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
        let (mut all, mut paths) = (Vec::new(), Vec::new());
        for &observation in observations {
            let mistakes = mistakes(&predictions, observation, count);
            if mistakes.is_empty() {
                continue;
            }
            let found = mistakes
                .iter()
                .map(|mistake| find(&subjects, &mistake.path, directory, split).cloned());
            let found: Vec<Subject> = found.collect::<Result<_>>()?;
            let mut panels = Vec::new();
            let done = self.explain(
                &found,
                &[observation],
                Unreadable::Refused,
                device,
                observer,
                &mut |index, explained| {
                    panels.push(self.mistake(&mistakes[index], &found[index], &explained)?);
                    Ok(())
                },
            )?;
            if done.is_none() {
                return Ok(None);
            }
            // Every column beside the radiograph: the more there are, the fewer mistakes stand in a row.
            let per_row = (2 * PAIRS / (1 + self.columns().len())).max(1);
            let sheet = Sheet {
                title: format!(
                    "{observation}: the {} most confident mistakes in {split} of {}",
                    found.len(),
                    directory.root().display()
                ),
                rows: panels.chunks(per_row).map(|row| row.concat()).collect(),
                widest_panel: Some(THUMBNAIL),
                ..self.legend()
            };
            let path = out.join(format!(
                "worst_{}.{}",
                file_name(observation),
                self.config.format.extension()
            ));
            sheet.write(&path)?;
            paths.push(path);
            all.extend(mistakes);
        }
        let path = out.join("worst.csv");
        write_csv(&all, &path)?;
        paths.push(path);
        Ok(Some((all, paths)))
    }

    /// The radiograph of a mistake and its maps.
    fn mistake(
        &self,
        mistake: &Mistake,
        subject: &Subject,
        explained: &Explained,
    ) -> Result<Vec<chextransfer_explain::Panel>> {
        let radiograph: Array2<f32> = brightness(&explained.image);
        let mut panels = vec![original(
            &radiograph,
            vec![format!("{}.", mistake.rank), subject.name.clone()],
        )?];
        for (heading, maps) in self.columns().iter().zip(&explained.columns) {
            for map in maps {
                let caption = vec![
                    format!("probability {:.3}", map.probability),
                    subject.label(mistake.observation).to_owned(),
                    heading.clone(),
                ];
                panels.push(self.panel(&radiograph, map, caption)?);
            }
        }
        Ok(panels)
    }

    /// A split's predictions by image, and its images.
    fn predicted(
        &self,
        directory: &RunDirectory,
        split: Split,
    ) -> Result<(Predictions, Vec<Subject>)> {
        let path = directory.predictions_path(split);
        if !path.exists() {
            return Err(Error::NotEvaluated {
                path,
                run: directory.root().to_owned(),
                split: split.name(),
            });
        }
        let predictions = Predictions::read_csv(path)?;
        let records = directory.config()?.dataset()?.split(split)?;
        Ok((predictions, Subject::of_records(&records)))
    }
}

/// The labels and probabilities of an observation, where the table has it.
fn columns(
    predictions: &Predictions,
    observation: Observation,
) -> Option<(Vec<Option<bool>>, Vec<f64>)> {
    let names = predictions.observations();
    let column = names.iter().position(|name| name == observation.name())?;
    Some((
        predictions.labels().column(column).to_vec(),
        predictions.probabilities().column(column).to_vec(),
    ))
}

/// The most confident mistakes of an observation; equal ones in the table's order.
fn mistakes(predictions: &Predictions, observation: Observation, count: usize) -> Vec<Mistake> {
    let Some((labels, probabilities)) = columns(predictions, observation) else {
        return Vec::new();
    };
    let rows =
        labels
            .iter()
            .zip(probabilities)
            .enumerate()
            .filter_map(|(row, (label, probability))| {
                let label = (*label)?;
                (label != (probability > 0.5)).then(|| Mistake {
                    observation,
                    rank: 0,
                    path: predictions.paths()[row].clone(),
                    study: predictions.studies()[row].clone(),
                    label,
                    probability,
                })
            });
    let mut mistakes: Vec<_> = rows.collect();
    mistakes.sort_by(|a, b| b.error().total_cmp(&a.error()));
    mistakes.truncate(count);
    for (rank, mistake) in (1..).zip(&mut mistakes) {
        mistake.rank = rank;
    }
    mistakes
}

/// The image of a prediction's row.
fn find<'a>(
    subjects: &'a [Subject],
    path: &str,
    directory: &RunDirectory,
    split: Split,
) -> Result<&'a Subject> {
    let found = subjects.iter().find(|subject| subject.name == path);
    found.ok_or_else(|| Error::NotInTable {
        path: path.to_owned(),
        predictions: directory.predictions_path(split),
    })
}

/// `pleural_effusion`.
fn file_name(observation: Observation) -> String {
    observation.name().to_lowercase().replace(' ', "_")
}

fn write_csv(mistakes: &[Mistake], path: &Path) -> Result<()> {
    let problem = |cause: csv::Error| Error::io("write", path)(std::io::Error::other(cause));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "Observation",
            "Rank",
            "Path",
            "Study",
            "Label",
            "Probability",
            "Error",
        ])
        .map_err(problem)?;
    for mistake in mistakes {
        writer
            .write_record([
                mistake.observation.name(),
                &mistake.rank.to_string(),
                &mistake.path,
                &mistake.study,
                if mistake.label { "1.0" } else { "0.0" },
                &mistake.probability.to_string(),
                &mistake.error().to_string(),
            ])
            .map_err(problem)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::io("write", path)(error.into_error()))?;
    write_whole(path, |file| file.write_all(&bytes)).map_err(Error::io("write", path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn mistakes_are_the_wrong_side_of_one_half_the_surest_first() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
        };
        let predictions = Predictions::new(
            names(&["Edema"]),
            names(&["a", "b", "c", "d", "e"]),
            names(&["s", "s", "t", "u", "v"]),
            array![
                [Some(true)],
                [Some(false)],
                [Some(false)],
                [None],
                [Some(true)]
            ],
            array![[0.3], [0.9], [0.4], [0.99], [0.5]],
        )
        .unwrap();
        let found = mistakes(&predictions, Observation::Edema, 9);
        let paths: Vec<_> = found
            .iter()
            .map(|m| (m.rank, m.path.as_str(), m.label))
            .collect();
        assert_eq!(paths, [(1, "b", false), (2, "a", true), (3, "e", true)]);
        assert_eq!(mistakes(&predictions, Observation::Edema, 1).len(), 1);
        assert_eq!(mistakes(&predictions, Observation::Fracture, 9), []);
    }
}
