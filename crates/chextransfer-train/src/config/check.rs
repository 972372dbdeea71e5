//! Every setting checked before any work starts.

use crate::{Error, Freeze, Interval, Result, Schedule, TrainConfig};

/// What a number may be.
#[derive(Clone, Copy)]
enum Range {
    Positive,
    NotNegative,
    BelowOne,
    Share,
}
use Range::{BelowOne, NotNegative, Positive, Share};

impl Range {
    fn contains(self, number: f64) -> bool {
        match self {
            Positive => number > 0.0 && number.is_finite(),
            NotNegative => number >= 0.0 && number.is_finite(),
            BelowOne => (0.0..1.0).contains(&number),
            Share => (0.0..=1.0).contains(&number),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Positive => "a number above 0",
            NotNegative => "a number that is not negative",
            BelowOne => "from 0 to below 1",
            Share => "a share from 0 to 1",
        }
    }
}

impl TrainConfig {
    /// Checks every setting before any work starts.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first one that is out of range, [`Error::UnknownPart`], and what is
    /// wrong with the network that they describe.
    pub fn check(&self) -> Result<()> {
        let wrong = |setting, found: String, expected| {
            Err(Error::Setting {
                setting,
                found,
                expected,
            })
        };
        for (setting, found, range) in self.numbers() {
            if let Some(found) = found
                && !range.contains(found)
            {
                return wrong(setting, found.to_string(), range.in_words());
            }
        }
        if let Some((setting, found, expected)) = self.optimizer.wrong() {
            return wrong(setting, found, expected);
        }
        for (part, rate) in &self.learning_rates {
            if !Positive.contains(*rate) {
                let found = format!("{part} = {rate}");
                return wrong("learning_rates", found, Positive.in_words());
            }
        }
        let spec = self.network()?;
        if let Some(row) = &self.checkpoint
            && (row.architecture != self.architecture || self.weights.is_none())
        {
            let expected = "a checkpoint of the architecture, and its file as weights";
            return wrong("checkpoint", row.id.clone(), expected);
        }
        if let Freeze::Blocks(blocks) = self.freeze
            && blocks > spec.blocks().len()
        {
            let expected = "no more blocks than the network has";
            return wrong("freeze", self.freeze.to_string(), expected);
        }
        self.learning_rates(&spec)?;
        self.recipe().validate()?;
        Ok(())
    }

    /// Each number with its name and what it may be; `None` where it is not set.
    fn numbers(&self) -> Vec<(&'static str, Option<f64>, Range)> {
        let count = |count: usize| Some(count as f64);
        let every = |interval: Interval| Some(interval.count() as f64);
        let mut numbers = vec![
            ("epochs", Some(self.epochs as f64), Positive),
            ("batch_size", count(self.batch_size), Positive),
            (
                "micro_batch_size",
                self.micro_batch_size.and_then(count),
                Positive,
            ),
            ("learning_rate", Some(self.learning_rate), Positive),
            ("layer_decay", Some(self.layer_decay), Positive),
            ("warm_up", self.warm_up.and_then(every), Positive),
            ("clip_norm", self.clip_norm, Positive),
            ("ema_decay", self.ema_decay, BelowOne),
            ("dropout", self.dropout, BelowOne),
            ("stochastic_depth", self.stochastic_depth, BelowOne),
            (
                "auxiliary_loss_weight",
                Some(self.auxiliary_loss_weight),
                NotNegative,
            ),
            ("validate_every", every(self.validate_every), Positive),
            ("checkpoint_every", every(self.checkpoint_every), Positive),
            ("keep_best", count(self.keep_best), Positive),
            ("max_unreadable", Some(self.max_unreadable), Share),
            (
                "bootstrap_replicates",
                count(self.bootstrap_replicates),
                Positive,
            ),
        ];
        if let Some(stopping) = self.early_stopping {
            numbers.push(("early_stopping.min_rise", Some(stopping.min_rise), Share));
        }
        match self.schedule {
            Schedule::Constant => {}
            Schedule::Step {
                every: interval,
                factor,
            } => {
                numbers.push(("schedule.every", every(interval), Positive));
                numbers.push(("schedule.factor", Some(factor), Share));
            }
            Schedule::Cosine { floor } | Schedule::Linear { floor } => {
                numbers.push(("schedule.floor", Some(floor), Share));
            }
            Schedule::Plateau {
                factor, min_rise, ..
            } => {
                numbers.push(("schedule.factor", Some(factor), Share));
                numbers.push(("schedule.min_rise", Some(min_rise), Share));
            }
        }
        numbers
    }
}
