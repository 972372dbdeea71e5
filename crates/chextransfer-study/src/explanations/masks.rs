//! The true places of findings, and how well a run's maps find them.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use chextransfer_data::phantom::mask_path;
use chextransfer_data::{Observation, Split};
use chextransfer_explain::{
    Localization, LocalizationTable, LocalizedFinding, Mask, MasksByImage, Scale,
};
use chextransfer_models::weights::write_whole;
use chextransfer_train::Observer;

use super::explainer::{RunExplainer, Unreadable};
use super::sheets::window;
use super::subject::{Subject, brightness};
use crate::{Error, Result};

/// Where masks come from.
#[derive(Debug, Clone)]
pub enum MaskSource {
    /// PNG files beside the images, as the phantom dataset has them: `view1_frontal.edema.mask.png`.
    Beside,
    /// CheXlocalize's file of run lengths, by `patient00001_study1_view1_frontal`.
    CheXlocalize(MasksByImage),
}

impl MaskSource {
    /// `beside`, or a file of CheXlocalize's.
    ///
    /// # Errors
    /// [`Error::Explain`] when the file cannot be read.
    pub fn open(name: &Path) -> Result<Self> {
        match name.to_str() {
            Some("beside") => Ok(Self::Beside),
            _ => Ok(Self::CheXlocalize(Mask::read_chexlocalize(name)?)),
        }
    }

    /// The masks of an image for these observations, each with its place among them.
    fn masks(&self, subject: &Subject, observations: &[Observation]) -> Result<Vec<(usize, Mask)>> {
        let mut masks = Vec::new();
        for (place, &observation) in observations.iter().enumerate() {
            let mask = match self {
                Self::Beside => {
                    let path = mask_path(&subject.image, observation);
                    if path.exists() {
                        Some(Mask::read_png(path)?)
                    } else {
                        None
                    }
                }
                Self::CheXlocalize(masks) => {
                    let of_image = masks.get(&chexlocalize_key(&subject.name));
                    of_image
                        .and_then(|masks| masks.get(chexlocalize_name(observation)))
                        .cloned()
                }
            };
            // CheXlocalize lists every observation, most of them with an empty mask: what is not there.
            if let Some(mask) = mask.filter(|mask| mask.area() > 0) {
                masks.push((place, mask));
            }
        }
        Ok(masks)
    }
}

/// `patient00001_study1_view1_frontal` of a path that ends in `patient00001/study1/view1_frontal.jpg`.
fn chexlocalize_key(path: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let parts: Vec<&str> = stem.split('/').collect();
    parts[parts.len().saturating_sub(3)..].join("_")
}

/// CheXlocalize says `Airspace Opacity` where CheXpert says `Lung Opacity`.
fn chexlocalize_name(observation: Observation) -> &'static str {
    match observation {
        Observation::LungOpacity => "Airspace Opacity",
        other => other.name(),
    }
}

impl RunExplainer {
    /// How well each column's maps find the findings that have a mask: one entry for each image and observation with one,
    /// one score for each of [`columns`](Self::columns). Maps are stretched to the part of the image that the network saw
    /// and are 0 around it, so what lies outside counts as not found. `None` when the observer asked to stop.
    ///
    /// # Errors
    /// [`Error::NoMasks`] when no image has one; [`Error::Explain`] for a mask of another size than its image; when an
    /// image, a mask or a checkpoint cannot be read.
    pub fn localize(
        &self,
        subjects: &[Subject],
        split: Split,
        observations: &[Observation],
        source: &MaskSource,
        device: &Device,
        observer: &mut Observer,
    ) -> Result<Option<Vec<LocalizedFinding>>> {
        let mut masked = Vec::new();
        for subject in subjects {
            let masks = source.masks(subject, observations)?;
            if !masks.is_empty() {
                masked.push((subject.clone(), masks));
            }
        }
        let (masked, masks): (Vec<Subject>, Vec<_>) = masked.into_iter().unzip();
        if masked.is_empty() {
            return Err(Error::NoMasks {
                split: split.name(),
                images: subjects.len(),
            });
        }
        let mut findings = Vec::new();
        let done = self.explain(
            &masked,
            observations,
            Unreadable::Refused,
            device,
            observer,
            &mut |index, explained| {
                let radiograph = brightness(&explained.image);
                let size = [radiograph.nrows(), radiograph.ncols()];
                for (place, mask) in &masks[index] {
                    let mut scores = Vec::with_capacity(explained.columns.len());
                    for column in &explained.columns {
                        let map = column[*place].scaled(Scale::MinMax);
                        let placed = window(&radiograph).place(map.view(), size)?;
                        scores.push(Localization::of(placed.view(), mask)?);
                    }
                    let subject = &masked[index];
                    findings.push(LocalizedFinding {
                        study: subject
                            .study
                            .clone()
                            .unwrap_or_else(|| subject.name.clone()),
                        observation: observations[*place].name().to_owned(),
                        scores,
                    });
                }
                Ok(())
            },
        )?;
        Ok(done.map(|()| findings))
    }

    /// Writes a table of these findings as `<out>/localization.csv`, and returns its path.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_localization(&self, table: &LocalizationTable, out: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(out).map_err(Error::io("create", out))?;
        let path = out.join("localization.csv");
        write_whole(&path, |file| file.write_all(table.to_csv().as_bytes()))
            .map_err(Error::io("write", &path))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chexlocalizes_names_are_found() {
        let path = "CheXpert-v1.0/test/patient64741/study1/view1_frontal.jpg";
        assert_eq!(chexlocalize_key(path), "patient64741_study1_view1_frontal");
        assert_eq!(
            chexlocalize_name(Observation::LungOpacity),
            "Airspace Opacity"
        );
        assert_eq!(chexlocalize_name(Observation::Edema), "Edema");
    }
}
