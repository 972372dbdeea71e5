//! Activation functions.

use burn::tensor::{Tensor, activation::relu};

/// The non-linearity behind a normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// No non-linearity.
    Identity,
    /// `max(0, x)`.
    Relu,
    /// `min(max(0, x), 6)`.
    Relu6,
}

impl Activation {
    /// Applies the function to each element.
    ///
    /// # Shapes
    /// Any shape, unchanged.
    pub fn forward<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Identity => input,
            Self::Relu => relu(input),
            // As a difference of two rectifiers: Burn differentiates `clamp` through compare and
            // fill passes that cost several times as much in training. Exact up to x = 12, above
            // it within the rounding of x - 6.
            Self::Relu6 => relu(input.clone()) - relu(input - 6.0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::DeviceChoice;

    #[test]
    fn relu6_has_the_values_and_the_slope_of_a_clamp() {
        let device = DeviceChoice::Cpu.open().unwrap().autodiff();
        let points = [-7.0f32, -0.5, 0.25, 3.1, 5.75, 6.5, 100.3];
        let input = Tensor::<1>::from_floats(points, &device).require_grad();
        let output = Activation::Relu6.forward(input.clone());
        let slope = input.grad(&output.clone().sum().backward()).unwrap();

        let values = output.into_data().try_into_vec_as::<f32>().unwrap();
        for (value, point) in values.iter().zip(points) {
            assert!(
                (value - point.clamp(0.0, 6.0)).abs() < 1e-5,
                "relu6({point}) = {value}"
            );
        }
        let slope = slope.into_data().try_into_vec_as::<f32>().unwrap();
        assert_eq!(slope, [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    }
}
