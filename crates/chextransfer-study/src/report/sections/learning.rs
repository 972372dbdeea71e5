//! Fewer patients, and the work of training.

use super::comparison::{change, p};
use super::{Source, start};
use crate::report::charts;
use crate::report::document::{Column, Content, Section, Table, Value};
use crate::report::number::{engineering, fixed, percent};
use crate::report::wording;

pub(super) fn section(source: &Source<'_>) -> Option<Section> {
    let analysis = source.analysis;
    let mut content: Vec<Content> = analysis
        .learning
        .iter()
        .filter_map(wording::learning)
        .map(Content::Finding)
        .collect();
    content.extend(charts::learning(&analysis.learning).map(Content::Figure));
    if !analysis.learning.is_empty() {
        content.push(Content::Table(curves(source)));
    }
    content.extend(charts::compute(&analysis.compute).map(Content::Figure));
    if analysis.compute.len() > 1 {
        content.push(Content::Table(compute(source)));
    }
    if content.is_empty() {
        return None;
    }
    Some(Section {
        id: "learning",
        title: match analysis.learning.is_empty() {
            true => "The work of training".to_owned(),
            false => "Fewer patients, and the work of training".to_owned(),
        },
        published: false,
        content,
    })
}

fn curves(source: &Source<'_>) -> Table {
    let mut rows = Vec::new();
    for curve in &source.analysis.learning {
        for point in &curve.points {
            let runs: Vec<_> = [&point.with, &point.without]
                .into_iter()
                .flatten()
                .flat_map(|measured| measured.runs.clone())
                .collect();
            rows.push(vec![
                Value::text(&curve.network),
                Value::number(point.fraction, percent(point.fraction)),
                Value::auc(point.with.as_ref().and_then(|measured| measured.auc)),
                Value::auc(point.without.as_ref().and_then(|measured| measured.auc)),
                change(point.boost.as_ref()),
                p(point.boost.and_then(|boost| boost.p_value)),
                p(point.boost.and_then(|boost| boost.adjusted_p)),
                Value::runs(&runs),
            ]);
        }
    }
    Table {
        id: "learning",
        caption: "AUC and boost by the share of the training patients".to_owned(),
        columns: vec![
            Column::text("Network", "network"),
            Column::number("Patients", "fraction"),
            Column::estimate("AUC with pretraining", "auc_with"),
            Column::estimate("AUC without", "auc_without"),
            Column::estimate("Boost", "boost"),
            Column::number("p", "p"),
            Column::number("p adjusted", "p_adjusted"),
            Column::runs(),
        ],
        rows,
        notes: vec!["An asterisk marks intervals that leave 0 out.".to_owned()],
    }
}

fn compute(source: &Source<'_>) -> Table {
    let rows = source.analysis.compute.iter().map(|point| {
        vec![
            Value::text(&point.network),
            Value::text(start(point.pretrained)),
            Value::number(point.fraction, percent(point.fraction)),
            Value::number(point.macs, engineering(point.macs)),
            Value::number(point.auc, fixed(point.auc, 3)),
            Value::text(if point.on_frontier { "yes" } else { "no" }),
        ]
    });
    Table {
        id: "compute",
        caption: "AUC for the work of training".to_owned(),
        columns: vec![
            Column::text("Network", "network"),
            Column::text("Pretraining", "pretraining"),
            Column::number("Patients", "fraction"),
            Column::number("MACs × examples", "macs"),
            Column::number("AUC", "auc"),
            Column::text("On the frontier", "on_frontier"),
        ],
        rows: rows.collect(),
        notes: vec![
            "On the frontier: no other training reached as high an AUC with as few multiply-accumulates. Differences along it are not tested."
                .to_owned(),
        ],
    }
}
