//! A factor of the loss for types whose smallest numbers are too large for gradients.

use serde::{Deserialize, Serialize};

/// The factor, and how it follows the gradients: PyTorch's `GradScaler` with its defaults.
///
/// It doubles after 2,000 steps without overflow; a step whose gradients overflow is left out and halves it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LossScale {
    factor: f32,
    /// Steps since it last changed.
    steps: u32,
}

const GROW_AFTER: u32 = 2000;

impl Default for LossScale {
    fn default() -> Self {
        Self {
            factor: 65536.0,
            steps: 0,
        }
    }
}

impl LossScale {
    /// Of a run in which gradients overflow.
    #[cfg(test)]
    pub(crate) fn at(factor: f32) -> Self {
        Self { factor, steps: 0 }
    }

    pub(crate) fn factor(&self) -> f32 {
        self.factor
    }

    /// Goes on behind a step whose gradients did not overflow.
    pub(crate) fn keep(&mut self) {
        self.steps += 1;
        if self.steps == GROW_AFTER {
            *self = Self {
                factor: self.factor * 2.0,
                steps: 0,
            };
        }
    }

    /// Whether the factor could be the reason of an overflow; if so it is halved.
    pub(crate) fn fall(&mut self) -> bool {
        let is_scaled = self.factor > 1.0;
        if is_scaled {
            *self = Self {
                factor: self.factor / 2.0,
                steps: 0,
            };
        }
        is_scaled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `torch.amp.GradScaler` goes through the same overflows.
    #[test]
    fn it_falls_at_every_overflow_and_doubles_after_two_thousand_steps_without() {
        let mut scale = LossScale::default();
        assert!(scale.fall() && scale.fall());
        assert_eq!(scale.factor(), 16384.0);
        for _ in 0..1999 {
            scale.keep();
        }
        assert_eq!(scale.factor(), 16384.0);
        scale.keep();
        assert_eq!(scale.factor(), 32768.0);
        for _ in 0..1999 {
            scale.keep();
        }
        assert!(scale.fall());
        scale.keep();
        assert_eq!(scale.factor(), 16384.0);
    }

    #[test]
    fn at_one_an_overflow_is_not_its_doing() {
        let mut scale = LossScale::default();
        for _ in 0..16 {
            assert!(scale.fall());
        }
        assert_eq!(scale.factor(), 1.0);
        assert!(!scale.fall());
        assert_eq!(scale.factor(), 1.0);
    }
}
