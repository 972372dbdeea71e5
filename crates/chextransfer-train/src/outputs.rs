//! What the outputs of a network mean.

use burn::tensor::Tensor;
use chextransfer_data::LabelProblem;

use crate::{Loss, Result};

/// Names of the observations that a label problem has the network predict, in the order of their outputs.
pub(crate) fn target_names(problem: &LabelProblem) -> Vec<String> {
    let names = problem.targets().iter().map(|target| target.name());
    names.map(str::to_owned).collect()
}

/// The cross-entropy of these outputs, without weights or smoothing.
pub(crate) fn loss(problem: &LabelProblem) -> Result<Loss> {
    let targets = 0..problem.targets().len();
    Loss::new(targets.map(|target| problem.columns(target)).collect())
}

/// Probabilities `[batch * targets]`, row by row, of logits `[batch, outputs]`.
///
/// A binary target's is the sigmoid of its logit; a multi-class one's the softmax over its logits of
/// negative and positive, the uncertain one left out (Irvin et al. 2019, section 3.1). In double precision, so that
/// sure answers do not all become 1.
pub(crate) fn probabilities(logits: Tensor<2>, problem: &LabelProblem) -> Vec<f64> {
    let logits: Vec<f64> = logits.into_data().iter::<f64>().collect();
    let targets = 0..problem.targets().len();
    let columns: Vec<_> = targets.map(|target| problem.columns(target)).collect();
    let odds = |logits: &[f64]| match *logits {
        [negative, positive, _] => positive - negative,
        [logit] => logit,
        _ => f64::NAN,
    };
    logits
        .chunks(problem.outputs().max(1))
        .flat_map(|row| columns.iter().map(|columns| odds(&row[columns.clone()])))
        .map(|odds| 1.0 / (1.0 + (-odds).exp()))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chextransfer_data::{Observation, UncertaintyPolicy};
    use chextransfer_models::DeviceChoice;

    use super::*;

    fn problem(targets: &[Observation]) -> LabelProblem {
        LabelProblem::paper().with_targets(targets).unwrap()
    }

    #[test]
    fn large_logits_keep_their_order_and_small_ones_their_digits() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let logits = Tensor::<2>::from_floats([[20.0, 30.0], [0.0, -100.0]], &device);
        let two = problem(&[Observation::Edema, Observation::Fracture]);
        let found = probabilities(logits, &two);
        assert!(found[0] < found[1] && found[1] < 1.0, "{found:?}");
        assert_eq!(found[2], 0.5);
        assert!((found[3].ln() + 100.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn an_uncertain_class_is_left_out_of_its_softmax() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let mixed = problem(&[Observation::Edema, Observation::Cardiomegaly])
            .with_policy(Observation::Cardiomegaly, UncertaintyPolicy::MultiClass)
            .unwrap();
        let logits = Tensor::<2>::from_floats([[0.0, 1.0, 2.0, 9.0]], &device);
        let found = probabilities(logits, &mixed);
        let expected = 2.0f64.exp() / (1.0f64.exp() + 2.0f64.exp());
        assert_eq!(found[0], 0.5);
        assert!((found[1] - expected).abs() < 1e-12, "{found:?}");
    }
}
