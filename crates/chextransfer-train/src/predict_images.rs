//! Probabilities of images that have no labels.

use std::fs;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_data::image::decode_grey;
use chextransfer_data::{Draw, ImageRecipe, Skipped};
use chextransfer_metrics::{Aggregation, Predictions, TemperatureScope};
use chextransfer_models::weights::sha256_hex;
use chextransfer_models::{DeviceChoice, Network};
use ndarray::{Array2, Axis};

use crate::digest_list::line;
use crate::ensemble::{Ensemble, Member};
use crate::evaluate::calibrated;
use crate::event::{Event, Observer};
use crate::files::{create_folder, write_whole};
use crate::images::{ImageFile, ImageFiles};
use crate::input::normalized;
use crate::outputs::probabilities;
use crate::results::json;
use crate::sidecar::{DataOrigin, Sidecar, UnreadableImage};
use crate::{Error, Result};

/// How images are predicted, and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictConfig {
    /// From the views of a study to the study.
    pub aggregation: Aggregation,
    /// Whether probabilities are calibrated, by temperatures fitted to the validation split of the run's own dataset.
    pub calibration: Option<TemperatureScope>,
    /// The table by image; ends in `.csv`. The one by study is `-by-study.csv`.
    pub out: PathBuf,
}

/// What an ensemble says of images.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImagePredictions {
    /// One row an image; every label is masked, and an image of no known study is its own.
    pub by_image: Predictions,
    /// One row a study, of those images whose study is known; `None` if none is.
    pub by_study: Option<Predictions>,
    /// Images that could not be read.
    pub unreadable: Vec<Skipped>,
    /// The tables that were written, each with a JSON file beside it.
    pub tables: Vec<PathBuf>,
}

impl Ensemble {
    /// Predicts images, prepared as the runs' own are in evaluation, and writes a table by image and, where studies are
    /// known, one by study, each with a JSON file that says of what; `None` when the observer asked to stop, with nothing
    /// written.
    ///
    /// # Errors
    /// [`Error::NothingReadable`] when no image could be read, [`Error::Setting`] for another file name than of a CSV, and
    /// those of files and of calibration.
    pub fn predict_images(
        &self,
        images: &ImageFiles,
        config: &PredictConfig,
        device: DeviceChoice,
        observer: &mut Observer,
    ) -> Result<Option<ImagePredictions>> {
        let out = &config.out;
        if out.extension().is_none_or(|ending| ending != "csv") {
            return Err(Error::Setting {
                setting: "out",
                found: out.display().to_string(),
                expected: "a file name that ends in .csv",
            });
        }
        let temperatures = match config.calibration {
            Some(scope) => match self.validation(device, observer)? {
                Some(validation) => Some(validation.temperatures(scope)?),
                None => return Ok(None),
            },
            None => None,
        };
        let (opened, mut unreadable) = (device.open()?, Vec::new());
        let predicted = self.mean(&opened, observer, |run, network, observer| {
            let files = &images.images;
            Ok(
                predict(run, network, files, &opened, observer)?.map(|(table, skipped)| {
                    unreadable = skipped;
                    table
                }),
            )
        })?;
        let Some(predicted) = predicted else {
            return Ok(None);
        };
        let by_image = calibrated(&predicted, temperatures.as_ref())?;
        let by_study = by_study(&by_image, images, config.aggregation)?;

        let origin = DataOrigin {
            paths: images.paths.clone(),
            split: None,
            sha256: digest(&images.images, by_image.paths())?,
        };
        let listed = unreadable.iter().map(UnreadableImage::from).collect();
        let mut sidecar = self.sidecar(device, origin, temperatures, listed);
        write_table(out, &by_image, &sidecar)?;
        let mut tables = vec![out.clone()];
        let study_path = study_path(out);
        match &by_study {
            Some(by_study) => {
                sidecar.aggregation = Some(config.aggregation);
                write_table(&study_path, by_study, &sidecar)?;
                tables.push(study_path);
            }
            // Those of an earlier call would be taken for this one's.
            None => {
                for stale in [study_path.with_extension("json"), study_path] {
                    if stale.exists() {
                        fs::remove_file(&stale).map_err(Error::io("remove", &stale))?;
                    }
                }
            }
        }
        Ok(Some(ImagePredictions {
            by_image,
            by_study,
            unreadable,
            tables,
        }))
    }
}

