//! Binary cross-entropy over the labels that count.

use burn::tensor::Tensor;

/// Mean binary cross-entropy of logits against targets where the mask is 1.
///
/// Per element `max(x, 0) - x t + log(1 + exp(-|x|))`, which no logit overflows; the same as
/// PyTorch's `BCEWithLogitsLoss`. The mean is over the elements that count; where none does, the
/// loss is 0 and so are its gradients.
///
/// # Shapes
/// logits, targets and mask `[batch, observations]`; the loss `[1]`.
pub fn masked_binary_cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<2>,
    mask: Tensor<2>,
) -> Tensor<1> {
    let elements = burn::tensor::activation::relu(logits.clone()) - logits.clone() * targets
        + logits.abs().neg().exp().log1p();
    let counted = mask.clone().sum().clamp_min(1.0);
    (elements * mask).sum() / counted
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chextransfer_models::DeviceChoice;

    /// From torch.nn.functional.binary_cross_entropy_with_logits(reduction="none") on the elements
    /// that count, averaged: `ln(1 + e^-2)`, `0.5 + ln(1 + e^-0.5)`, 100, and 0 for logit 100, target 1.
    #[test]
    fn the_loss_is_the_mean_over_unmasked_elements() {
        let device = DeviceChoice::Cpu.open().unwrap();
        let tensor = |values| Tensor::<2>::from_floats(values, &device);
        let logits = tensor([[2.0, 0.5, 7.0], [100.0, -3.0, 100.0]]);
        let targets = tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]);
        let mask = tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]);
        let loss = masked_binary_cross_entropy(logits, targets, mask).into_scalar::<f32>();
        let expected = [
            (1.0 + (-2.0f64).exp()).ln(),
            0.5 + (1.0 + (-0.5f64).exp()).ln(),
            100.0,
            0.0,
        ];
        let expected = expected.iter().sum::<f64>() / 4.0;
        assert!(
            (f64::from(loss) - expected).abs() < 1e-5,
            "{loss} {expected}"
        );
    }

    #[test]
    fn masked_elements_have_no_gradient_and_a_wholly_masked_batch_has_loss_zero() {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let logits = Tensor::<2>::from_floats([[0.3, -1.2]], &device).require_grad();
        let targets = Tensor::from_floats([[1.0, 1.0]], &device);
        let mask = Tensor::from_floats([[1.0, 0.0]], &device);
        let loss = masked_binary_cross_entropy(logits.clone(), targets.clone(), mask);
        let gradient = logits.grad(&loss.backward()).unwrap();
        let gradient = gradient.into_data().try_into_vec_as::<f32>().unwrap();
        let sigmoid = 1.0 / (1.0 + (-0.3f32).exp());
        assert!(
            (gradient[0] - (sigmoid - 1.0)).abs() < 1e-6 && gradient[1] == 0.0,
            "{gradient:?}"
        );

        let nothing = Tensor::zeros([1, 2], &device);
        let loss = masked_binary_cross_entropy(logits, targets, nothing).into_scalar::<f32>();
        assert_eq!(loss, 0.0);
    }
}
