//! `study plan`: the grid.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_study::Study;

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study's folder
    study: PathBuf,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let plan = Study::open(&arguments.study)?.plan()?;
    match arguments.json {
        true => result_line!("{}", serde_json::to_string_pretty(&plan)?),
        false => result_line!("{plan}"),
    }
    Ok(())
}
