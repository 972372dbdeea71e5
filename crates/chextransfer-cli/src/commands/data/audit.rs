//! `data audit`: what is wrong with a dataset.

use std::path::PathBuf;

use anyhow::{Result, bail};
use chextransfer_data::audit::{Audit, AuditConfig, Severity};

use super::counter::Counter;
use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The dataset's folder
    data: PathBuf,
    /// Print all findings as JSON instead of the first few of each kind
    #[arg(long)]
    json: bool,
    /// Check the tables alone, not whether images are there and what they show
    #[arg(long)]
    no_images: bool,
    /// Fail on findings of less weight too; errors always fail
    #[arg(long, value_parser = ["warnings", "notes"], value_name = "warnings|notes")]
    deny: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let config = AuditConfig {
        images: !arguments.no_images,
    };
    let counter = Counter::new("images");
    let audit = Audit::run(&arguments.data, &config, |done, of| counter.set(done, of))?;
    counter.finish();
    if arguments.json {
        result_line!("{}", serde_json::to_string_pretty(&audit)?);
    } else {
        result_line!("{audit}");
    }
    let lightest = match arguments.deny.as_deref() {
        Some("notes") => Severity::Note,
        Some(_) => Severity::Warning,
        None => Severity::Error,
    };
    let denied = Severity::ALL.into_iter().filter(|s| *s <= lightest);
    let count: usize = denied.map(|severity| audit.count(severity)).sum();
    match count {
        0 => Ok(()),
        _ => bail!("{count} findings of weight {lightest} or more"),
    }
}
