//! What a run tells while it works.

use std::ops::ControlFlow;
use std::path::Path;

use crate::TrainingTime;
use crate::run_directory::ValidationRecord;

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The training split's mean and standard deviation are being measured.
    Measuring {
        /// Images measured so far.
        done: usize,
        /// Images of the split.
        of: usize,
    },
    /// A checkpoint was refused, and the one before it is tried.
    Refused {
        /// The checkpoint.
        checkpoint: &'a Path,
        /// What is wrong with it.
        reason: &'a str,
    },
    /// An image could not be read and is left out.
    Unreadable {
        /// Its path as in the CSV.
        path: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// An optimiser step was taken.
    Step {
        /// Its number, counted from 1.
        step: u64,
        /// Training examples so far, over all epochs.
        examples: u64,
        /// Training examples of the whole run.
        of: u64,
        /// Loss of the step's batch.
        loss: f32,
        /// The learning rate, times the schedule's factor.
        learning_rate: f64,
        /// The time that steps took so far in this process.
        time: TrainingTime,
    },
    /// A step was left out, because its gradients overflowed for the factor of the loss, which is halved.
    LossScaleHalved {
        /// The step, counted from 1.
        step: u64,
        /// The factor from now on.
        factor: f32,
    },
    /// A step was left out, because its loss or its gradients were no finite numbers.
    StepSkipped {
        /// The step, counted from 1.
        step: u64,
        /// The batch's images, the first few by name.
        images: &'a str,
    },
    /// A split is being predicted.
    Predicting {
        /// Images predicted so far.
        done: usize,
        /// Images to predict.
        of: usize,
    },
    /// A validation ended.
    Validated(&'a ValidationRecord),
}

/// Takes the events of a run; `ControlFlow::Break` asks it to stop.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'a;
