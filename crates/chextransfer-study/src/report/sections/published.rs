//! The paper's own numbers, apart from the study's, read by the same code.

use super::comparison::p;
use super::imagenet::stated;
use crate::Result;
use crate::analysis::{Relation, paper_models, paper_truncations};
use crate::paper::{self, Counted, Standing};
use crate::report::charts;
use crate::report::document::{Column, Content, Section, Table, Value};
use crate::report::number::{fixed, interval, millions, p_value, signed, times};
use crate::report::wording;

/// The section.
///
/// # Errors
/// Of correlations over numbers that are not finite; none of the paper's is.
pub(super) fn section() -> Result<Section> {
    let models = paper_models();
    let relations = Relation::all(&models)?;
    let truncations = paper_truncations();
    let mut content = vec![
        Content::Note(
            "Nothing in this section is measured by this study. These are the numbers of Ke, Ellsworth, Banerjee, Ng and Rajpurkar, CheXtransfer, CHIL \
             2021 (arXiv 2101.06871), on CheXpert's 500 test studies, each with its standing; sentences and correlations are computed from them by the \
             code that speaks of the study above."
                .to_owned(),
        ),
        Content::Text(format!(
            "Standing: {}.",
            Standing::ALL.map(|of| format!("{of} – {}", of.meaning())).join("; ")
        )),
    ];
    content.extend(
        relations
            .iter()
            .filter(|of| of.points.len() == models.len())
            .map(|of| Content::Finding(wording::relation(of))),
    );
    content.push(Content::Finding(
        wording::times_smaller(&truncations.iter().collect::<Vec<_>>()).1,
    ));
    content.push(Content::Note(paper::MNASNET_ANOMALY.to_owned()));
    content.extend(charts::imagenet(&models, &relations, "paper_imagenet").map(Content::Figure));
    content.push(Content::Table(table_1()));
    content.push(Content::Table(table_2()));
    content.push(Content::Table(correlations(&relations)));
    content.push(Content::Table(text()));
    Ok(Section {
        id: "paper",
        title: "The paper's own numbers".to_owned(),
        published: true,
        content,
    })
}

fn fact(of: Option<paper::Fact<f64>>, show: impl Fn(f64) -> String) -> Value {
    of.map_or(Value::Missing, |of| {
        Value::fact(of.value, show(of.value), of.standing)
    })
}

fn table_1() -> Table {
    let rows = paper::TABLE_1.iter().map(|row| {
        vec![
            Value::text(row.name),
            Value::fact(
                row.auc,
                format!("{} {}", fixed(row.auc, 3), interval(row.interval, 3, false)),
                Standing::Recalled,
            ),
            fact(row.without, |value| fixed(value, 3)),
            fact(row.boost, |value| signed(value, 3)),
            Value::text(if row.boosted { "yes" } else { "no" }),
            Value::fact(
                row.parameters as f64,
                millions(row.parameters),
                Standing::Computed,
            ),
            Value::text(match row.counted {
                Counted::FourteenOutputs => "14 outputs",
                Counted::ThousandClasses => "1000 classes",
                Counted::AnotherNetwork => "NASNet-A-Mobile",
            }),
            fact(Some(row.imagenet_top1), |value| fixed(value, 2)),
        ]
    });
    Table {
        id: "paper_table1",
        caption: "The paper's Table 1, with what its text says of the networks without pretraining".to_owned(),
        columns: vec![
            Column::text("Network", "network"),
            Column::fact("AUC with pretraining", "auc_with"),
            Column::fact("AUC without", "auc_without"),
            Column::fact("Boost", "boost"),
            Column::text("Boosted (seen)", "boosted"),
            Column::fact("Parameters (M)", "parameters"),
            Column::text("Counted as", "counted_as"),
            Column::fact("ImageNet top-1 (%)", "imagenet_top1"),
        ],
        rows: rows.collect(),
        notes: vec![
            "Parameters are counts of ours that equal the paper's to three decimals of a million; the paper mixes networks with 14 outputs and with 1000 \
             classes. ImageNet accuracies are those that the weights' documentation stated at the time; the list that the paper used was not seen."
                .to_owned(),
        ],
    }
}

fn table_2() -> Table {
    let rows = paper::TABLE_2.iter().map(|row| {
        let name = paper::of_architecture(row.architecture).map_or("", |of| of.name);
        let star = if row.significant { "*" } else { "" };
        vec![
            Value::text(format!("{name}Minus{}", row.minus)),
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
            Value::fact(
                row.parameters as f64,
                millions(row.parameters),
                Standing::Computed,
            ),
        ]
    });
    Table {
        id: "paper_table2",
        caption: "The paper's Table 2".to_owned(),
        columns: vec![
            Column::text("Network", "network"),
            Column::fact("AUC change (%)", "change_percent"),
            Column::fact("Times smaller", "times_smaller"),
            Column::fact("Parameters (M)", "parameters"),
        ],
        rows: rows.collect(),
        notes: vec![
            "The asterisk is the paper's: significantly different from the whole network. The two numbers of MNASNetMinus4 are hardly remembered."
                .to_owned(),
            paper::MNASNET_ANOMALY.to_owned(),
        ],
    }
}

fn correlations(relations: &[Relation]) -> Table {
    let rows = relations.iter().map(|relation| {
        let rho = relation.rho.as_ref().ok();
        let stated = stated(relation.x, relation.y);
        vec![
            Value::text(format!("{} and {}", relation.x.name(), relation.y.name())),
            fact(stated.map(|of| of.rho), |value| fixed(value, 3)),
            fact(stated.map(|of| of.p_value), p_value),
            Value::number(
                relation.points.len() as f64,
                relation.points.len().to_string(),
            ),
            rho.map_or(Value::Missing, |rho| {
                Value::number(rho.coefficient, fixed(rho.coefficient, 3))
            }),
            p(relation.p_value()),
        ]
    });
    Table {
        id: "paper_correlations",
        caption: "The paper's correlations, as stated and as computed from the rows above".to_owned(),
        columns: vec![
            Column::text("Quantities", "quantities"),
            Column::fact("ρ stated", "stated_rho"),
            Column::fact("p stated", "stated_p"),
            Column::number("Networks known", "networks"),
            Column::number("ρ computed", "rho"),
            Column::number("p computed", "p"),
        ],
        rows: rows.collect(),
        notes: vec![
            "Computed correlations are over AUCs of three decimals, and, without pretraining, over the few networks whose AUC is known: they cannot \
             equal the stated ones."
                .to_owned(),
        ],
    }
}

fn text() -> Table {
    let rows = vec![
        vec![
            Value::text(
                "mean boost over sixteen networks (0.016 elsewhere in the paper, recalled)",
            ),
            fact(Some(paper::MEAN_BOOST), |value| fixed(value, 3)),
        ],
        vec![
            Value::text("best minus worst network without pretraining (InceptionV3, MobileNetV2)"),
            fact(Some(paper::SPREAD_WITHOUT.0), |value| fixed(value, 3)),
        ],
        vec![
            Value::text(
                "times smaller in the mean without a significant drop, by one to two blocks less (see MNASNet above)",
            ),
            fact(Some(paper::MEAN_TIMES_SMALLER), |value| {
                format!("{}×", fixed(value, 2))
            }),
        ],
    ];
    Table {
        id: "paper_text",
        caption: "What the paper's text states".to_owned(),
        columns: vec![
            Column::text("Quantity", "quantity"),
            Column::fact("Value", "value"),
        ],
        rows,
        notes: Vec::new(),
    }
}
