//! How the learning rate changes over a run.
//!
//! A factor on the learning rate, as a pure function of where the run is: nothing to store in a
//! checkpoint, nothing to lose on resume.

use serde::{Deserialize, Serialize};

use crate::Interval;

/// The shape of the learning rate behind its warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The same throughout: the paper's.
    #[default]
    Constant,
    /// Times `factor` after every `every`, as PyTorch's `StepLR`.
    Step {
        /// How long each level lasts.
        every: Interval,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// Half a cosine from 1 down to `floor` (Loshchilov and Hutter 2017, equation 5, one period), as
    /// PyTorch's `CosineAnnealingLR`.
    Cosine {
        /// What is left of the rate at the end.
        #[serde(default)]
        floor: f64,
    },
    /// A straight line from 1 down to `floor`.
    Linear {
        /// What is left of the rate at the end.
        #[serde(default)]
        floor: f64,
    },
    /// Times `factor` whenever the mean validation AUROC has not risen for more than `patience`
    /// validations, as PyTorch's `ReduceLROnPlateau` in mode `max`.
    Plateau {
        /// Validations without a rise that are borne.
        #[serde(default = "patience")]
        patience: u64,
        /// What the rate is multiplied by.
        #[serde(default = "tenth")]
        factor: f64,
        /// How much the AUROC must rise to count.
        #[serde(default)]
        min_rise: f64,
    },
}

fn patience() -> u64 {
    10
}

fn tenth() -> f64 {
    0.1
}

/// Where a run is, before a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position<'a> {
    /// Optimiser steps taken.
    pub(crate) step: u64,
    /// Training examples seen.
    pub(crate) examples: u64,
    /// Optimiser steps of the whole run.
    pub(crate) steps: u64,
    /// Training examples of the whole run.
    pub(crate) all_examples: u64,
    /// Mean AUROC of every validation so far; NaN where it was undefined.
    pub(crate) validations: &'a [f64],
}

impl Schedule {
    /// What the learning rate is multiplied by in the next step.
    ///
    /// Over `warm_up` it rises in equal parts, from one part in the first step to the whole (Goyal et
    /// al. 2017, section 2.2); the schedule begins behind it.
    pub(crate) fn factor(&self, warm_up: Option<Interval>, at: Position) -> f64 {
        let per_step = at.all_examples as f64 / at.steps.max(1) as f64;
        let warm_up = warm_up.map_or(0, |warm_up| match warm_up {
            Interval::Steps(steps) => steps,
            Interval::Examples(examples) => (examples as f64 / per_step).ceil() as u64,
        });
        if at.step < warm_up {
            return (at.step + 1) as f64 / warm_up as f64;
        }
        let step = at.step - warm_up;
        let done = step as f64 / at.steps.saturating_sub(warm_up).max(1) as f64;
        match *self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => {
                let examples = at
                    .examples
                    .saturating_sub((warm_up as f64 * per_step) as u64);
                let levels = every.passed(examples, step) / every.count().max(1);
                factor.powf(levels as f64)
            }
            Self::Cosine { floor } => {
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Self::Linear { floor } => floor + (1.0 - floor) * (1.0 - done),
            Self::Plateau {
                patience,
                factor,
                min_rise,
            } => factor.powf(plateaus(at.validations, patience, min_rise) as f64),
        }
    }
}

/// How often more than `patience` validations in a row were without a rise above the best by `min_rise`.
fn plateaus(validations: &[f64], patience: u64, min_rise: f64) -> u64 {
    let (mut falls, mut waited, mut best) = (0, 0, f64::NEG_INFINITY);
    for &auc in validations {
        // What is undefined is no rise.
        if auc > best + min_rise {
            best = auc;
            waited = 0;
        } else {
            waited += 1;
        }
        if waited > patience {
            falls += 1;
            waited = 0;
        }
    }
    falls
}

/// Ends a run whose mean validation AUROC no longer rises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Validations without a rise that are borne; one more ends the run.
    pub patience: u64,
    /// How much the AUROC must rise to count.
    #[serde(default)]
    pub min_rise: f64,
}

