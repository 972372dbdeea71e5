//! What training does to the tensors of a network.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
use chextransfer_models::block::InvertedResidualSpec;
use chextransfer_models::{BlockLayout, Network, NetworkSpec, TensorKind};

use crate::subject::values;
use crate::tensors;

/// Sensitivities below this are rounding: see [`Sensitivities`]. The largest of all trials was 2.3e-6.
const NOTHING: f32 = 1e-5;
/// Sensitivities above this are learning. The smallest of all trials was 1.7e-4, of a bias in a gate.
const SOMETHING: f32 = 5e-5;

/// For every trainable tensor, `|gradient| |tensor| / loss` with Euclidean norms: the relative change
/// of the loss when the tensor changes by its own size along the gradient. It does not depend on the
/// scale of weights or loss, so that what is rounding in one network is rounding in all.
pub(crate) type Sensitivities = BTreeMap<String, Option<f32>>;

struct Visitor<'a> {
    gradients: &'a Gradients,
    loss: f32,
    by_id: BTreeMap<u64, Option<f32>>,
}

impl ModuleVisitor for Visitor<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if !parameter.is_require_grad() {
            return;
        }
        let norm = |tensor: Tensor<D>| tensor.square().sum().sqrt().into_scalar::<f32>();
        let tensor = parameter.val();
        let gradient = tensor.grad(self.gradients);
        let sensitivity = gradient.map(|gradient| {
            assert_eq!(gradient.dims(), tensor.dims());
            norm(gradient) * norm(tensor.inner()) / self.loss
        });
        self.by_id.insert(parameter.id.val(), sensitivity);
    }
}

/// The sensitivity of the mean squared output to every trainable tensor; `None` without a gradient.
pub(crate) fn sensitivities(network: &Network, outputs: Tensor<2>) -> Sensitivities {
    assert!(
        values(&outputs).iter().all(|value| value.is_finite()),
        "{outputs}"
    );
    let loss = outputs.square().mean();
    let mut visitor = Visitor {
        gradients: &loss.backward(),
        loss: loss.clone().into_scalar::<f32>(),
        by_id: BTreeMap::new(),
    };
    network.visit(&mut visitor);
    let paths: BTreeMap<_, _> = tensors::held(network)
        .into_iter()
        .map(|(path, tensor)| (tensor.id.unwrap(), path))
        .collect();
    let by_path = |(id, sensitivity)| (paths[&id].clone(), sensitivity);
    visitor.by_id.into_iter().map(by_path).collect()
}

/// Every parameter gets a finite gradient, and one that is no rounding error wherever calculus says so.
pub(crate) fn assert_every_parameter_learns(network: &Network, logits: Tensor<2>) {
    let spec = network.spec();
    let found = sensitivities(network, logits);
    let parameters = spec.tensors().into_iter();
    let parameters = parameters.filter(|tensor| tensor.kind == TensorKind::Parameter);
    let parameters: BTreeSet<_> = parameters.map(|tensor| tensor.path).collect();
    let trainable: BTreeSet<_> = found.keys().cloned().collect();
    assert_eq!(
        trainable, parameters,
        "trainable tensors against listed parameters"
    );
    assert_learns(&found, &shifts_without_effect(spec));
}

/// All of these tensors learn, but for those on which the loss does not depend.
pub(crate) fn assert_learns(found: &Sensitivities, without_effect: &BTreeSet<String>) {
    for path in without_effect {
        assert!(found.contains_key(path), "{path} has no sensitivity");
    }
    let wrong = |(path, sensitivity): &(&String, &Option<f32>)| {
        !sensitivity.is_some_and(|sensitivity| {
            sensitivity.is_finite()
                && if without_effect.contains(*path) {
                    sensitivity < NOTHING
                } else {
                    sensitivity > SOMETHING
                }
        })
    };
    let wrong: Vec<_> = found.iter().filter(wrong).collect();
    assert!(
        wrong.is_empty(),
        "sensitivity above {SOMETHING} expected, or below {NOTHING} for {without_effect:?}; found {wrong:?}"
    );
}

/// The shifts of batch normalisations that no loss depends on, in training.
///
/// An inverted residual ends in a normalisation without activation. What it adds to a whole channel
/// reaches, along the units' shortcuts as well, nothing but 1x1 convolutions: those of the following
/// units and the neck. They have neither padding nor bias, so they make of it a constant in each of
/// their channels, and the batch normalisation behind them takes away the batch's mean, constant and
/// all. It is another matter where a head follows (truncated networks) or a padded depthwise
/// convolution (a unit that does not widen), which sees zeros beside the constant.
pub(crate) fn shifts_without_effect(spec: &NetworkSpec) -> BTreeSet<String> {
    let mut units = Vec::new();
    for (stage, block) in spec.blocks().iter().enumerate() {
        if let BlockLayout::InvertedResidual(layout) = &block.layout {
            let paths = (0..).map(|unit| format!("blocks.{stage}.units.{unit}.project.norm.bias"));
            units.extend(layout.units.iter().zip(paths));
        }
    }
    let mut without_effect = BTreeSet::new();
    // Whether a constant in the map behind a unit is taken away by all that sees it.
    let mut taken_away = spec.dropped() == 0;
    for (unit, path) in units.into_iter().rev() {
        if taken_away {
            without_effect.insert(path);
        }
        taken_away = unit.expand.is_some() && (taken_away || !has_shortcut(unit));
    }
    without_effect
}

fn has_shortcut(unit: &InvertedResidualSpec) -> bool {
    let input = unit
        .expand
        .as_ref()
        .map_or(unit.depthwise.input, |conv| conv.input);
    unit.depthwise.stride == [1, 1] && input == unit.project.output
}

/// A training step gave every running statistic another value than `before`.
pub(crate) fn assert_statistics_moved(network: &Network, before: &BTreeMap<String, String>) {
    let after = tensors::digests(network);
    for tensor in network.spec().tensors() {
        if tensor.kind == TensorKind::Statistic {
            let path = tensor.path;
            assert_ne!(after[&path], before[&path], "{path} stayed as it was");
        }
    }
}
