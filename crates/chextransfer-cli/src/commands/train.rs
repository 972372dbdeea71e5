//! `train`: fine-tuning.

use std::path::PathBuf;

use anyhow::{Context, Result};
use chextransfer_data::{BlankPolicy, Split, UncertaintyPolicy};
use chextransfer_models::{Architecture, DeviceChoice};
use chextransfer_study::run_curve;
use chextransfer_train::{
    Ensemble, Event, Freeze, Interval, Outcome, ProgressBar, Run, TrainConfig,
};

use super::result_line;
use super::weights::{Folders, Known};
use crate::run::interrupted;

const GO_ON: &str = "the same command with --resume goes on";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings from a file such as a run's config.toml; options given here replace its own
    #[arg(long)]
    config: Option<PathBuf>,
    /// Network, for example densenet121
    #[arg(long, required_unless_present = "config")]
    architecture: Option<Architecture>,
    /// Dataset folder with train.csv and valid.csv
    #[arg(long, required_unless_present = "config")]
    data: Option<PathBuf>,
    /// Drop this many of the network's last blocks
    #[arg(long)]
    minus: Option<usize>,
    /// ImageNet weights: a safetensors or PyTorch file under torchvision's or timm's names, or a checkpoint of
    /// `weights list`; random weights without
    #[arg(long)]
    weights: Option<PathBuf>,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    known: Known,
    /// Never open a socket (as does HF_HUB_OFFLINE=1)
    #[arg(long)]
    offline: bool,
    /// Side of the network's input in pixels [default: 320]
    #[arg(long)]
    image_size: Option<u32>,
    /// Passes over the training images [default: 3]
    #[arg(long)]
    epochs: Option<u64>,
    /// Images in a step [default: 16]
    #[arg(long)]
    batch_size: Option<usize>,
    /// Adam's learning rate [default: 0.0001]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// How often to validate, for example `8192 examples` or `512 steps` [default: 8192 examples]
    #[arg(long)]
    validate_every: Option<Interval>,
    /// What is not trained: nothing, body (a linear probe), blocks:N (the stem and N blocks) or gradual:N (one
    /// block more every N epochs) [default: nothing]
    #[arg(long)]
    freeze: Option<Freeze>,
    /// Checkpoints that are averaged [default: 10]
    #[arg(long)]
    keep_best: Option<usize>,
    /// Share of images that may be unreadable [default: 0.01]
    #[arg(long)]
    max_unreadable: Option<f64>,
    /// What becomes of uncertain labels: ignore, zeros, ones, multi_class, smooth(LOW, HIGH) or table [default: ignore]
    #[arg(long)]
    uncertain: Option<UncertaintyPolicy>,
    /// What becomes of blank labels: negative or ignore [default: negative]
    #[arg(long)]
    blank: Option<BlankPolicy>,
    /// Any other setting, as in config.toml: --set schedule.kind=cosine --set clip_norm=1.0
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Seed of everything that is drawn [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Threads that decode images [default: 2]
    #[arg(long)]
    loader_threads: Option<usize>,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them; several, such as cuda:0,cuda:1, share every batch, and the first one validates
    #[arg(long, default_value = "cpu", value_delimiter = ',')]
    device: Vec<DeviceChoice>,
    /// Print all settings as a config.toml, and stop
    #[arg(long)]
    print_config: bool,
    /// The run's folder
    #[arg(long)]
    out: PathBuf,
    /// Go on with the run in --out, or begin it
    #[arg(long)]
    resume: bool,
}

impl Arguments {
    fn settings(&self) -> Result<TrainConfig> {
        let mut config = match (&self.config, self.architecture, &self.data) {
            (Some(file), ..) => TrainConfig::read(file)?,
            (None, Some(architecture), Some(data)) => TrainConfig::paper(architecture, data),
            _ => anyhow::bail!("give --config, or --architecture and --data"),
        };
        macro_rules! replace {
            ($($setting:ident),*) => {
                $(if let Some(given) = self.$setting.clone() { config.$setting = given; })*
            };
        }
        replace!(
            architecture,
            data,
            minus,
            image_size,
            epochs,
            batch_size,
            learning_rate,
            validate_every,
            freeze
        );
        replace!(keep_best, max_unreadable, seed, loader_threads);
        if let Some(given) = &self.weights {
            let (file, checkpoint) =
                super::weights::resolve(given, &self.known, &self.folders, self.offline)?;
            config.weights = Some(file);
            config.checkpoint = checkpoint;
        }
        if let Some(uncertain) = self.uncertain {
            config.labels = config.labels.with_uncertainty(uncertain);
        }
        if let Some(blank) = self.blank {
            config.labels = config.labels.with_blank(blank);
        }
        for setting in &self.set {
            config = config.with_setting(setting)?;
        }
        Ok(config)
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let (config, out, device) = (arguments.settings()?, &arguments.out, arguments.device[0]);
    if arguments.print_config {
        config.check()?;
        result_line!("{}", config.to_toml()?.trim_end());
        return Ok(());
    }
    let mut progress = ProgressBar::until_interrupt()?;
    let mut observer = |event: Event| progress.show(event);
    let mut run = if arguments.resume {
        Run::resume(config, out, device, &mut observer)?
    } else {
        Run::begin(config, out, device, &mut observer)?
    };
    if arguments.device.len() > 1 {
        run.spread_over(&arguments.device)?;
    }
    if run.train(&mut observer)? == Outcome::Interrupted {
        return Err(interrupted(GO_ON));
    }
    let time = run.time();
    let ensemble = Ensemble::open(run.directory())?;
    let evaluation = ensemble.evaluate(Split::Valid, device, &mut observer)?;
    progress.finish();
    if time.images > 0 {
        eprintln!("trained on {device}: {time}");
    }
    let evaluation = evaluation.with_context(|| format!("interrupted; {GO_ON}"))?;
    run_curve(run.directory())?;
    result_line!(
        "validation split, {} checkpoints averaged\n{evaluation}",
        ensemble.members().len()
    );
    result_line!("run folder: {}", out.display());
    Ok(())
}
