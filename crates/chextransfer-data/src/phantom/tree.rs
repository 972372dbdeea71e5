//! The tree of files: rendered by patient on all threads, put in place whole or not at all.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder};
use rayon::prelude::*;

use super::draws::{Key, Purpose};
use super::person::Person;
use super::study::{self, Study};
use super::{PhantomConfig, Summary, mask_path, report};
use crate::{COLUMNS, Error, Label, Observation, Result, Split, View};

/// First component of the `Path` cells, in CheXpert's manner.
const PREFIX: &str = "CheXpert-v1.0-phantom";
const JPEG_QUALITY: u8 = 90;

/// One row of a table.
struct Row {
    path: String,
    sex: &'static str,
    age: u16,
    view: View,
    projection: &'static str,
    labels: [Label; Observation::COUNT],
}

/// What one patient adds to the tree.
struct Patient {
    rows: Vec<Row>,
    studies: usize,
    masks: usize,
}

/// Writes the tree; see [`super::generate`].
pub(super) fn write(
    config: &PhantomConfig,
    out: &Path,
    progress: &(impl Fn(usize, usize) + Sync),
) -> Result<Summary> {
    let counts = config.check()?;
    refuse_occupied(out)?;
    let parent = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    // Dropped on any error, and then it removes itself with all that it holds.
    let unfinished = tempfile::Builder::new()
        .prefix(".phantom-")
        .tempdir_in(parent)
        .map_err(Error::io("create a folder in", parent))?;
    let root = unfinished.path().join("tree");
    let done = AtomicUsize::new(0);
    progress(0, config.patients);
    let mut summary = Summary::default();
    let mut first = 0;
    for (split, count) in Split::ALL.into_iter().zip(counts) {
        if count == 0 {
            continue;
        }
        let folder = root.join(split.name());
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let patients = (first..first + count)
            .into_par_iter()
            .map(|number| {
                let patient = patient(config, &root, split, number)?;
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, config.patients);
                Ok(patient)
            })
            .collect::<Result<Vec<Patient>>>()?;
        first += count;
        table(&root.join(format!("{split}.csv")), &patients)?;
        summary.count(&patients);
    }
    // An empty folder may stand where the tree goes; a rename does not replace it everywhere.
    if out.is_dir() {
        fs::remove_dir(out).map_err(Error::io("replace", out))?;
    }
    fs::rename(&root, out).map_err(Error::io("write", out))?;
    Ok(summary)
}

impl Summary {
    fn count(&mut self, patients: &[Patient]) {
        self.patients += patients.len();
        for patient in patients {
            self.studies += patient.studies;
            self.images += patient.rows.len();
            self.masks += patient.masks;
        }
    }
}

fn refuse_occupied(out: &Path) -> Result<()> {
    let entries = match fs::read_dir(out) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::io("write a phantom tree to", out))?,
    };
    match entries.count() {
        0 => Ok(()),
        count => Err(Error::Setting {
            setting: "the output folder",
            found: format!("{} with {count} entries", out.display()),
            expected: "a folder that is empty or does not exist yet".to_owned(),
        }),
    }
}

fn patient(config: &PhantomConfig, root: &Path, split: Split, number: usize) -> Result<Patient> {
    // Patients count from 1, as in CheXpert.
    let number = number + 1;
    let key = Key {
        seed: config.seed,
        patient: number as u64,
        study: 0,
        view: 0,
    };
    let person = Person::draw(key);
    let studies = study::count(key);
    let mut patient = Patient {
        rows: Vec::new(),
        studies: studies as usize,
        masks: 0,
    };
    for index in 1..=studies {
        let key = Key {
            study: index,
            ..key
        };
        let study = Study::draw(key);
        let labels = match split {
            Split::Train => report::mined(&study.truth, &mut key.draws(Purpose::Report)),
            Split::Valid | Split::Test => report::complete(&study.truth),
        };
        let folder = format!("{split}/patient{number:05}/study{index}");
        let here = root.join(&folder);
        fs::create_dir_all(&here).map_err(Error::io("create", &here))?;
        for (view_index, &view) in study.views.iter().enumerate() {
            let radiograph = study.render(&person, view_index, config.side, config.difficulty);
            let kind = view.name().to_lowercase();
            let name = format!("view{}_{kind}.jpg", view_index + 1);
            let file = here.join(&name);
            jpeg(&file, &radiograph.image)?;
            for (observation, mask) in &radiograph.masks {
                png(&mask_path(&file, *observation), mask)?;
            }
            patient.masks += radiograph.masks.len();
            patient.rows.push(Row {
                path: format!("{PREFIX}/{folder}/{name}"),
                sex: person.sex.name(),
                age: person.age,
                view,
                projection: match view {
                    View::Frontal => study.projection.name(),
                    View::Lateral => "",
                },
                labels,
            });
        }
    }
    Ok(patient)
}

fn table(file: &Path, patients: &[Patient]) -> Result<()> {
    let problem = |cause: csv::Error| Error::Table {
        file: file.to_path_buf(),
        line: None,
        problem: cause.to_string(),
    };
    let mut writer = csv::Writer::from_path(file).map_err(problem)?;
    writer.write_record(COLUMNS).map_err(problem)?;
    for row in patients.iter().flat_map(|patient| &patient.rows) {
        let age = row.age.to_string();
        let cells = [&row.path, row.sex, &age, row.view.name(), row.projection];
        let labels = row.labels.map(Label::as_csv);
        writer
            .write_record(cells.iter().chain(&labels))
            .map_err(problem)?;
    }
    let file_of = writer
        .into_inner()
        .map_err(|cause| Error::io("write", file)(cause.into_error()))?;
    file_of.sync_all().map_err(Error::io("write", file))
}

fn jpeg(file: &Path, image: &GrayImage) -> Result<()> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    let (width, height) = image.dimensions();
    encoder
        .write_image(image.as_raw(), width, height, ExtendedColorType::L8)
        .map_err(|cause| unwritable(file, &cause))?;
    fs::write(file, bytes).map_err(Error::io("write", file))
}

fn png(file: &Path, image: &GrayImage) -> Result<()> {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    PngEncoder::new(&mut bytes)
        .write_image(image.as_raw(), width, height, ExtendedColorType::L8)
        .map_err(|cause| unwritable(file, &cause))?;
    fs::write(file, bytes).map_err(Error::io("write", file))
}

fn unwritable(file: &Path, cause: &image::ImageError) -> Error {
    Error::Image {
        path: file.to_path_buf(),
        problem: format!("cannot be encoded: {cause}"),
    }
}
