//! Does a better ImageNet network read radiographs better? And a larger one?

use super::Source;
use super::comparison::p;
use crate::analysis::{Quantity, Relation};
use crate::paper::{self, PaperCorrelation};
use crate::report::charts;
use crate::report::document::{Column, Content, Section, Table, Value};
use crate::report::number::{fixed, p_value};
use crate::report::wording;

pub(super) fn section(source: &Source<'_>) -> Option<Section> {
    let relations = &source.analysis.relations;
    if relations.iter().all(|relation| relation.points.is_empty()) {
        return None;
    }
    let mut content: Vec<Content> = relations
        .iter()
        .map(|of| Content::Finding(wording::relation(of)))
        .collect();
    content.extend(
        charts::imagenet(&source.analysis.models, relations, "imagenet").map(Content::Figure),
    );
    content.push(Content::Table(table(relations)));
    Some(Section {
        id: "imagenet",
        title: "ImageNet accuracy, size and AUC".to_owned(),
        published: false,
        content,
    })
}

fn table(relations: &[Relation]) -> Table {
    let rows = relations.iter().map(|relation| {
        let rho = relation.rho.as_ref().ok();
        let stated = stated(relation.x, relation.y);
        vec![
            Value::text(format!("{} and {}", relation.x.name(), relation.y.name())),
            Value::number(
                relation.points.len() as f64,
                relation.points.len().to_string(),
            ),
            rho.map_or(Value::Missing, |rho| {
                Value::number(rho.coefficient, fixed(rho.coefficient, 3))
            }),
            p(relation.p_value()),
            stated.map_or(Value::Missing, |of| {
                Value::fact(of.rho.value, fixed(of.rho.value, 3), of.rho.standing)
            }),
            stated.map_or(Value::Missing, |of| {
                Value::fact(
                    of.p_value.value,
                    p_value(of.p_value.value),
                    of.p_value.standing,
                )
            }),
        ]
    });
    Table {
        id: "correlations",
        caption: "Spearman's rank correlations over networks".to_owned(),
        columns: vec![
            Column::text("Quantities", "quantities"),
            Column::number("Networks", "networks"),
            Column::number("ρ", "rho"),
            Column::number("p", "p"),
            Column::fact("ρ", "paper_rho"),
            Column::fact("p", "paper_p"),
        ],
        rows: rows.collect(),
        notes: vec![
            "p is exact, over all orders, up to nine networks, and by the t distribution beyond. ImageNet accuracy is that of whole networks; \
             truncated ones are left out there. The paper's are over sixteen networks."
                .to_owned(),
        ],
    }
}

/// What the paper states of two quantities.
pub(super) fn stated(x: Quantity, y: Quantity) -> Option<PaperCorrelation> {
    match (x, y) {
        (Quantity::ImagenetTop1, Quantity::AucWithout) => Some(paper::TOP1_WITHOUT),
        (Quantity::ImagenetTop1, Quantity::AucWith) => Some(paper::TOP1_WITH),
        (Quantity::Parameters, Quantity::AucWithout) => Some(paper::PARAMETERS_WITHOUT),
        (Quantity::Parameters, Quantity::AucWith) => Some(paper::PARAMETERS_WITH),
        (Quantity::Parameters, Quantity::Boost) => Some(paper::PARAMETERS_BOOST),
        _ => None,
    }
}
