//! `verify`: a run's digests, recomputed.

use std::path::PathBuf;

use anyhow::{Result, bail};
use chextransfer_train::verify;

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run's folder, or one that several runs were evaluated into
    run: PathBuf,
    /// Print the state of every file as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let verification = verify(&arguments.run)?;
    match arguments.json {
        true => result_line!("{}", serde_json::to_string_pretty(&verification)?),
        false => result_line!("{verification}"),
    }
    match verification.differences() {
        0 => Ok(()),
        count => bail!(
            "{} differs from what was noted in {count} files",
            arguments.run.display()
        ),
    }
}
