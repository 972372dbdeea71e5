//! Real ImageNet weights on real pictures, where this machine has them.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod common;

use burn::tensor::{Tensor, TensorData};
use chextransfer::data::{Normalization, image::load_rgb};
use chextransfer::models::weights::{Head, LeftOut, load};
use chextransfer::models::{Architecture, DeviceChoice};
use common::shared;

/// torchvision gets 172 of these 200 right with the same weights (resize 256, crop 224).
#[test]
fn mobilenet_v2_recognises_at_least_170_of_200_pictures() {
    let (Some(weights), Some(pictures)) = (
        shared("weights/mobilenet_v2.imagenet.torchvision-keys.safetensors"),
        shared("data/imagenet-samples"),
    ) else {
        return;
    };
    let device = DeviceChoice::Cpu.open().unwrap();
    let spec = Architecture::MobileNetV2.spec();
    let (network, report) = load(spec.init(0, &device), &weights, Head::Load).unwrap();
    assert_eq!(report.applied.len(), spec.tensors().len());
    let counters = |reason: LeftOut| reason == LeftOut::BatchCounter;
    assert!(report.left_out.iter().all(|(_, reason)| counters(*reason)));

    let labels = std::fs::read_to_string(pictures.join("labels.csv")).unwrap();
    let rows: Vec<(&str, usize)> = labels
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split(',');
            (
                cells.next().unwrap(),
                cells.next().unwrap().parse().unwrap(),
            )
        })
        .collect();
    let mut right = 0;
    for batch in rows.chunks(20) {
        let mut pixels = Vec::new();
        for (file, _) in batch {
            let mut picture = load_rgb(pictures.join(file), 256, 224).unwrap();
            Normalization::IMAGENET.apply(&mut picture);
            pixels.extend(picture);
        }
        let images = TensorData::new(pixels, [batch.len(), 3, 224, 224]);
        let logits = network.forward(Tensor::from_data(images, &device));
        let best: Vec<i64> = logits.argmax(1).into_data().iter().collect();
        right += best
            .iter()
            .zip(batch)
            .filter(|(best, (_, class))| **best == *class as i64)
            .count();
    }
    eprintln!("{right} of {} right", rows.len());
    assert_eq!(rows.len(), 200);
    assert!(right >= 170, "{right} of 200 right");
}

#[test]
fn the_truncated_resnet18_takes_its_real_weights() {
    let Some(weights) = shared("weights/resnet18_minus1.imagenet.torchvision-keys.safetensors")
    else {
        return;
    };
    let spec = Architecture::ResNet18
        .minus(1)
        .unwrap()
        .with_classes(14)
        .unwrap();
    let network = spec.init(0, &DeviceChoice::Cpu.open().unwrap());
    let (_, report) = load(network, &weights, Head::LeaveOut).unwrap();
    assert_eq!(report.applied.len() + 2, spec.tensors().len());
}
