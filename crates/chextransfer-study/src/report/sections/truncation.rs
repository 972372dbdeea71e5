//! Table 2 and the truncation advisor.

use chextransfer_models::Architecture;

use super::comparison::{change, p};
use super::{Source, start};
use crate::analysis::{Analysis, Tested, Truncation};
use crate::paper::{self, Standing};
use crate::report::charts;
use crate::report::document::{Column, Content, Section, Table, Value};
use crate::report::number::{engineering, fixed, millions, signed, times};
use crate::report::wording;

pub(super) fn section(source: &Source<'_>) -> Option<Section> {
    let analysis = source.analysis;
    if analysis.truncations.is_empty() {
        return None;
    }
    let mut content: Vec<Content> = analysis
        .truncations
        .iter()
        .map(|of| Content::Finding(wording::truncation(of)))
        .collect();
    for pretrained in [true, false] {
        let of_start: Vec<&Truncation> = analysis
            .truncations
            .iter()
            .filter(|of| of.pretrained == pretrained)
            .collect();
        if of_start.len() > 1 {
            content.push(Content::Finding(wording::times_smaller(&of_start).1));
        }
    }
    content.push(Content::Table(table(source)));
    content.extend(charts::truncation(analysis).map(Content::Figure));
    content.push(Content::Text(format!(
        "That no significant drop is shown is no evidence of there being none: a small test set shows nothing. The advisor asks for evidence. It \
         tests the cuts from the shallowest on, each for being worse than the whole network by {} AUC or more, and stops at the first for which \
         that cannot be ruled out; in this fixed order no adjustment is needed (Maurer, Hothorn and Lehmacher 1995).",
        source.results.margin
    )));
    content.extend(
        analysis
            .advice
            .iter()
            .map(|of| Content::Finding(wording::advice(of, source.results.margin))),
    );
    content.push(Content::Table(advisor(source)));
    Some(Section {
        id: "truncation",
        title: "Truncation".to_owned(),
        published: false,
        content,
    })
}

fn table(source: &Source<'_>) -> Table {
    let analysis = source.analysis;
    let mut rows = Vec::new();
    for of in &analysis.truncations {
        rows.push(vec![
            Value::text(of.architecture.name()),
            Value::text(start(of.pretrained)),
            Value::number(of.cost.parameters as f64, millions(of.cost.parameters)),
            Value::number(1.0, times(1.0)),
            Value::auc(of.auc),
            Value::Missing,
            Value::Missing,
            Value::Missing,
            Value::Missing,
            Value::Missing,
            Value::Missing,
            Value::runs(&of.runs),
        ]);
        for cut in &of.cuts {
            let [paper_change, paper_times] = of_paper(of, cut.minus);
            rows.push(vec![
                Value::text(&cut.name),
                Value::text(start(of.pretrained)),
                Value::number(cut.cost.parameters as f64, millions(cut.cost.parameters)),
                Value::number(cut.times_smaller, times(cut.times_smaller)),
                Value::auc(cut.auc),
                change(cut.change.as_ref()),
                cut.change_percent.map_or(Value::Missing, |percent| {
                    Value::number(percent, signed(percent, 2))
                }),
                p(cut.change.and_then(|change| change.p_value)),
                p(cut.change.and_then(|change| change.adjusted_p)),
                paper_change,
                paper_times,
                Value::runs(&cut.runs),
            ]);
        }
    }
    let mut notes = vec![
        "Change is the cut's AUC minus the whole network's on the same replicates, and relative to it in percent; an asterisk marks intervals that \
         leave 0 out. Times smaller is by parameters."
            .to_owned(),
    ];
    if has_mnasnet(analysis) {
        notes.push(paper::MNASNET_ANOMALY.to_owned());
    }
    Table {
        id: "table2",
        caption: "Table 2. Truncated networks against the whole ones".to_owned(),
        columns: vec![
            Column::text("Network", "network"),
            Column::text("Pretraining", "pretraining"),
            Column::number("Parameters (M)", "parameters"),
            Column::number("Times smaller", "times_smaller"),
            Column::estimate("AUC", "auc"),
            Column::estimate("Change", "change"),
            Column::number("Change (%)", "change_percent"),
            Column::number("p", "p"),
            Column::number("p adjusted", "p_adjusted"),
            Column::fact("Change (%)", "paper_change_percent"),
            Column::fact("Times smaller", "paper_times_smaller"),
            Column::runs(),
        ],
        rows,
        notes,
    }
}

fn has_mnasnet(analysis: &Analysis) -> bool {
    analysis
        .truncations
        .iter()
        .any(|of| of.architecture == Architecture::MnasNet1_0)
}

fn of_paper(of: &Truncation, minus: usize) -> [Value; 2] {
    let is_it = |row: &&paper::PaperCut| {
        of.pretrained && row.architecture == of.architecture && row.minus == minus
    };
    let Some(row) = paper::TABLE_2.iter().find(is_it) else {
        return [Value::Missing, Value::Missing];
    };
    let star = if row.significant { "*" } else { "" };
    [
        Value::fact(
            row.change_percent,
            format!("{}{star}", signed(row.change_percent, 2)),
            Standing::Recalled,
        ),
        Value::fact(
            row.times_smaller,
            times(row.times_smaller),
            Standing::Recalled,
        ),
    ]
}

fn advisor(source: &Source<'_>) -> Table {
    let mut rows = Vec::new();
    for of in &source.analysis.advice {
        for card in &of.cards {
            let advised = of
                .advised()
                .is_some_and(|advised| advised.network == card.network);
            rows.push(vec![
                Value::text(&card.network),
                Value::text(start(of.pretrained)),
                Value::text(if advised { "use this" } else { "" }),
                Value::text(tested(card.tested)),
                p(card.inferiority_p),
                card.auc
                    .map_or(Value::Missing, |auc| Value::number(auc, fixed(auc, 3))),
                Value::number(card.cost.parameters as f64, millions(card.cost.parameters)),
                Value::number(card.cost.macs as f64, engineering(card.cost.macs as f64)),
                Value::number(
                    card.cost.map_side as f64,
                    format!("{0} × {0}", card.cost.map_side),
                ),
            ]);
        }
    }
    let side = source.results.image_size;
    Table {
        id: "advisor",
        caption: format!(
            "The truncation advisor, by a margin of {}",
            source.results.margin
        ),
        columns: vec![
            Column::text("Network", "network"),
            Column::text("Pretraining", "pretraining"),
            Column::text("Advice", "advice"),
            Column::text("Test", "test"),
            Column::number("p", "inferiority_p"),
            Column::number("AUC", "auc"),
            Column::number("Parameters (M)", "parameters"),
            Column::number("MACs an image", "macs"),
            Column::number("Map", "map_side"),
        ],
        rows,
        notes: vec![format!(
            "p is the one-sided p-value of the cut being worse by the margin or more. Multiply-accumulates (MACs) and maps are for images of {side} × \
             {side} pixels. Measured speeds differ from execution to execution and stand in the cost card (cost.html), where they were measured."
        )],
    }
}

/// A test's outcome in words.
pub(super) fn tested(tested: Tested) -> &'static str {
    match tested {
        Tested::Reference => "reference",
        Tested::NotInferior => "not inferior",
        Tested::NotShown => "not shown",
        Tested::NotReached => "not reached",
        Tested::Undefined => "undefined",
    }
}
