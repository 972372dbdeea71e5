//! Our side of every measurement.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use chextransfer::data::{Loader, LoaderConfig, Split, phantom};
use chextransfer::models::DeviceChoice;
use chextransfer::train::{Event, Interval, Loss, OptimizerConfig, Run, TrainConfig};

use crate::{CLASSES, Feed, Measured, Product, Step};

/// Rounds of forward pass, loss, backward pass and Adam on a batch that lies on the device.
pub(crate) fn train(wanted: &Step) -> Result<Measured> {
    let device = wanted.device.open()?.autodiff();
    let spec = wanted.network.spec().with_classes(CLASSES)?;
    let mut network = spec.without_auxiliary().init(0, &device);
    let mut optimizer = OptimizerConfig::default().init(&network, true);
    let shape = [wanted.batch, 3, wanted.side, wanted.side];
    let images = Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<2>::zeros([wanted.batch, CLASSES], &device);
    let mask = Tensor::<2>::ones([wanted.batch, CLASSES], &device);
    let half = wanted.numbers.precision().cast();
    let mut steps = |count: usize| -> Result<f64> {
        let begun = Instant::now();
        for _ in 0..count {
            let logits = match half {
                None => network.forward(images.clone()),
                Some(half) => network.compute_in(half).forward(images.clone().cast(half)),
            };
            let loss = Loss::binary(CLASSES).mean(logits, targets.clone(), mask.clone());
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(1e-4, network.clone(), gradients);
        }
        device.sync().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(begun.elapsed().as_secs_f64())
    };
    steps(wanted.warm_up)?;
    let mut measured = Measured::default();
    for _ in 0..wanted.rounds {
        measured.seconds.push(steps(wanted.steps)?);
        measured.peak_bytes = measured.peak_bytes.max(reserved(wanted.device, &device));
    }
    measured.made_on = made_on(wanted.device);
    Ok(measured)
}

/// Rounds of one product.
pub(crate) fn product(wanted: &Product) -> Result<Measured> {
    let device = wanted.device.open()?;
    let matrix = || {
        let random = Distribution::Uniform(-1.0, 1.0);
        let matrix = Tensor::<2>::random([wanted.size; 2], random, &device);
        match wanted.numbers.precision().cast() {
            None => matrix,
            Some(half) => matrix.cast(half),
        }
    };
    let (a, b) = (matrix(), matrix());
    let product = || -> Result<f64> {
        let begun = Instant::now();
        let _ = a.clone().matmul(b.clone());
        device.sync().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(begun.elapsed().as_secs_f64())
    };
    for _ in 0..3 {
        product()?;
    }
    Ok(Measured {
        seconds: (0..wanted.rounds)
            .map(|_| product())
            .collect::<Result<_>>()?,
        made_on: made_on(wanted.device),
        ..Measured::default()
    })
}

/// An epoch of a run from JPEG files, as `chextransfer train` makes it, behind one of the loader alone.
pub(crate) fn feed(wanted: &Feed) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let config = phantom::PhantomConfig {
        patients: wanted.patients,
        // CheXpert's smaller release has 390 pixels at its shorter side.
        side: (wanted.side * 390 / 320) as u32,
        ..Default::default()
    };
    phantom::generate(&config, &data, |_, _| ())?;
    let config = TrainConfig {
        image_size: wanted.side as u32,
        batch_size: wanted.batch,
        loader_threads: wanted.threads,
        precision: wanted.numbers.precision(),
        epochs: 2,
        auxiliary_loss_weight: 0.0,
        // Validation is no part of what is measured.
        validate_every: Interval::Epochs(2),
        checkpoint_every: Interval::Epochs(2),
        keep_best: 1,
        bootstrap_replicates: 1,
        ..TrainConfig::paper(wanted.network, &data)
    };
    let loaded_per_second = loaded(&config)?;
    let epoch = config.dataset()?.split(Split::Train)?.len() as u64;
    // The first epoch also compiles kernels and searches for the fastest.
    let mut first = None;
    let mut last = None;
    let mut observer = |event: Event| {
        if let Event::Step { examples, time, .. } = event {
            if examples <= epoch {
                first = Some(time);
            }
            last = Some(time);
        }
        ControlFlow::Continue(())
    };
    let mut run = Run::begin(
        config,
        &folder.path().join("run"),
        wanted.device,
        &mut observer,
    )?;
    run.train(&mut observer)?;
    let (first, last) = first.zip(last).context("no step was made")?;
    let waited = (last.waited - first.waited).as_secs_f64();
    let all = waited + (last.computed - first.computed).as_secs_f64();
    Ok(Measured {
        seconds: vec![all],
        waiting: Some(waited / all),
        images_per_second: Some((last.images - first.images) as f64 / all),
        loaded_per_second: Some(loaded_per_second),
        made_on: made_on(wanted.device),
        ..Measured::default()
    })
}

/// Images a second of the loader alone.
fn loaded(config: &TrainConfig) -> Result<f64> {
    let records = config.dataset()?.split(Split::Train)?;
    let images = records.len();
    let loader = LoaderConfig {
        batch_size: config.batch_size,
        threads: config.loader_threads,
        ..LoaderConfig::default()
    };
    let loader = Loader::new(
        records.into(),
        config.recipe(),
        config.labels.clone(),
        loader,
    )?;
    let begun = Instant::now();
    for batch in loader.shuffled(0, 0, 0) {
        batch?;
    }
    Ok(images as f64 / begun.elapsed().as_secs_f64())
}

fn reserved(choice: DeviceChoice, device: &Device) -> Option<u64> {
    if choice == DeviceChoice::Cpu {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        return Some(kibibytes << 10);
    }
    device.memory_pool_usage().map(|usage| usage.bytes_reserved)
}

fn made_on(choice: DeviceChoice) -> String {
    let found = DeviceChoice::found().into_iter();
    let name = found
        .filter(|found| found.choice == choice)
        .map(|found| found.name)
        .next();
    name.unwrap_or_else(|| choice.to_string())
}
