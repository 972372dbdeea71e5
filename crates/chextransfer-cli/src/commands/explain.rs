//! `explain`: where runs look.

use std::path::PathBuf;

use anyhow::{Result, bail};
use chextransfer_data::{Observation, Split};
use chextransfer_explain::{IouThresholds, LocalizationTable, Method, Scale};
use chextransfer_metrics::Bootstrap;
use chextransfer_models::DeviceChoice;
use chextransfer_study::{ExplainConfig, MaskSource, PictureFormat, Place, RunExplainer, Subject};
use chextransfer_train::{Event, ProgressBar, RunDirectory};

use super::result_line;
use crate::run::interrupted;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run's folder
    run: PathBuf,
    /// Radiographs: JPEG, PNG or DICOM files, a sheet each [default: for each observation the positive of the split that
    /// the run is surest of]
    images: Vec<PathBuf>,
    /// Another run whose maps stand beside the first one's; may be repeated
    #[arg(long)]
    beside: Vec<PathBuf>,
    /// train, valid or test: where images, labels and predictions come from
    #[arg(long, default_value = "test")]
    split: Split,
    /// A sheet for every image of the split
    #[arg(long, conflicts_with_all = ["images", "worst", "masks"])]
    all: bool,
    /// A contact sheet and a table of this many of the most confident mistakes of each observation
    #[arg(long, conflicts_with_all = ["images", "masks"])]
    worst: Option<usize>,
    /// How well maps find what these masks show: `beside` for the PNG files of a phantom dataset, or CheXlocalize's JSON
    #[arg(long, conflicts_with = "images")]
    masks: Option<PathBuf>,
    /// Observations, by CheXpert's names; may be repeated [default: those of the CheXpert AUC]
    #[arg(long)]
    observation: Vec<Observation>,
    /// grad-cam, grad-cam++, hires-cam, layer-cam, eigen-cam or cam
    #[arg(long, default_value = "grad-cam")]
    method: Method,
    /// At the block of this name, such as denseblock3; may be repeated [default: the last one]
    #[arg(long)]
    block: Vec<String>,
    /// At the block that ends the architecture without its last K blocks, in the run's own weights; may be repeated
    #[arg(long, value_name = "K")]
    minus: Vec<usize>,
    /// How many of the kept checkpoints a map is the mean of, best first [default: all]
    #[arg(long)]
    members: Option<usize>,
    /// What colours are relative to: min-max (the map's own range), or probability (that, times the probability)
    #[arg(long, default_value = "min-max")]
    scale: Scale,
    /// Share of a map's range at which a line is drawn around it
    #[arg(long, default_value_t = 0.5)]
    contour: f32,
    /// png or svg
    #[arg(long, default_value = "png")]
    format: PictureFormat,
    /// Folder for what is written [default: explanations in the run's folder]
    #[arg(long)]
    out: Option<PathBuf>,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let directory = RunDirectory::open(&arguments.run)?;
    let settings = directory.config()?;
    let observations = &match &arguments.observation[..] {
        [] => settings.judged(),
        chosen => chosen.to_vec(),
    }[..];
    let mut runs = vec![directory.clone()];
    for run in &arguments.beside {
        runs.push(RunDirectory::open(run)?);
    }
    let blocks = arguments.block.iter().cloned().map(Place::Block);
    let mut places: Vec<_> = blocks
        .chain(arguments.minus.iter().copied().map(Place::Cut))
        .collect();
    if places.is_empty() {
        places.push(Place::Last);
    }
    let config = ExplainConfig {
        method: arguments.method,
        places,
        members: arguments.members.unwrap_or(usize::MAX),
        scale: arguments.scale,
        contour: arguments.contour,
        format: arguments.format,
    };
    let explainer = RunExplainer::open(&runs, config)?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| directory.root().join("explanations"));
    let split = arguments.split;
    let subjects = || -> Result<_> { Ok(Subject::of_records(&settings.dataset()?.split(split)?)) };
    let device = arguments.device.open()?;
    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);

    if let Some(masks) = &arguments.masks {
        let source = MaskSource::open(masks)?;
        let findings = explainer.localize(
            &subjects()?,
            split,
            observations,
            &source,
            &device,
            &mut observer,
        )?;
        progress.finish();
        let Some(findings) = findings else {
            bail!(stopped())
        };
        let networks = explainer.columns().to_vec();
        let table = LocalizationTable::new(
            networks,
            &findings,
            &IouThresholds::default(),
            &Bootstrap::default(),
        )?;
        let path = explainer.write_localization(&table, &out)?;
        if out.starts_with(directory.root()) {
            directory.note_files(&[&path])?;
        }
        result_line!("{table}\n{}", path.display());
        return Ok(());
    }
    let written = if let Some(count) = arguments.worst {
        let worst = explainer.worst(
            &directory,
            split,
            count,
            observations,
            &out,
            &device,
            &mut observer,
        )?;
        worst.map(|(_, paths)| paths)
    } else if arguments.all {
        explainer.split(&subjects()?, observations, &out, &device, &mut observer)?
    } else if arguments.images.is_empty() {
        explainer.surest(
            &directory,
            split,
            observations,
            &out,
            &device,
            &mut observer,
        )?
    } else {
        let subjects = Subject::of_files(&arguments.images, &settings, split)?;
        explainer.images(&subjects, observations, &out, &device, &mut observer)?
    };
    progress.finish();
    let Some(written) = written else {
        bail!(stopped())
    };
    if out.starts_with(directory.root()) {
        directory.note_files(&written)?;
    }
    for path in written {
        result_line!("{}", path.display());
    }
    Ok(())
}

fn stopped() -> anyhow::Error {
    interrupted("what was written is whole; the same command begins anew")
}
