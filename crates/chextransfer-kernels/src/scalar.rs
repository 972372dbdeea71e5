//! Activation functions of one value, written so that a loop over them becomes vector instructions.

use crate::Activation;

/// Runs code once for every activation, as a constant that the compiler sees.
macro_rules! with_constant_activation {
    ($activation:expr, $name:ident => $code:expr) => {
        with_constant_activation!(@ $activation, $name, $code,
            Identity Relu Relu6 Silu Hardswish Sigmoid Hardsigmoid)
    };
    (@ $activation:expr, $name:ident, $code:expr, $($variant:ident)*) => {
        match $activation {
            $(Activation::$variant => {
                const $name: Activation = Activation::$variant;
                $code
            })*
        }
    };
}
pub(crate) use with_constant_activation;

/// `e^x` for x in -87..87.5, as a fraction from `sqrt(1/2)` to `sqrt(2)` and a power of two.
#[inline(always)]
fn exponential(x: f32) -> (f32, f32) {
    // Adding this rounds to an integer, which then stands in the lowest bits, with the bias of exponents.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    // What the rounded logarithm lacks of the true one.
    const LOG2_E_REST: f32 = 1.925_963e-8;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let rest = x.mul_add(std::f32::consts::LOG2_E, ROUND - shifted);
    let rest = x.mul_add(LOG2_E_REST, rest);
    // The polynomial with 1 at 0 whose largest relative error from 2^rest in -1/2..1/2 is the smallest (Remez), 2.6e-9.
    let mut fraction = 1.559_467_8e-4f32;
    for coefficient in [
        1.340_664_3e-3,
        9.617_693e-3,
        5.550_310_4e-2,
        0.240_226_52,
        0.693_147_24,
        1.0,
    ] {
        fraction = fraction.mul_add(rest, coefficient);
    }
    (fraction, f32::from_bits(shifted.to_bits() << 23))
}

/// `1 + e^-x`, saturated where `e^-x` has no float of full precision.
#[inline(always)]
fn one_and_decay(x: f32) -> f32 {
    let (fraction, scale) = exponential(-x.clamp(-87.5, 87.0));
    fraction.mul_add(scale, 1.0)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / one_and_decay(x)
}

#[inline(always)]
fn hardsigmoid(x: f32) -> f32 {
    x.mul_add(1.0 / 6.0, 0.5).clamp(0.0, 1.0)
}

#[inline(always)]
fn indicator(condition: bool) -> f32 {
    if condition { 1.0 } else { 0.0 }
}

impl Activation {
    /// The function's value.
    #[inline(always)]
    pub(crate) fn value(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Relu => rectified(x),
            Self::Relu6 => {
                if x > 6.0 {
                    6.0
                } else {
                    rectified(x)
                }
            }
            Self::Silu => x / one_and_decay(x),
            Self::Hardswish => x * hardsigmoid(x),
            Self::Sigmoid => sigmoid(x),
            Self::Hardsigmoid => hardsigmoid(x),
        }
    }

    /// The function's derivative; at a kink PyTorch's.
    #[inline(always)]
    pub(crate) fn slope(self, x: f32) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => indicator(x > 0.0),
            Self::Relu6 => indicator(x > 0.0 && x < 6.0),
            Self::Silu => {
                let gate = sigmoid(x);
                gate * x.mul_add(1.0 - gate, 1.0)
            }
            Self::Hardswish => {
                if x <= -3.0 {
                    0.0
                } else if x < 3.0 {
                    x.mul_add(1.0 / 3.0, 0.5)
                } else {
                    1.0
                }
            }
            Self::Sigmoid => {
                let gate = sigmoid(x);
                gate * (1.0 - gate)
            }
            Self::Hardsigmoid => {
                if x > -3.0 && x < 3.0 {
                    1.0 / 6.0
                } else {
                    0.0
                }
            }
        }
    }

    /// Replaces values by the function's.
    #[inline(always)]
    pub(crate) fn apply(self, values: &mut [f32]) {
        with_constant_activation!(self, ACTIVATION => {
            if ACTIVATION != Activation::Identity {
                for value in values.iter_mut() {
                    *value = ACTIVATION.value(*value);
                }
            }
        });
    }
}

/// `max(0, x)` that keeps what is no number.
#[inline(always)]
fn rectified(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_within_a_unit_in_the_last_place() {
        let mut worst = 0.0f64;
        for step in -870_000..=875_000 {
            let x = step as f32 / 10_000.0;
            let (fraction, scale) = exponential(x);
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(fraction * scale) / exact - 1.0).abs());
        }
        assert!(worst < f64::from(f32::EPSILON), "{worst}");
    }

    #[test]
    fn sigmoids_saturate() {
        for (x, value) in [(1e9, 1.0), (88.0, 1.0), (f32::INFINITY, 1.0)] {
            assert_eq!(sigmoid(x), value);
            assert!((0.0..2e-38).contains(&sigmoid(-x)), "{}", sigmoid(-x));
        }
        assert_eq!(sigmoid(0.0), 0.5);
    }

    #[test]
    fn what_is_no_number_stays_so() {
        for activation in Activation::ALL {
            assert!(activation.value(f32::NAN).is_nan(), "{activation:?}");
        }
    }
}
