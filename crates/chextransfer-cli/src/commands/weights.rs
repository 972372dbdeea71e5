//! `weights`: the known ImageNet checkpoints.

use anyhow::Result;
use chextransfer_models::weights::Manifest;

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(Arguments {}: Arguments) -> Result<()> {
    result_line!(
        "{:<24} {:>12} {:>6}  url",
        "checkpoint",
        "parameters",
        "top-1"
    );
    for row in Manifest::carried()?.checkpoints {
        result_line!(
            "{:<24} {:>12} {:>6.2}  {}",
            row.id,
            row.parameters,
            row.top1,
            row.url
        );
    }
    Ok(())
}
