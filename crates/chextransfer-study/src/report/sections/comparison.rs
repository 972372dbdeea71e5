//! Table 1: the networks, from either start.

use chextransfer_models::Architecture;

use super::Source;
use crate::analysis::{Change, Model};
use crate::paper;
use crate::report::charts;
use crate::report::document::{Column, Content, Section, Table, Value};
use crate::report::number::{fixed, millions, p_value, signed};
use crate::report::wording;

pub(super) fn section(source: &Source<'_>) -> Section {
    let analysis = source.analysis;
    let mut content = vec![Content::Finding(wording::mean_boost(analysis))];
    content.extend(wording::boosts(&analysis.models).map(Content::Finding));
    if !analysis.models.is_empty() {
        content.push(Content::Table(table(source)));
    }
    let figure = charts::pretraining(&analysis.models, &analysis.relations, "pretraining");
    content.extend(figure.map(Content::Figure));
    Section {
        id: "comparison",
        title: "Networks and the pretraining boost".to_owned(),
        published: false,
        content,
    }
}

fn table(source: &Source<'_>) -> Table {
    let models = &source.analysis.models;
    let mut columns = vec![
        Column::text("Network", "network"),
        Column::number("Parameters (M)", "parameters"),
        Column::estimate("AUC with pretraining", "auc_with"),
        Column::estimate("AUC without", "auc_without"),
        Column::estimate("Boost", "boost"),
        Column::number("p", "p"),
        Column::number("p adjusted", "p_adjusted"),
    ];
    let published = models.iter().any(|model| model.is_whole());
    if published {
        columns.push(Column::fact("AUC with", "paper_auc_with"));
        columns.push(Column::fact("Boost", "paper_boost"));
    }
    columns.push(Column::runs());
    let rows = models.iter().map(|model| row(model, published)).collect();
    let confidence = crate::grid::percent(source.results.bootstrap.confidence);
    let mut notes = vec![format!(
        "AUC is the mean AUROC of {} on {} test studies, with {confidence} % intervals. Boost is AUC with minus AUC without pretraining on the \
         same replicates; an asterisk marks intervals that leave 0 out, p is the paired bootstrap's, adjusted by Holm over the rows.",
        crate::report::number::listed(&source.analysis.averaged),
        source.analysis.studies,
    )];
    if published {
        notes.push(
            "Columns headed “paper” are the paper's, on CheXpert: to be read beside ours, not as a \
             pass mark. r: recalled, s: seen, i: inferred."
                .to_owned(),
        );
    }
    Table {
        id: "table1",
        caption: "Table 1. AUC and parameters, with and without pretraining".to_owned(),
        columns,
        rows,
        notes,
    }
}

fn row(model: &Model, published: bool) -> Vec<Value> {
    let parameters = model.cost.parameters;
    let auc = |start: bool| Value::auc(model.start(start).and_then(|measured| measured.auc));
    let mut row = vec![
        Value::text(&model.name),
        Value::number(parameters as f64, millions(parameters)),
        auc(true),
        auc(false),
        change(model.boost.as_ref()),
        p(model.boost.and_then(|boost| boost.p_value)),
        p(model.boost.and_then(|boost| boost.adjusted_p)),
    ];
    if published {
        row.extend(of_paper(model.architecture, model.is_whole()));
    }
    let runs: Vec<_> = [true, false]
        .into_iter()
        .filter_map(|start| model.start(start))
        .flat_map(|measured| measured.runs.clone())
        .collect();
    row.push(Value::runs(&runs));
    row
}

fn of_paper(architecture: Architecture, whole: bool) -> [Value; 2] {
    let Some(row) = paper::of_architecture(architecture).filter(|_| whole) else {
        return [Value::Missing, Value::Missing];
    };
    let boost = row.boost.map_or(Value::Missing, |fact| {
        Value::fact(fact.value, signed(fact.value, 3), fact.standing)
    });
    [
        Value::fact(row.auc, fixed(row.auc, 3), paper::Standing::Recalled),
        boost,
    ]
}

/// A difference of AUCs.
pub(super) fn change(change: Option<&Change>) -> Value {
    change.map_or(Value::Missing, |change| Value::Estimate {
        estimate: change.estimate,
        decimals: 3,
        sign: true,
        star: change.significant() == Some(true),
    })
}

/// A p-value.
pub(super) fn p(p: Option<f64>) -> Value {
    p.map_or(Value::Missing, |p| Value::number(p, p_value(p)))
}
