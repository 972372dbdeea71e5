//! The report of a study: one document, written as a page, Markdown, CSV, LaTeX and SVG.
//!
//! A [`Document`] holds sentences, tables and figures as data; each format is a writer of it. Sentences are computed and carry
//! their [`Claim`]: what the data show, do not show, or do not allow to ask. The same results give the same bytes, and measured
//! speeds, which no two executions have in common, stand in files of their own.
//!
//! ```
//! use chextransfer_metrics::{Bootstrap, Predictions};
//! use chextransfer_models::Architecture;
//! use chextransfer_study::report::{Report, ReportConfig};
//! use chextransfer_study::{Cell, CellResult, StudyResults};
//! use ndarray::Array2;
//!
//! // What `StudyResults::read` finds in a study's folder: here two runs of one network on forty studies.
//! let run = |pretrained: bool, error: usize| {
//!     let studies: Vec<String> = (0..40).map(|study| format!("patient{study}/study1")).collect();
//!     let labels = Array2::from_shape_fn((40, 1), |(study, _)| Some(study % 4 == 0));
//!     let score = |(study, _)| if study % 4 == 0 { 0.7 } else { (study * error % 10) as f64 / 10.0 };
//!     let scores = Array2::from_shape_fn((40, 1), score);
//!     let cell = Cell { architecture: Architecture::ResNet18, minus: 1, pretrained, fraction: 1.0, seed: 0 };
//!     Ok::<_, chextransfer_metrics::Error>(CellResult {
//!         run: cell.id().into(),
//!         cell,
//!         parameters: 2_786_382,
//!         macs: 1_500_000_000,
//!         map_side: 14,
//!         imagenet_top1: Some(69.758),
//!         images_per_second: None,
//!         examples: 5_000,
//!         predictions: Predictions::new(vec!["Edema".to_owned()], studies.clone(), studies, labels, scores)?,
//!         weights_digest: None,
//!         data_digest: String::new(),
//!         version: String::new(),
//!         device: "cpu".to_owned(),
//!     })
//! };
//! let results = StudyResults {
//!     title: "One network".to_owned(),
//!     note: String::new(),
//!     judged: vec!["Edema".to_owned()],
//!     bootstrap: Bootstrap { replicates: 200, ..Bootstrap::default() },
//!     margin: 0.01,
//!     image_size: 224,
//!     epochs: 3,
//!     cells: vec![run(true, 3)?, run(false, 7)?],
//!     failed: Vec::new(),
//!     pending: Vec::new(),
//! };
//! let report = Report::of(&results, ReportConfig::default())?;
//! let folder = tempfile::tempdir()?;
//! let files = report.write(folder.path())?;
//! assert!(files.iter().any(|file| file.ends_with("report.html")));
//! assert!(std::fs::read_to_string(folder.path().join("report.md"))?.contains("resnet18-minus1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod chart;
mod charts;
mod csv_tables;
mod document;
mod html;
mod latex;
mod maps;
mod markdown;
mod number;
mod sections;
mod svg;
mod wording;

use std::path::{Path, PathBuf};

use chextransfer_models::weights::write_whole;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::results::StudyResults;
use crate::{Error, Result};
pub use chart::{
    Axis, Chart, Color, Dot, Layer, LegendItem, NumberFormat, Panel, Sample, Scale, Shape,
};
pub use document::{
    Claim, Column, Content, Document, Figure, Finding, Highlight, Kind, Picture, RunLink, Section,
    Table, Value,
};
pub use maps::maps;
use sections::Source;

/// The folder of a study's report, in the study's folder, unless told otherwise.
pub const REPORT_FOLDER: &str = "report";

/// A study's report.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was computed.
    pub analysis: Analysis,
    /// The report itself: the same results give the same document.
    pub document: Document,
    /// What the networks cost, with measured speeds, which no two executions have in common; `None` where none was measured.
    pub cost: Option<Document>,
}

/// How a report is made.
#[derive(Debug, Clone, Default)]
pub struct ReportConfig {
    /// What leads from the report's folder to the study's, such as `../`; `None` leaves runs without links.
    pub to_study: Option<String>,
    /// Sheets of class activation maps to show.
    pub pictures: Vec<Picture>,
}

