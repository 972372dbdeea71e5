//! Differences across families and within them.

use serde::Serialize;

use super::measure::{Change, Estimate};

/// Networks from one start, by family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Families {
    /// Whether these runs start from ImageNet's weights.
    pub pretrained: bool,
    /// One a family, in the grid's order.
    pub families: Vec<FamilyRow>,
    /// The best network against the worst; `None` below two networks.
    pub across: Option<Extremes>,
}

/// A family from one start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyRow {
    /// Its name.
    pub family: &'static str,
    /// Its networks, from the smallest.
    pub models: Vec<String>,
    /// The mean AUC of its networks.
    pub auc: Option<Estimate>,
    /// Largest minus smallest network; `None` for a family of one.
    pub within: Option<Extremes>,
}

/// Two networks at the ends of an order, and the difference of their AUCs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Extremes {
    /// The one that is subtracted.
    pub low: String,
    /// The one it is subtracted from.
    pub high: String,
    /// The difference; `None` where it is not defined.
    pub difference: Option<Change>,
}