impl EarlyStopping {
    pub(crate) fn is_due(&self, validations: &[f64]) -> bool {
        plateaus(validations, self.patience, self.min_rise) > 0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Factors of the steps of a run of `steps` steps with 2 examples each.
    fn factors(schedule: Schedule, warm_up: Option<Interval>, steps: u64) -> Vec<f64> {
        (0..steps)
            .map(|step| {
                let at = Position {
                    step,
                    examples: 2 * step,
                    steps,
                    all_examples: 2 * steps,
                    validations: &[],
                };
                schedule.factor(warm_up, at)
            })
            .collect()
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(
            found.iter().zip(expected).all(near),
            "{found:?}, not {expected:?}"
        );
        assert_eq!(found.len(), expected.len());
    }

    /// CosineAnnealingLR(T_max=8, eta_min=0.1) and StepLR(step_size=3, gamma=0.5) of torch 2.15.0, on a
    /// rate of 1.
    #[test]
    fn cosine_and_step_are_pytorchs() {
        let cosine = [
            1.0,
            0.9657457897,
            0.8681980515,
            0.7222075445,
            0.55,
            0.3777924555,
            0.2318019485,
            0.1342542103,
        ];
        assert_near(&factors(Schedule::Cosine { floor: 0.1 }, None, 8), &cosine);
        let steps = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25];
        let every_three = Schedule::Step {
            every: Interval::Steps(3),
            factor: 0.5,
        };
        assert_near(&factors(every_three, None, 7), &steps);
        let every_six_examples = Schedule::Step {
            every: Interval::Examples(6),
            factor: 0.5,
        };
        assert_near(&factors(every_six_examples, None, 7), &steps);
    }

    #[test]
    fn a_warm_up_ends_at_the_whole_rate_and_the_schedule_begins_behind_it() {
        let expected = [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25];
        let linear = Schedule::Linear { floor: 0.0 };
        for warm_up in [Interval::Steps(4), Interval::Examples(8)] {
            assert_near(&factors(linear, Some(warm_up), 8), &expected);
        }
        let stepwise = Schedule::Step {
            every: Interval::Steps(2),
            factor: 0.1,
        };
        let found = factors(stepwise, Some(Interval::Steps(2)), 6);
        assert_near(&found, &[0.5, 1.0, 1.0, 1.0, 0.1, 0.1]);
    }

    /// ReduceLROnPlateau(mode="max", patience=1, threshold=0, factor=0.1) of torch 2.15.0.
    #[test]
    fn a_plateau_is_pytorchs_and_an_undefined_auroc_is_no_rise() {
        let schedule = Schedule::Plateau {
            patience: 1,
            factor: 0.1,
            min_rise: 0.0,
        };
        let aucs = [0.5, 0.6, 0.6, 0.59, 0.6, 0.6, 0.7, 0.1, 0.1];
        let expected = [1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001];
        let found: Vec<_> = (0..=aucs.len())
            .map(|seen| {
                let at = Position {
                    step: 0,
                    examples: 0,
                    steps: 1,
                    all_examples: 1,
                    validations: &aucs[..seen],
                };
                schedule.factor(None, at)
            })
            .collect();
        assert_near(&found, &expected);
        assert_eq!(plateaus(&[0.5, f64::NAN, f64::NAN], 1, 0.0), 1);
    }

    #[test]
    fn early_stopping_waits_as_long_as_it_is_told() {
        let stopping = EarlyStopping {
            patience: 2,
            min_rise: 0.01,
        };
        let aucs = [0.5, 0.6, 0.605, 0.609, 0.601];
        assert!(!stopping.is_due(&aucs[..4]));
        assert!(stopping.is_due(&aucs));
    }

    #[test]
    fn schedules_are_read_from_toml_and_unknown_ones_refused() {
        #[derive(Deserialize)]
        struct Settings {
            schedule: Schedule,
        }
        let read = |text: &str| toml::from_str::<Settings>(text).map(|read| read.schedule);
        let found = read("[schedule]\nkind = \"step\"\nevery = \"3 steps\"\nfactor = 0.5");
        let expected = Schedule::Step {
            every: Interval::Steps(3),
            factor: 0.5,
        };
        assert_eq!(found.unwrap(), expected);
        assert!(read("[schedule]\nkind = \"cosine\"").is_ok());
        let message = read("[schedule]\nkind = \"sawtooth\"").unwrap_err();
        assert!(message.message().contains("plateau"), "{message}");
        assert!(read("[schedule]\nkind = \"cosine\"\nfactor = 1").is_err());
    }
}
