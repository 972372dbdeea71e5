//! How much of a network may go: the smallest cut that is not inferior.

use serde::Serialize;

use super::model::Cost;
use super::truncation::{Cut, Truncation};

/// What the truncation advisor says of one network.
///
/// Cuts are tested from the shallowest on, each for being worse than the whole network by less than the margin, and the first
/// that fails ends it. In a fixed order every test may use the whole error probability, and the probability of advising one cut or
/// more that is inferior stays below it (Maurer, Hothorn and Lehmacher, Multiple comparisons in drug clinical trials, 1995).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// The whole network.
    pub network: String,
    /// Whether its runs start from ImageNet's weights.
    pub pretrained: bool,
    /// What is advised.
    pub choice: Choice,
    /// The whole network and every cut, with what they cost.
    pub cards: Vec<CostCard>,
}

/// What is advised.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// This cut, the smallest that is not inferior.
    Cut(String),
    /// The whole network: no cut was shown not to be inferior.
    Whole,
    /// Nothing: AUC or intervals are not defined.
    CannotSay,
}

/// What a network costs, and whether it may be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostCard {
    /// The network.
    pub network: String,
    /// Blocks dropped.
    pub minus: usize,
    /// Parameters, multiply-accumulates and side of the map.
    pub cost: Cost,
    /// Its AUC.
    pub auc: Option<f64>,
    /// The p-value of its being worse by the margin or more.
    pub inferiority_p: Option<f64>,
    /// What became of the test.
    pub tested: Tested,
}

/// What became of a cut's test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tested {
    /// It is the network that the others are held against.
    Reference,
    /// Not inferior.
    NotInferior,
    /// Not shown to be not inferior.
    NotShown,
    /// Behind a cut that failed, and so not tested.
    NotReached,
    /// AUC or intervals are not defined.
    Undefined,
}

impl Advice {
    /// What to do with a network.
    pub fn on(truncation: &Truncation) -> Self {
        let mut cards = vec![CostCard {
            network: truncation.architecture.name().to_owned(),
            minus: 0,
            cost: truncation.cost,
            auc: truncation.auc.map(|auc| auc.value),
            inferiority_p: None,
            tested: Tested::Reference,
        }];
        let mut going = true;
        for cut in &truncation.cuts {
            let tested = match cut.non_inferiority {
                _ if !going => Tested::NotReached,
                None => Tested::Undefined,
                Some(test) if test.holds => Tested::NotInferior,
                Some(_) => Tested::NotShown,
            };
            going &= tested == Tested::NotInferior;
            cards.push(card(cut, tested));
        }
        let advised = cards
            .iter()
            .rfind(|card| card.tested == Tested::NotInferior);
        let choice = match advised {
            Some(card) => Choice::Cut(card.network.clone()),
            None if cards.iter().any(|card| card.tested == Tested::NotShown) => Choice::Whole,
            None => Choice::CannotSay,
        };
        Self {
            network: truncation.architecture.name().to_owned(),
            pretrained: truncation.pretrained,
            choice,
            cards,
        }
    }

    /// The card of the network that is advised.
    pub fn advised(&self) -> Option<&CostCard> {
        match &self.choice {
            Choice::Cut(name) => self.cards.iter().find(|card| card.network == *name),
            Choice::Whole => self.cards.first(),
            Choice::CannotSay => None,
        }
    }
}

fn card(cut: &Cut, tested: Tested) -> CostCard {
    CostCard {
        network: cut.name.clone(),
        minus: cut.minus,
        cost: cut.cost,
        auc: cut.auc.map(|auc| auc.value),
        inferiority_p: cut.non_inferiority.map(|test| test.p_value),
        tested,
    }
}
