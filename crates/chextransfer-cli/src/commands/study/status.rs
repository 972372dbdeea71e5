//! `study status`: where each cell stands.

use std::path::PathBuf;

use anyhow::Result;
use chextransfer_study::{CellState, Study};
use serde_json::{Map, Value};

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study's folder
    study: PathBuf,
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let study = Study::open(&arguments.study)?;
    let cells = study.cells().into_iter();
    let states = cells.map(|cell| Ok((cell.id(), study.state(&cell)?)));
    let states = states.collect::<Result<Vec<_>>>()?;
    if arguments.json {
        let object = |(id, state): &(String, CellState)| {
            let mut object = Map::from_iter([("id".to_owned(), Value::from(id.as_str()))]);
            if let Value::Object(state) = serde_json::to_value(state)? {
                object.extend(state);
            }
            Ok(object)
        };
        let objects: Result<Vec<_>> = states.iter().map(object).collect();
        result_line!("{}", serde_json::to_string_pretty(&objects?)?);
        return Ok(());
    }
    let width = states.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    for (id, state) in &states {
        match state {
            CellState::Failed { error, attempts } => {
                result_line!("{id:<width$}  failed {attempts}x: {error}");
            }
            state => result_line!("{id:<width$}  {state}"),
        }
    }
    let done = states.iter().filter(|(_, state)| *state == CellState::Done);
    result_line!("{} of {} cells done", done.count(), states.len());
    Ok(())
}
