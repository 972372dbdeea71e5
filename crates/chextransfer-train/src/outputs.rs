//! What the outputs of a network mean.

use burn::tensor::Tensor;
use chextransfer_data::{LabelProblem, Observation};

/// Names of the observations that a label problem has the network predict, in the order of their outputs.
pub(crate) fn target_names(_problem: &LabelProblem) -> Vec<String> {
    Observation::ALL
        .map(|observation| observation.name().to_owned())
        .to_vec()
}

/// Probabilities `[batch * targets]`, row by row, of logits `[batch, outputs]`: the sigmoid of each, in double precision, so
/// that sure answers do not all become 1.
pub(crate) fn probabilities(logits: Tensor<2>, _problem: &LabelProblem) -> Vec<f64> {
    let logits = logits.into_data();
    let sigmoid = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    logits.iter::<f64>().map(sigmoid).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chextransfer_models::DeviceChoice;

    use super::*;

    #[test]
    fn large_logits_keep_their_order_and_small_ones_their_digits() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let logits = Tensor::<2>::from_floats([[20.0, 30.0], [0.0, -100.0]], &device);
        let found = probabilities(logits, &LabelProblem::paper());
        assert!(found[0] < found[1] && found[1] < 1.0, "{found:?}");
        assert_eq!(found[2], 0.5);
        assert!((found[3].ln() + 100.0).abs() < 1e-12, "{found:?}");
    }
}
