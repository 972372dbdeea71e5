//! The progress of a run on standard error: a bar on a terminal, plain lines elsewhere.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressStyle};

use crate::event::Event;
use crate::run_directory::ValidationRecord;

/// Shows a run's events and passes on the wish to stop.
///
/// ```
/// # use chextransfer_train::{Event, ProgressBar};
/// let stop = Default::default(); // set it, from a signal handler say, to end the run after its current step
/// let mut progress = ProgressBar::new(stop);
/// let mut observer = |event: Event| progress.show(event);
/// ```
#[derive(Debug)]
pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    phase: &'static str,
    stop: Arc<AtomicBool>,
    last_line: Option<Instant>,
}

/// Time between two plain lines of one phase.
const LINE_EVERY: Duration = Duration::from_secs(10);
const TEMPLATE: &str = "{prefix:>10} {bar:32} {pos}/{len} images  {per_sec}  {msg}  {eta} left";

impl ProgressBar {
    /// A bar that breaks the run once `stop` is set.
    pub fn new(stop: Arc<AtomicBool>) -> Self {
        Self {
            bar: indicatif::ProgressBar::hidden(),
            phase: "",
            stop,
            last_line: None,
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Measuring { done, of } => self.advance("measuring", done as u64, of as u64, ""),
            Event::Predicting { done, of } => {
                self.advance("predicting", done as u64, of as u64, "")
            }
            Event::Step {
                examples, of, loss, ..
            } => self.advance("training", examples, of, &format!("loss {loss:.4}")),
            Event::StepSkipped { step, images } => {
                self.line(&format!(
                    "step {step} left out: no finite numbers on {images}"
                ));
            }
            Event::Validated(record) => self.line(&validated(record)),
            Event::Unreadable { path, reason } => self.line(&format!("left out {path}: {reason}")),
            Event::Refused { checkpoint, reason } => {
                self.line(&format!("refused {}: {reason}", checkpoint.display()));
            }
        }
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Removes the bar.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
        self.phase = "";
    }

    fn advance(&mut self, phase: &'static str, done: u64, of: u64, message: &str) {
        if self.phase != phase {
            self.bar.finish_and_clear();
            self.phase = phase;
            self.last_line = None;
            self.bar = indicatif::ProgressBar::new(of)
                .with_prefix(phase)
                .with_position(done);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                self.bar.set_style(style);
            }
            self.bar.reset_eta();
        }
        self.bar.set_message(message.to_owned());
        self.bar.set_position(done);
        let due = self
            .last_line
            .is_none_or(|last| last.elapsed() >= LINE_EVERY)
            || done == of;
        if self.bar.is_hidden() && due {
            self.last_line = Some(Instant::now());
            let (rate, left) = (self.bar.per_sec(), HumanDuration(self.bar.eta()));
            eprintln!("{phase}: {done} of {of} images, {rate:.1}/s, {left} left {message}");
        }
    }

    fn line(&mut self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }
}

fn validated(record: &ValidationRecord) -> String {
    let auc = match record.validation_auc {
        Some(auc) => format!("{auc:.4} (mean of {})", record.averaged.len()),
        None => "undefined".to_owned(),
    };
    format!(
        "after {} images: training loss {:.4}, validation loss {:.4}, validation AUROC {auc}",
        record.examples, record.training_loss, record.validation_loss
    )
}
