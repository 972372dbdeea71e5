//! Do two quantities go together over the networks of a study?

use chextransfer_metrics::{Correlation, Line, Undefined, spearman};
use serde::Serialize;

use super::model::{Model, family_name};
use crate::Result;

/// A quantity of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// ImageNet top-1 accuracy in percent.
    ImagenetTop1,
    /// Number of parameters.
    Parameters,
    /// AUC without pretraining.
    AucWithout,
    /// AUC with pretraining.
    AucWith,
    /// AUC with minus AUC without.
    Boost,
}

impl Quantity {
    fn of(self, model: &Model) -> Option<f64> {
        match self {
            // What is stated is the whole network's accuracy.
            Self::ImagenetTop1 => model.imagenet_top1.filter(|_| model.is_whole()),
            Self::Parameters => Some(model.cost.parameters as f64),
            Self::AucWithout => model.auc(false),
            Self::AucWith => model.auc(true),
            Self::Boost => Some(model.boost?.estimate.value),
        }
    }

    /// On the scale of the figures: parameters as their decimal logarithm.
    fn plotted(self, value: f64) -> f64 {
        match self {
            Self::Parameters => value.log10(),
            _ => value,
        }
    }

    /// Its name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ImagenetTop1 => "ImageNet top-1 accuracy",
            Self::Parameters => "number of parameters",
            Self::AucWithout => "AUC without pretraining",
            Self::AucWith => "AUC with pretraining",
            Self::Boost => "pretraining boost",
        }
    }
}

/// The networks of a study, or of the paper, by two quantities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relation {
    /// The first quantity.
    pub x: Quantity,
    /// The second.
    pub y: Quantity,
    /// The networks that have both.
    pub points: Vec<RelationPoint>,
    /// Spearman's rank correlation.
    pub rho: Result<Correlation, Undefined>,
    /// The least-squares line; over the logarithm of the parameters.
    pub line: Result<Line, Undefined>,
}

/// A network in a relation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelationPoint {
    /// Its name.
    pub model: String,
    /// Its family.
    pub family: &'static str,
    /// The first quantity.
    pub x: f64,
    /// The second.
    pub y: f64,
}

impl Relation {
    /// The five relations that the paper asks for.
    pub const ASKED: [(Quantity, Quantity); 5] = [
        (Quantity::ImagenetTop1, Quantity::AucWithout),
        (Quantity::ImagenetTop1, Quantity::AucWith),
        (Quantity::Parameters, Quantity::AucWithout),
        (Quantity::Parameters, Quantity::AucWith),
        (Quantity::Parameters, Quantity::Boost),
    ];

    /// Correlates two quantities of networks, where both are known.
    ///
    /// # Errors
    /// When a quantity is not finite.
    pub fn of(models: &[Model], x: Quantity, y: Quantity) -> Result<Self> {
        let points: Vec<_> = models
            .iter()
            .filter_map(|model| {
                Some(RelationPoint {
                    model: model.name.clone(),
                    family: family_name(model.architecture.family()),
                    x: x.of(model)?,
                    y: y.of(model)?,
                })
            })
            .collect();
        let xs: Vec<f64> = points.iter().map(|point| point.x).collect();
        let ys: Vec<f64> = points.iter().map(|point| point.y).collect();
        let plotted: Vec<f64> = xs.iter().map(|&value| x.plotted(value)).collect();
        // Nothing has no correlation, and is no error.
        let (rho, line) = match points.is_empty() {
            true => (Err(Undefined::TooFew), Err(Undefined::TooFew)),
            false => (spearman(&xs, &ys)?, Line::through(&plotted, &ys)?),
        };
        Ok(Self {
            x,
            y,
            points,
            rho,
            line,
        })
    }

    /// All that the paper asks for.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn all(models: &[Model]) -> Result<Vec<Self>> {
        Self::ASKED
            .into_iter()
            .map(|(x, y)| Self::of(models, x, y))
            .collect()
    }

    /// The p-value: the exact one where there is one.
    pub fn p_value(&self) -> Option<f64> {
        let rho = self.rho.as_ref().ok()?;
        Some(rho.exact_p_value.unwrap_or(rho.p_value))
    }
}
