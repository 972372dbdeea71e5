//! The cost card: what each network costs, with the speed that was measured.
//!
//! A document of its own: two executions of a study agree in everything but this.

use std::collections::BTreeSet;

use super::Source;
use crate::report::document::{Column, Content, Document, Section, Table, Value};
use crate::report::number::{engineering, fixed, millions};

/// The cost card; `None` where no speed was measured.
pub(in crate::report) fn cost(source: &Source<'_>) -> Option<Document> {
    let results = source.results;
    let mut seen = BTreeSet::new();
    let rows: Vec<Vec<Value>> = results
        .cells
        .iter()
        .filter(|of| seen.insert(of.cell.network()))
        .map(|of| {
            let name = of.cell.network();
            let speeds: Vec<f64> = results
                .cells
                .iter()
                .filter(|other| other.cell.network() == name)
                .filter_map(|other| other.images_per_second)
                .collect();
            // Slower measurements were disturbed by something else.
            let speed = speeds.into_iter().reduce(f64::max);
            vec![
                Value::text(name),
                Value::number(of.parameters as f64, millions(of.parameters)),
                Value::number(of.macs as f64, engineering(of.macs as f64)),
                Value::number(of.map_side as f64, format!("{0} × {0}", of.map_side)),
                speed.map_or(Value::Missing, |speed| {
                    Value::number(speed, fixed(speed, if speed < 100.0 { 1 } else { 0 }))
                }),
                Value::text(&of.device),
            ]
        })
        .collect();
    results.cells.iter().any(|of| of.images_per_second.is_some()).then(|| Document {
        title: format!("{}: cost card", results.title),
        subtitle: format!("What the networks cost on images of {0} × {0} pixels", results.image_size),
        highlights: Vec::new(),
        sections: vec![Section {
            id: "cost",
            title: "Cost of the networks".to_owned(),
            published: false,
            content: vec![
                Content::Table(Table {
                    id: "cost",
                    caption: "Parameters, work, map and measured speed".to_owned(),
                    columns: vec![
                        Column::text("Network", "network"),
                        Column::number("Parameters (M)", "parameters"),
                        Column::number("MACs an image", "macs"),
                        Column::number("Map", "map_side"),
                        Column::number("Images a second", "images_per_second"),
                        Column::text("Device", "device"),
                    ],
                    rows,
                    notes: vec![
                        "Images a second in inference, as measured on the machine that ran the study; the fastest of a network's measurements. Another \
                         execution measures other speeds, so they stand here and not in the report."
                            .to_owned(),
                    ],
                }),
            ],
        }],
    })
}
