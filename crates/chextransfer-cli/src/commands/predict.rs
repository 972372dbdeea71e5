//! `predict`: probabilities of images without labels.

use std::path::PathBuf;

use anyhow::{Result, bail};
use chextransfer_metrics::{Aggregation, TemperatureScope};
use chextransfer_models::DeviceChoice;
use chextransfer_train::{Event, PredictConfig, ProgressBar, RunDirectory, find_images};
use serde_json::json;

use super::result_line;
use crate::run::{ensemble, interrupted};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One or more run folders, then images: files, folders, or CSVs with a column `Path`
    #[arg(required = true, num_args = 2.., value_names = ["RUN", "PATH"])]
    runs_and_images: Vec<PathBuf>,
    /// The table to write; where paths name studies, another by study is written beside it
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
    /// No more than this many of each run's best checkpoints [default: all that it kept]
    #[arg(long, value_name = "N")]
    checkpoints: Option<usize>,
    /// From the views of a study to the study: max or mean
    #[arg(long, default_value = "max")]
    aggregation: Aggregation,
    /// Calibrate by temperature scaling, fitted on the validation split of the run's own dataset [all, observation]
    #[arg(long, value_name = "SCOPE")]
    calibrate: Option<TemperatureScope>,
    /// Succeed although images could not be read; they are listed all the same
    #[arg(long)]
    skip_unreadable: bool,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let given = &arguments.runs_and_images;
    let is_run = |path: &&PathBuf| RunDirectory::is_begun(path);
    let (runs, paths) = given.split_at(given.iter().take_while(is_run).count());
    if runs.is_empty() {
        bail!(
            "{} holds no run; name the run first, then the images",
            given[0].display()
        );
    }
    if paths.is_empty() {
        bail!("no images were named; all of the paths hold runs");
    }
    let ensemble = ensemble(runs, arguments.checkpoints)?;
    let images = find_images(paths)?;
    if let Some(first) = images.left_alone.first() {
        let (count, first) = (images.left_alone.len(), first.display());
        eprintln!("left alone: {count} files that are not named as images, the first is {first}");
    }
    let config = PredictConfig {
        aggregation: arguments.aggregation,
        calibration: arguments.calibrate,
        out: arguments.out,
    };
    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);
    let predicted = ensemble.predict_images(&images, &config, arguments.device, &mut observer)?;
    progress.finish();
    let predicted = predicted.ok_or_else(|| interrupted("nothing was written"))?;

    let unreadable = &predicted.unreadable;
    let studies = predicted.by_study.as_ref().map(|table| table.rows());
    if arguments.json {
        let unreadable: Vec<_> = unreadable
            .iter()
            .map(|image| json!({ "path": image.path, "reason": image.reason }))
            .collect();
        let done = json!({
            "images": predicted.by_image.rows(),
            "studies": studies,
            "tables": predicted.tables,
            "unreadable": unreadable,
        });
        result_line!("{}", serde_json::to_string_pretty(&done)?);
    } else {
        let rows = [
            (Some(predicted.by_image.rows()), "images"),
            (studies, "studies"),
        ];
        let rows = rows
            .iter()
            .filter_map(|(rows, what)| Some((rows.as_ref()?, what)));
        for ((rows, what), table) in rows.zip(&predicted.tables) {
            result_line!("{rows} {what} in {}", table.display());
        }
    }
    for image in unreadable {
        eprintln!("left out {}: {}", image.path, image.reason);
    }
    if !unreadable.is_empty() && !arguments.skip_unreadable {
        let (count, of) = (unreadable.len(), images.images.len());
        bail!("{count} of {of} images could not be read; --skip-unreadable accepts that");
    }
    Ok(())
}
