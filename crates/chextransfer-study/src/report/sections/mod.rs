//! The sections of a report, each from the analysis.

mod comparison;
mod cost;
mod families;
mod imagenet;
mod learning;
mod published;
mod runs;
mod summary;
mod truncation;

use super::document::{Content, Document, Picture, Section};
use super::wording::start_name;
use crate::analysis::Analysis;
use crate::results::StudyResults;

pub(super) use cost::cost;

/// What sections are made from.
pub(super) struct Source<'a> {
    pub(super) results: &'a StudyResults,
    pub(super) analysis: &'a Analysis,
    /// What leads from the report's folder to the study's, with a slash behind; `None` where there is no way that stays true
    /// when both are moved together.
    pub(super) to_study: Option<&'a str>,
    pub(super) pictures: Vec<Picture>,
}

/// The whole report.
///
/// # Errors
/// Of correlations over the paper's numbers; none is known.
pub(super) fn document(mut source: Source<'_>) -> crate::Result<Document> {
    let pictures = std::mem::take(&mut source.pictures);
    let sections = [
        Some(comparison::section(&source)),
        imagenet::section(&source),
        families::section(&source),
        truncation::section(&source),
        learning::section(&source),
        maps(pictures),
        Some(published::section()?),
        Some(runs::section(&source)),
    ];
    let mut sections: Vec<Section> = sections.into_iter().flatten().collect();
    let summary = summary::section(&source);
    sections.insert(0, summary);
    Ok(Document {
        title: source.results.title.clone(),
        subtitle: summary::subtitle(&source),
        highlights: summary::highlights(&source),
        sections,
    })
}

fn maps(pictures: Vec<Picture>) -> Option<Section> {
    if pictures.is_empty() {
        return None;
    }
    let intro = "Grad-CAM maps of test images at the last block of each network, averaged over a run's checkpoints. Each map's colours span its \
        own range. A cut that drops a pooling layer has a finer map.";
    let mut content = vec![Content::Text(intro.to_owned())];
    content.extend(pictures.into_iter().map(Content::Picture));
    Some(Section {
        id: "maps",
        title: "Where the networks look".to_owned(),
        published: false,
        content,
    })
}

/// `with` or `without`, for a table.
fn start(pretrained: bool) -> &'static str {
    start_name(pretrained).trim_end_matches(" pretraining")
}
