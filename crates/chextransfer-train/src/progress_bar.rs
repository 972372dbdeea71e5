//! The progress of a run on standard error: a bar on a terminal, plain lines elsewhere.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressStyle};

use crate::event::Event;
use crate::run_directory::ValidationRecord;
use crate::{Error, Result};

/// Shows a run's events and passes on the wish to stop.
///
/// ```
/// # use chextransfer_train::{Event, ProgressBar};
/// let stop = Default::default(); // set it to end the run after its current step
/// let mut progress = ProgressBar::new(stop);
/// let mut observer = |event: Event| progress.show(event);
/// ```
#[derive(Debug)]
pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    phase: &'static str,
    /// When the phase began, and the images that were done by then.
    begun: (Instant, u64),
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
            begun: (Instant::now(), 0),
            stop,
            last_line: None,
        }
    }

    /// A bar that breaks the run at the first interrupt (Ctrl-C, SIGTERM), so that it stops behind a
    /// checkpoint; the second ends the process at once. For programs: it takes over the process's signal
    /// handler.
    ///
    /// # Errors
    /// [`Error::Signals`] when the process has a handler already.
    pub fn until_interrupt() -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let handler = stop.clone();
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::Relaxed) {
                std::process::exit(1);
            }
        })
        .map_err(|cause| Error::Signals {
            cause: cause.to_string(),
        })?;
        Ok(Self::new(stop))
    }

    /// What breaks the run once it is set.
    pub fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Shows an event.
    pub fn show(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Measuring { done, of } => self.advance("measuring", done as u64, of as u64, ""),
            Event::Predicting { done, of } => {
                self.advance("predicting", done as u64, of as u64, "")
            }
            Event::Step {
                examples,
                of,
                loss,
                time,
                ..
            } => {
                let waiting = time.waiting() * 100.0;
                let message = format!("loss {loss:.4}, {waiting:.0} % waiting for data");
                self.advance("training", examples, of, &message);
            }
            Event::LossScaleHalved { step, factor } => self.line(&format!(
                "step {step} left out: its gradients overflowed; the loss is scaled by {factor} from now on"
            )),
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
            self.begun = (Instant::now(), done);
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
            eprintln!(
                "{phase}: {done} of {of} images{} {message}",
                self.speed(done, of)
            );
        }
    }

    /// Images a second since the phase began, and the time that the rest takes at that rate.
    fn speed(&self, done: u64, of: u64) -> String {
        let (begun, before) = self.begun;
        let rate = done.saturating_sub(before) as f64 / begun.elapsed().as_secs_f64();
        if done <= before || begun.elapsed() < Duration::from_secs(1) {
            return String::new();
        }
        let left = Duration::from_secs_f64(of.saturating_sub(done) as f64 / rate);
        format!(", {rate:.1}/s, {} left", HumanDuration(left))
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
