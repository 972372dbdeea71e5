//! The processes that measure: ours, and PyTorch's.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{Measured, Product, Step};

/// Who computes, and how.
#[derive(Clone, PartialEq)]
pub(crate) enum Side {
    /// This program.
    Ours,
    /// Python with torch, and the way: `eager`, `channels_last` or `compile`.
    PyTorch { python: PathBuf, way: String },
}

impl Side {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Ours => "ours",
            Self::PyTorch { way, .. } => way,
        }
    }

    pub(crate) fn train(&self, step: &Step, limit: Duration) -> Result<Measured> {
        let mut command = self.command("train", &step.device.to_string())?;
        command.args([
            "--network",
            step.network.name(),
            "--numbers",
            step.numbers.name(),
        ]);
        for (name, number) in [
            ("--batch", step.batch),
            ("--side", step.side),
            ("--warm-up", step.warm_up),
            ("--steps", step.steps),
            ("--rounds", step.rounds),
        ] {
            command.args([name, &number.to_string()]);
        }
        measure(command, limit)
    }

    pub(crate) fn product(&self, product: &Product, limit: Duration) -> Result<Measured> {
        let mut command = self.command("product", &product.device.to_string())?;
        command.args(["--numbers", product.numbers.name()]);
        command.args(["--size", &product.size.to_string()]);
        command.args(["--rounds", &product.rounds.to_string()]);
        measure(command, limit)
    }

    /// A process of this side that is told its task and its device.
    pub(crate) fn command(&self, task: &str, device: &str) -> Result<Command> {
        let mut command = match self {
            Self::Ours => Command::new(std::env::current_exe()?),
            Self::PyTorch { python, .. } => {
                let mut command = Command::new(python);
                command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/gpu/pytorch.py"));
                command
            }
        };
        command.arg(task);
        match self {
            Self::Ours => command.args(["--device", device]),
            // PyTorch reaches an NVIDIA card by CUDA, whatever reaches it here.
            Self::PyTorch { way, .. } => {
                let card = match device.split_once(':') {
                    _ if device == "cpu" => "cpu".to_owned(),
                    Some((_, index)) => format!("cuda:{index}"),
                    None => "cuda:0".to_owned(),
                };
                command.args(["--way", way, "--device", &card])
            }
        };
        Ok(command)
    }
}

/// The line that a process prints, or the last that it complained of.
pub(crate) fn measure(mut command: Command, limit: Duration) -> Result<Measured> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let (out, errors) = (child.stdout.take(), child.stderr.take());
    let (out, errors) = out.zip(errors).context("no pipes")?;
    // Read while it runs: a full pipe would stop it.
    let errors = thread::spawn(move || {
        let lines = BufReader::new(errors).lines().map_while(Result::ok);
        lines.filter(|line| !line.trim().is_empty()).last()
    });
    let out = thread::spawn(move || {
        let mut text = String::new();
        BufReader::new(out).read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("took longer than {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    };
    let text = out
        .join()
        .map_err(|_| anyhow::anyhow!("its output could not be read"))??;
    if !status.success() {
        let complaint = errors.join().ok().flatten().unwrap_or_default();
        bail!("{status}: {complaint}");
    }
    let line = text.lines().last().context("it printed nothing")?;
    Ok(serde_json::from_str(line)?)
}
