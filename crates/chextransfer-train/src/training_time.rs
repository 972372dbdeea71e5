//! Where the time of training goes.

use std::fmt;
use std::time::Duration;

/// The time that steps took in one process, without validations and checkpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrainingTime {
    /// Images of these steps.
    pub images: u64,
    /// The device had nothing to do, because the next batch was not there.
    pub waited: Duration,
    /// From a batch to the end of its step.
    pub computed: Duration,
}

impl TrainingTime {
    /// The share of the time in which the device waited for data, 0 to 1.
    pub fn waiting(&self) -> f64 {
        let all = self.waited + self.computed;
        match all.is_zero() {
            true => 0.0,
            false => self.waited.as_secs_f64() / all.as_secs_f64(),
        }
    }

    /// Images a second.
    pub fn images_per_second(&self) -> f64 {
        let all = self.waited + self.computed;
        match all.is_zero() {
            true => 0.0,
            false => self.images as f64 / all.as_secs_f64(),
        }
    }
}

impl fmt::Display for TrainingTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} images in {:.1} s, {:.1} a second; the device waited for data {:.1} % of the time",
            self.images,
            (self.waited + self.computed).as_secs_f64(),
            self.images_per_second(),
            self.waiting() * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_a_share_of_all_and_nothing_without_steps() {
        assert_eq!(TrainingTime::default().waiting(), 0.0);
        let time = TrainingTime {
            images: 30,
            waited: Duration::from_secs(1),
            computed: Duration::from_secs(3),
        };
        assert_eq!(time.waiting(), 0.25);
        let text =
            "30 images in 4.0 s, 7.5 a second; the device waited for data 25.0 % of the time";
        assert_eq!(time.to_string(), text);
    }
}
