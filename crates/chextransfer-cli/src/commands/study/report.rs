//! `study report`: tables, figures and sentences of a study.

use std::path::PathBuf;

use anyhow::{Result, bail};
use chextransfer_models::DeviceChoice;
use chextransfer_study::StudyResults;
use chextransfer_study::report::{maps, write_report};
use chextransfer_train::{Event, ProgressBar};

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study's folder
    study: PathBuf,
    /// Where the report is written [default: report in the study's folder]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Show Grad-CAM maps of so many observations, a network beside its cuts
    #[arg(long, value_name = "OBSERVATIONS", default_value_t = 0)]
    maps: usize,
    /// Of the maps: a device that `chextransfer devices` lists
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// Print the sentences and every number as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut pictures = Vec::new();
    if arguments.maps > 0 {
        let results = StudyResults::read(&arguments.study)?;
        let device = arguments.device.open()?;
        let mut progress = ProgressBar::until_interrupt()?;
        let mut observer = |event: Event| progress.show(event);
        let drawn = maps(
            &arguments.study,
            &results,
            arguments.maps,
            &device,
            &mut observer,
        )?;
        progress.finish();
        match drawn {
            Some(drawn) => pictures = drawn,
            None => bail!("interrupted; no report was written"),
        }
    }
    let (report, files) = write_report(&arguments.study, arguments.out.as_deref(), pictures)?;
    if arguments.json {
        result_line!("{}", report.json()?.trim_end());
        return Ok(());
    }
    for finding in report.document.own_findings() {
        result_line!("{}: {}", finding.claim.name(), finding.text);
    }
    if let Some(file) = files.iter().find(|file| file.ends_with("report.html")) {
        eprintln!("{} files; open {}", files.len(), file.display());
    }
    Ok(())
}
