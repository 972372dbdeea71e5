//! The process of one cell.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::{BUSY, INTERRUPTED, RunOptions};
use crate::cell_run::Ending;
use crate::ledger::Record;
use crate::study::Study;
use crate::{Error, Result};

/// A process that works on a cell.
///
/// It holds the reading end of a pipe, and stops behind a checkpoint when the pipe closes: when it is asked to, or when
/// this process ends, however it does.
pub(super) struct Child {
    id: String,
    process: std::process::Child,
    pipe: Option<ChildStdin>,
    /// Passes on what it tells, where several speak at a time.
    lines: Option<JoinHandle<()>>,
    attempts: u32,
    status: Option<ExitStatus>,
}

/// How many threads Burn's CPU backend uses.
const THREADS: &str = "RAYON_NUM_THREADS";

impl Child {
    pub(super) fn start(
        study: &Study,
        id: &str,
        options: &RunOptions,
        slot: usize,
    ) -> Result<Self> {
        let attempts = match study.ledger().read(id)? {
            Some(Record::Failed { attempts, .. }) => attempts,
            _ => 0,
        };
        let mut command = Command::new(&options.program);
        command
            .args(["study", "cell"])
            .arg(study.folder())
            .arg(id)
            .args(["--shard", &options.shard.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        if !options.devices.is_empty() {
            let device = options.devices[slot % options.devices.len()];
            command.args(["--device", &device.to_string()]);
        }
        let several = options.jobs > 1;
        if several {
            command.stderr(Stdio::piped());
            if std::env::var_os(THREADS).is_none()
                && let Ok(cores) = std::thread::available_parallelism()
            {
                command.env(THREADS, (cores.get() / options.jobs).max(1).to_string());
            }
        }
        let started = command.spawn();
        let mut process = started.map_err(Error::io("start", &options.program))?;
        let lines = process.stderr.take().map(|stderr| {
            let id = id.to_owned();
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(|line| line.ok()) {
                    eprintln!("[{id}] {line}");
                }
            })
        });
        Ok(Self {
            id: id.to_owned(),
            pipe: process.stdin.take(),
            process,
            lines,
            attempts,
            status: None,
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// How often its cell had failed before it started.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Lets it stop behind its next checkpoint.
    pub(super) fn ask_to_stop(&mut self) {
        self.pipe = None;
    }

    /// How it ended, `Some(None)` in failure; `None` while it works.
    pub(super) fn ended(&mut self) -> Result<Option<Option<Ending>>> {
        let status = self.process.try_wait();
        let status = status.map_err(|error| Error::Setting {
            setting: "jobs",
            problem: format!("{}: its process cannot be waited for: {error}", self.id),
        })?;
        let Some(status) = status else {
            return Ok(None);
        };
        self.status = Some(status);
        if let Some(lines) = self.lines.take() {
            let _ = lines.join();
        }
        Ok(Some(match status.code() {
            Some(0) => Some(Ending::Done),
            Some(code) if code == i32::from(INTERRUPTED) => Some(Ending::Interrupted),
            Some(code) if code == i32::from(BUSY) => Some(Ending::Busy),
            _ => None,
        }))
    }

    /// What is known of its end where it left no record.
    pub(super) fn end_in_words(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let status = status.unwrap_or_else(|| "no status".to_owned());
        format!(
            "its process ended without a record ({status}); killed, perhaps for memory, or a panic"
        )
    }
}
