//! `study`: the paper's comparison on one's own data.

mod cell;
mod init;
mod plan;
mod report;
mod run;
mod status;

use std::process::ExitCode;

use anyhow::Result;

use super::result_line;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a study's folder with a study.toml to run or to edit
    Init(init::Arguments),
    /// Print the grid: parameters, operations, cost, and what is done
    Plan(plan::Arguments),
    /// Run what is not done yet; stopped or killed at any moment, the same command goes on
    Run(run::Arguments),
    /// Print where each cell stands, and why it failed
    Status(status::Arguments),
    /// Write tables, figures and sentences of what is done, and a page that holds them all
    Report(report::Arguments),
    /// Run one cell in this process, as `run` does in processes of its own
    #[command(hide = true)]
    Cell(cell::Arguments),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Init(arguments) => init::run(arguments)?,
        Command::Plan(arguments) => plan::run(&arguments)?,
        Command::Run(arguments) => return run::run(arguments),
        Command::Status(arguments) => status::run(&arguments)?,
        Command::Report(arguments) => report::run(&arguments)?,
        Command::Cell(arguments) => return cell::run(&arguments),
    }
    Ok(ExitCode::SUCCESS)
}
