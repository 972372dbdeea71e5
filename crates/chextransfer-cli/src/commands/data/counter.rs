//! The progress of work on many images: a bar on a terminal, plain lines elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);
const TEMPLATE: &str = "{prefix:>10} {bar:32} {pos}/{len}  {per_sec}  {eta} left";

/// Counts from any thread.
pub(crate) struct Counter {
    bar: ProgressBar,
    what: &'static str,
    last_line: Mutex<Instant>,
}

impl Counter {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::no_length().with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self {
            bar,
            what,
            last_line: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn set(&self, done: usize, of: usize) {
        if !self.bar.is_hidden() {
            self.bar.set_length(of as u64);
            self.bar.set_position(done as u64);
            return;
        }
        let mut last = self
            .last_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            eprintln!("{}: {done} of {of}", self.what);
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
