//! Differences across families and within them.

use super::comparison::change;
use super::{Source, start};
use crate::paper;
use crate::report::charts;
use crate::report::document::{Column, Content, Section, Table, Value};
use crate::report::number::signed;
use crate::report::wording;

pub(super) fn section(source: &Source<'_>) -> Option<Section> {
    let analysis = source.analysis;
    let families = &analysis.families;
    if families.iter().all(|of| {
        of.families
            .iter()
            .map(|row| row.models.len())
            .sum::<usize>()
            < 2
    }) {
        return None;
    }
    let mut content = Vec::new();
    for of in families {
        content.extend(wording::across(of).map(Content::Finding));
        content.extend(wording::within(of).map(Content::Finding));
    }
    content.extend(charts::families(analysis).map(Content::Figure));
    let mut rows = Vec::new();
    for of in families {
        for row in &of.families {
            let within = row.within.as_ref();
            rows.push(vec![
                Value::text(row.family),
                Value::text(start(of.pretrained)),
                Value::text(row.models.join(", ")),
                Value::auc(row.auc),
                change(within.and_then(|of| of.difference.as_ref())),
                paper_within(row.family, of.pretrained),
            ]);
        }
    }
    content.push(Content::Table(Table {
        id: "families",
        caption: "Families".to_owned(),
        columns: vec![
            Column::text("Family", "family"),
            Column::text("Pretraining", "pretraining"),
            Column::text("Networks, from the smallest", "networks"),
            Column::estimate("Mean AUC", "auc"),
            Column::estimate("Largest minus smallest", "within"),
            Column::fact("Largest minus smallest", "paper_within"),
        ],
        rows,
        notes: vec!["An asterisk marks intervals that leave 0 out.".to_owned()],
    }));
    Some(Section {
        id: "families",
        title: "Across and within families".to_owned(),
        published: false,
        content,
    })
}

fn paper_within(family: &str, pretrained: bool) -> Value {
    let row = paper::WITHIN_FAMILIES
        .iter()
        .find(|(name, _)| *name == family);
    row.map_or(Value::Missing, |(_, differences)| {
        let value = differences[usize::from(pretrained)];
        Value::fact(value, signed(value, 3), paper::Standing::Seen)
    })
}
