//! Activation functions.

use burn::tensor::Tensor;
use burn::tensor::activation::{hard_sigmoid, hard_swish, relu, sigmoid, silu};

/// The non-linearity behind a normalisation, or the gate of squeeze-and-excitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// No non-linearity.
    #[default]
    Identity,
    /// `max(0, x)`.
    Relu,
    /// `min(max(0, x), 6)`.
    Relu6,
    /// `x sigmoid(x)`, also called swish.
    Silu,
    /// `x hardsigmoid(x)`, Howard et al. 2019.
    Hardswish,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `min(max(0, x / 6 + 1 / 2), 1)`.
    Hardsigmoid,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Relu,
        Self::Relu6,
        Self::Silu,
        Self::Hardswish,
        Self::Sigmoid,
        Self::Hardsigmoid,
    ];

    /// Applies the function to each element. At a kink the derivative is PyTorch's on Burn's CPU backend.
    ///
    /// # Shapes
    /// Any shape, unchanged.
    pub fn forward<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        #[cfg(feature = "cpu")]
        if self != Self::Identity && crate::flex::is_fast(&input) {
            return crate::flex::activate(input, self);
        }
        match self {
            Self::Identity => input,
            Self::Relu => relu(input),
            // As a difference of two rectifiers: Burn differentiates `clamp` through compare and
            // fill passes that cost several times as much in training. Exact up to x = 12, above
            // it within the rounding of x - 6.
            Self::Relu6 => relu(input.clone()) - relu(input - 6.0),
            Self::Silu => silu(input),
            Self::Hardswish => hard_swish(input),
            Self::Sigmoid => sigmoid(input),
            Self::Hardsigmoid => hard_sigmoid(input, 1.0 / 6.0, 0.5),
        }
    }
}

#[cfg(all(test, feature = "cpu"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    const POINTS: [f32; 7] = [-7.0, -0.5, 0.25, 3.1, 5.75, 6.5, 100.3];

    /// Values and slopes at [`POINTS`].
    fn values_and_slopes(activation: Activation) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex().autodiff();
        let input = Tensor::<1>::from_floats(POINTS, &device).require_grad();
        let output = activation.forward(input.clone());
        let slope = input.grad(&output.clone().sum().backward()).unwrap();
        let values = |tensor: Tensor<1>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        (values(output), values(slope))
    }

    #[test]
    fn every_function_has_its_formulas_values_and_slopes() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let gate = |x: f64| (x / 6.0 + 0.5).clamp(0.0, 1.0);
        let functions: [(Activation, &dyn Fn(f64) -> f64); 7] = [
            (Activation::Identity, &|x| x),
            (Activation::Relu, &|x| x.max(0.0)),
            (Activation::Relu6, &|x| x.clamp(0.0, 6.0)),
            (Activation::Silu, &|x| x * sigmoid(x)),
            (Activation::Hardswish, &|x| x * gate(x)),
            (Activation::Sigmoid, &sigmoid),
            (Activation::Hardsigmoid, &gate),
        ];
        for (activation, formula) in functions {
            let (values, slopes) = values_and_slopes(activation);
            for ((value, slope), point) in values.into_iter().zip(slopes).zip(POINTS) {
                let x = f64::from(point);
                let expected = formula(x);
                let close = (f64::from(value) - expected).abs() < 1e-5 * expected.abs().max(1.0);
                assert!(close, "{activation:?}({x}) = {value}, not {expected}");
                let step = 1e-4;
                let expected = (formula(x + step) - formula(x - step)) / (2.0 * step);
                let close = (f64::from(slope) - expected).abs() < 1e-4;
                assert!(close, "{activation:?}'({x}) = {slope}, not {expected}");
            }
        }
    }
}
