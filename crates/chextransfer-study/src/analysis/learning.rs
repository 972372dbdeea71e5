//! How AUC grows with the number of training patients, and what it costs to get there.

use serde::Serialize;

use super::measure::Change;
use super::model::Measured;

/// A network over shares of the training patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningCurve {
    /// The network.
    pub network: String,
    /// From the smallest share.
    pub points: Vec<LearningPoint>,
}

/// A network on one share of the training patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningPoint {
    /// Above 0 to 1.
    pub fraction: f64,
    /// From random weights.
    pub without: Option<Measured>,
    /// From ImageNet's.
    pub with: Option<Measured>,
    /// With minus without.
    pub boost: Option<Change>,
}

/// A network with what its training cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComputePoint {
    /// The network.
    pub network: String,
    /// Whether it starts from ImageNet's weights.
    pub pretrained: bool,
    /// The share of the training patients.
    pub fraction: f64,
    /// Multiply-accumulates of the forward passes of a run's training examples, mean over its seeds: the multiply-accumulates
    /// of an image times the examples. Backward passes cost about twice that again, for all networks alike.
    pub macs: f64,
    /// The AUC that it reached.
    pub auc: f64,
    /// Whether no other run reached as high an AUC with as little.
    pub on_frontier: bool,
}

/// Marks the points that no other beats: a higher AUC with no more work, or the same AUC with less.
pub(super) fn mark_frontier(points: &mut [ComputePoint]) {
    let all: Vec<(f64, f64)> = points.iter().map(|point| (point.macs, point.auc)).collect();
    for point in points {
        let beats = |&(macs, auc): &(f64, f64)| {
            macs <= point.macs && auc >= point.auc && (macs < point.macs || auc > point.auc)
        };
        point.on_frontier = !all.iter().any(beats);
    }
}
