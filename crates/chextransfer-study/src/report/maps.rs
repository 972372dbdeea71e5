//! Sheets of class activation maps for the report: a network beside its cuts on the same radiographs.

use std::path::Path;

use burn::tensor::Device;
use chextransfer_data::{Observation, Split};
use chextransfer_train::{Observer, RunDirectory};

use super::document::Picture;
use super::wording::start_name;
use crate::results::{CellResult, StudyResults};
use crate::{Error, ExplainConfig, Result, RunExplainer};

/// Draws, for each truncated architecture of a study and for each of the first `count` observations that it is judged by, the
/// radiograph that has it and that the whole network is surest of, beside the maps of the network and of every cut. The runs
/// are those on the largest share of patients with the first seed, with pretraining where there are any. In a study without
/// cuts it is the first network, with and without pretraining. `None` when the observer asked to stop.
///
/// # Errors
/// As [`RunExplainer::surest`].
pub fn maps(
    folder: &Path,
    results: &StudyResults,
    count: usize,
    device: &Device,
    observer: &mut Observer,
) -> Result<Option<Vec<Picture>>> {
    let observations: Vec<Observation> = results
        .judged
        .iter()
        .filter_map(|name| Observation::from_column(name))
        .take(count)
        .collect();
    let mut pictures = Vec::new();
    for row in rows(results) {
        let Some(first) = row.first() else {
            continue;
        };
        let runs = row
            .iter()
            .map(|result| RunDirectory::open(folder.join(&result.run)));
        let runs = runs.collect::<Result<Vec<_>, _>>()?;
        let explainer = RunExplainer::open(&runs, ExplainConfig::default())?;
        let scratch =
            tempfile::tempdir().map_err(Error::io("create", Path::new("a temporary folder")))?;
        let sheets = explainer.surest(
            &runs[0],
            Split::Test,
            &observations,
            scratch.path(),
            device,
            observer,
        )?;
        let Some(sheets) = sheets else {
            return Ok(None);
        };
        let names: Vec<String> = row.iter().map(|result| name(result, &row)).collect();
        for sheet in sheets {
            let png = std::fs::read(&sheet).map_err(Error::io("read", &sheet))?;
            let stem = sheet
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            pictures.push(Picture {
                file: format!("maps/{}-{stem}.png", first.cell.network()),
                caption: format!("{}: {}", stem.replace('_', " "), names.join(", ")),
                png,
            });
        }
    }
    Ok(Some(pictures))
}

fn name(result: &CellResult, row: &[&CellResult]) -> String {
    let cell = &result.cell;
    match row
        .iter()
        .all(|other| other.cell.pretrained == cell.pretrained)
    {
        true => cell.network(),
        false => format!("{} {}", cell.network(), start_name(cell.pretrained)),
    }
}

/// The runs that stand in one row each.
fn rows(results: &StudyResults) -> Vec<Vec<&CellResult>> {
    let largest = results
        .cells
        .iter()
        .map(|of| of.cell.fraction)
        .fold(0.0, f64::max);
    let find = |of: &CellResult, minus: usize, pretrained: bool| {
        results.cells.iter().find(|other| {
            let cell = &other.cell;
            cell.architecture == of.cell.architecture
                && (cell.minus, cell.pretrained, cell.fraction) == (minus, pretrained, largest)
        })
    };
    let deepest = results
        .cells
        .iter()
        .map(|of| of.cell.minus)
        .max()
        .unwrap_or(0);
    let mut rows: Vec<Vec<&CellResult>> = Vec::new();
    for of in results.cells.iter().filter(|of| of.cell.minus == 0) {
        if rows
            .iter()
            .any(|row| row[0].cell.architecture == of.cell.architecture)
        {
            continue;
        }
        let starts = [true, false].map(|start| {
            (0..=deepest)
                .filter_map(|minus| find(of, minus, start))
                .collect::<Vec<_>>()
        });
        let row = starts
            .into_iter()
            .find(|row| row.len() > 1 && row[0].cell.minus == 0);
        rows.extend(row);
    }
    if rows.is_empty() {
        let pair = results.cells.iter().find_map(|of| {
            let pair = [
                find(of, of.cell.minus, true)?,
                find(of, of.cell.minus, false)?,
            ];
            Some(pair.to_vec())
        });
        rows.extend(pair);
    }
    rows
}
