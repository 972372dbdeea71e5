//! The paper's tables in the shape of a study's, so that the same code speaks of both.

use super::measure::{Change, Estimate};
use super::model::{Cost, Measured, Model};
use super::truncation::{Cut, Truncation};
use crate::paper::{self, PaperModel};

/// Table 1 as networks: AUC with pretraining, and what is known of the rest. Multiply-accumulates and maps are not of the
/// paper and are 0.
pub fn paper_models() -> Vec<Model> {
    paper::TABLE_1.iter().map(model).collect()
}

fn model(row: &PaperModel) -> Model {
    let measured = |value: f64, interval: Option<[f64; 2]>| Measured {
        auc: Some(Estimate {
            value,
            interval,
            deviation: None,
        }),
        runs: Vec::new(),
    };
    Model {
        name: row.name.to_owned(),
        architecture: row.architecture,
        minus: 0,
        cost: cost(row.parameters),
        imagenet_top1: Some(row.imagenet_top1.value),
        without: row.without.map(|fact| measured(fact.value, None)),
        with: Some(measured(row.auc, Some(row.interval))),
        boost: row.boost.map(|fact| Change {
            estimate: Estimate {
                value: fact.value,
                interval: None,
                deviation: None,
            },
            p_value: None,
            adjusted_p: None,
        }),
    }
}

/// Table 2 as truncations, with the factors as the paper rounds them.
pub fn paper_truncations() -> Vec<Truncation> {
    let mut truncations: Vec<Truncation> = Vec::new();
    for row in &paper::TABLE_2 {
        let Some(whole) = paper::of_architecture(row.architecture) else {
            continue;
        };
        let place = truncations
            .iter()
            .position(|of| of.architecture == row.architecture);
        let place = place.unwrap_or_else(|| {
            truncations.push(Truncation {
                architecture: row.architecture,
                pretrained: true,
                cost: cost(whole.parameters),
                auc: Some(Estimate {
                    value: whole.auc,
                    interval: Some(whole.interval),
                    deviation: None,
                }),
                runs: Vec::new(),
                cuts: Vec::new(),
            });
            truncations.len() - 1
        });
        truncations[place].cuts.push(Cut {
            name: format!("{}Minus{}", whole.name, row.minus),
            minus: row.minus,
            cost: cost(row.parameters),
            times_smaller: row.times_smaller,
            auc: None,
            change: None,
            change_percent: Some(row.change_percent),
            drops: Some(row.significant),
            non_inferiority: None,
            runs: Vec::new(),
        });
    }
    truncations
}

fn cost(parameters: u64) -> Cost {
    Cost {
        parameters,
        macs: 0,
        map_side: 0,
    }
}
