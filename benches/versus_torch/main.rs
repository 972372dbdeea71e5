//! Our side of the comparison with PyTorch: `versus_torch.py` starts it, says when a step is to be made, and reads how
//! long it took.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

use std::io::{BufRead, Write};
use std::time::Instant;

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use chextransfer_models::{Architecture, DeviceChoice, Network};
use chextransfer_train::{Loss, OptimizerConfig};
use common::{BATCH, CLASSES, images};

fn main() {
    // Anything but two words, such as cargo's own arguments, asks for nothing.
    let words: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let [architecture, mode] = &words[..] else {
        return;
    };
    let architecture: Architecture = architecture.parse().unwrap();
    let mut step: Box<dyn FnMut()> = match &**mode {
        "inference" => inference(architecture),
        "training" => training(architecture),
        other => panic!("found {other}, expected inference or training"),
    };
    for line in std::io::stdin().lock().lines() {
        if line.unwrap().is_empty() {
            break;
        }
        let start = Instant::now();
        step();
        println!("{}", start.elapsed().as_secs_f64());
        std::io::stdout().flush().unwrap();
    }
}

fn network(architecture: Architecture, device: &burn::tensor::Device) -> Network {
    let spec = architecture.spec().with_classes(CLASSES).unwrap();
    // The auxiliary classifier of inception_v3 needs 299x299.
    spec.without_auxiliary().init(0, device)
}

fn inference(architecture: Architecture) -> Box<dyn FnMut()> {
    let device = DeviceChoice::Cpu.open().unwrap();
    let network = network(architecture, &device).fold_batch_norm();
    let images = images(&device);
    Box::new(move || {
        network.forward(images.clone()).into_data();
    })
}

fn training(architecture: Architecture) -> Box<dyn FnMut()> {
    let device = DeviceChoice::Cpu.open().unwrap().autodiff();
    let network = network(architecture, &device);
    let mut optimizer = OptimizerConfig::default().init(&network, true);
    let mut network = Some(network);
    let images = images(&device);
    let targets = Tensor::<2>::zeros([BATCH, CLASSES], &device);
    let mask = Tensor::<2>::ones([BATCH, CLASSES], &device);
    Box::new(move || {
        let current = network.take().unwrap();
        let logits = current.forward(images.clone());
        let loss = Loss::binary(CLASSES).mean(logits, targets.clone(), mask.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &current);
        network = Some(optimizer.step(1e-4, current, gradients));
        loss.into_data();
    })
}