impl Report {
    /// Computes a study's report.
    ///
    /// # Errors
    /// As [`Analysis::of`].
    pub fn of(results: &StudyResults, config: ReportConfig) -> Result<Self> {
        let analysis = Analysis::of(results)?;
        let source = Source {
            results,
            analysis: &analysis,
            to_study: config.to_study.as_deref(),
            pictures: config.pictures,
        };
        let cost = sections::cost(&source);
        let document = sections::document(source)?;
        Ok(Self {
            analysis,
            document,
            cost,
        })
    }

    /// Writes the report into a folder, each file whole or not at all, and returns the files: `report.html`, `report.md`,
    /// `report.tex`, `report.json`, `tables/*.csv`, `tables/*.tex`, `figures/*.svg`, `maps/*.png`, and, where speeds were
    /// measured, `cost.html`, `cost.md` and `cost.csv`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, out: &Path) -> Result<Vec<PathBuf>> {
        let mut files = Files {
            out,
            written: Vec::new(),
        };
        let document = &self.document;
        for table in document.tables() {
            files.write(&format!("tables/{}.csv", table.id), &files.csv(table)?)?;
            files.write(
                &format!("tables/{}.tex", table.id),
                latex::table(table).as_bytes(),
            )?;
        }
        for figure in document.figures() {
            files.write(
                &format!("figures/{}.svg", figure.id),
                svg::file(figure).as_bytes(),
            )?;
        }
        for picture in document.pictures() {
            files.write(&picture.file, &picture.png)?;
        }
        files.write("report.md", markdown::markdown(document).as_bytes())?;
        files.write("report.tex", latex::document(document).as_bytes())?;
        files.write("report.json", self.json()?.as_bytes())?;
        if let Some(cost) = &self.cost {
            for table in cost.tables() {
                files.write(&format!("{}.csv", table.id), &files.csv(table)?)?;
            }
            files.write("cost.md", markdown::markdown(cost).as_bytes())?;
            files.write("cost.html", html::page(cost).as_bytes())?;
        }
        // Last, so that a page that is there has all that it speaks of.
        files.write("report.html", html::page(document).as_bytes())?;
        Ok(files.written)
    }

    /// The computed sentences and every number, as JSON.
    ///
    /// # Errors
    /// None is known.
    pub fn json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            title: &'a str,
            findings: Vec<&'a Finding>,
            analysis: &'a Analysis,
        }
        let whole = Whole {
            title: &self.document.title,
            findings: self.document.own_findings().collect(),
            analysis: &self.analysis,
        };
        let text = serde_json::to_string_pretty(&whole);
        text.map(|text| text + "\n")
            .map_err(|error| Error::Setting {
                setting: "report",
                problem: error.to_string(),
            })
    }
}

/// Files of a report as they are written.
struct Files<'a> {
    out: &'a Path,
    written: Vec<PathBuf>,
}

impl Files<'_> {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        write_whole(&path, |file| file.write_all(bytes)).map_err(Error::io("write", &path))?;
        self.written.push(path);
        Ok(())
    }

    fn csv(&self, table: &Table) -> Result<Vec<u8>> {
        csv_tables::csv(table).map_err(|error| Error::Setting {
            setting: "table",
            problem: format!("{}: {error}", table.id),
        })
    }
}

/// Reads a study's folder and writes its report into `out`; runs are linked where `out` is the folder's own
/// [`REPORT_FOLDER`], since only then both move together.
///
/// # Errors
/// As [`StudyResults::read`], [`Analysis::of`] and [`Report::write`].
pub fn write_report(
    folder: &Path,
    out: Option<&Path>,
    pictures: Vec<Picture>,
) -> Result<(Report, Vec<PathBuf>)> {
    let results = StudyResults::read(folder)?;
    let own = folder.join(REPORT_FOLDER);
    let out = out.unwrap_or(&own);
    let to_study = (out == own).then(|| "../".to_owned());
    let report = Report::of(&results, ReportConfig { to_study, pictures })?;
    let files = report.write(out)?;
    Ok((report, files))
}