/// One network's table of the readable images, and the others; `None` when the observer asked to stop.
fn predict(
    run: &Member,
    network: &Network,
    images: &[ImageFile],
    device: &Device,
    observer: &mut Observer,
) -> Result<Option<(Predictions, Vec<Skipped>)>> {
    let (config, recipe) = (&run.config, run.config.recipe().centered());
    let side = recipe.crop as usize;
    let (mut names, mut studies) = (Vec::new(), Vec::new());
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    let mut done = 0;
    for batch in images.chunks(config.batch_size) {
        let mut pixels = Vec::with_capacity(batch.len() * side * side);
        let mut readable = 0;
        for (image, decoded) in batch
            .iter()
            .zip(decode(batch, recipe, config.loader_threads))
        {
            match decoded {
                Ok(grey) => {
                    readable += 1;
                    pixels.extend(grey);
                    names.push(image.name.clone());
                    studies.push(image.study.clone().unwrap_or_else(|| image.name.clone()));
                }
                Err(reason) => unreadable.push(Skipped {
                    path: image.name.clone(),
                    reason,
                }),
            }
        }
        if readable > 0 {
            let grey = TensorData::new(pixels, [readable, 1, side, side]);
            let input = normalized(
                Tensor::from_data(grey, device),
                &run.provenance.normalization,
            );
            rows.extend(probabilities(network.forward(input), &config.labels));
        }
        done += batch.len();
        let of = images.len();
        if let ControlFlow::Break(()) = observer(Event::Predicting { done, of }) {
            return Ok(None);
        }
    }
    if names.is_empty() {
        let first = unreadable.first().map_or("", |first| first.reason.as_str());
        return Err(Error::NothingReadable {
            split: format!("those named ({}, the first: {first})", unreadable.len()),
        });
    }
    let targets = run.targets();
    let shape = (names.len(), targets.len());
    let rows = Array2::from_shape_vec(shape, rows).map_err(Error::io(
        "arrange the predictions of",
        run.directory.root(),
    ))?;
    let labels = Array2::from_elem(shape, None);
    let table = Predictions::new(targets, names, studies, labels, rows)?;
    Ok(Some((table, unreadable)))
}

/// The squares `[crop, crop]` of images, or why there is none, from several threads.
fn decode(
    images: &[ImageFile],
    recipe: ImageRecipe,
    threads: usize,
) -> Vec<Result<Vec<f32>, String>> {
    let one = |image: &ImageFile| {
        // A decoder that panics on some file must not cost the other images.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            recipe.apply(&decode_grey(&image.file)?, Draw::default())
        }));
        match decoded {
            Ok(decoded) => decoded.map_err(|error| error.to_string()),
            Err(_) => Err(format!(
                "image {}: the decoder panicked",
                image.file.display()
            )),
        }
    };
    let share = images.len().div_ceil(threads.max(1));
    std::thread::scope(|scope| {
        let threads: Vec<_> = images
            .chunks(share.max(1))
            .map(|images| scope.spawn(move || images.iter().map(one).collect::<Vec<_>>()))
            .collect();
        let decoded = threads.into_iter().map(|thread| thread.join());
        decoded.flat_map(Result::unwrap_or_default).collect()
    })
}

/// The studies of those images whose study is known.
fn by_study(
    by_image: &Predictions,
    images: &ImageFiles,
    aggregation: Aggregation,
) -> Result<Option<Predictions>> {
    let known = images
        .images
        .iter()
        .filter_map(|image| image.study.as_ref());
    let known: std::collections::HashSet<_> = known.collect();
    let rows: Vec<usize> = (0..by_image.rows())
        .filter(|&row| known.contains(&by_image.studies()[row]))
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let of_rows = |names: &[String]| rows.iter().map(|&row| names[row].clone()).collect();
    let of_studies = Predictions::new(
        by_image.observations().to_vec(),
        of_rows(by_image.paths()),
        of_rows(by_image.studies()),
        by_image.labels().select(Axis(0), &rows),
        by_image.probabilities().select(Axis(0), &rows),
    )?;
    Ok(Some(of_studies.by_study_as(aggregation)?))
}

/// The digest of the list of images that were read, as `sha256sum` would write it.
fn digest(images: &[ImageFile], read: &[String]) -> Result<String> {
    let mut read = read.iter().peekable();
    let mut list = String::new();
    for image in images {
        if read.next_if(|name| **name == image.name).is_some() {
            let content = fs::read(&image.file).map_err(Error::io("read", &image.file))?;
            list += &(line(&image.name, &content) + "\n");
        }
    }
    Ok(sha256_hex(list.as_bytes()))
}

fn write_table(path: &Path, table: &Predictions, of: &Sidecar) -> Result<()> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let (bytes, sidecar) = (table.to_csv()?, path.with_extension("json"));
    write_whole(path, &bytes)?;
    write_whole(&sidecar, &json(&of.of_table(table, &bytes), &sidecar)?)
}

/// `predictions-by-study.csv` of `predictions.csv`.
fn study_path(out: &Path) -> PathBuf {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{stem}-by-study.csv"))
}
