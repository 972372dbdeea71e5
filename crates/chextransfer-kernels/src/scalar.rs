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

/// `e^x` within 2 units in the last place for x in -87..88, saturated beyond; after Cephes' `expf`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding this rounds to an integer, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let rest = n.mul_add(-0.693_359_4, x);
    let rest = n.mul_add(2.121_944_4e-4, rest);
    let mut sum = 1.987_569_1e-4f32;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
    ] {
        sum = sum.mul_add(rest, coefficient);
    }
    let fraction = sum.mul_add(rest * rest, rest) + 1.0;
    // 2^n, by its exponent.
    fraction * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
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
            Self::Silu => x * sigmoid(x),
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
    fn exponentials_are_within_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        for step in -870_000..=880_000 {
            let x = step as f32 / 10_000.0;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst}");
        assert!(exp(-1e9) < 2e-38 && exp(1e9) > 1e38);
    }

    #[test]
    fn what_is_no_number_stays_so() {
        for activation in Activation::ALL {
            assert!(activation.value(f32::NAN).is_nan(), "{activation:?}");
        }
    }
}
