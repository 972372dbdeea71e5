//! Training on the CPU: images per second of forward, loss, backward and Adam, all networks, batch 16, 224x224.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use chextransfer_models::{Architecture, DeviceChoice};
use chextransfer_train::{Loss, OptimizerConfig};
use common::{BATCH, CLASSES, images};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn train_step(c: &mut Criterion) {
    let device = DeviceChoice::Cpu.open().unwrap().autodiff();
    let mut group = c.benchmark_group("train_step");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(BATCH as u64));
    for architecture in Architecture::ALL {
        group.bench_function(architecture.name(), |b| {
            let spec = architecture.spec().with_classes(CLASSES).unwrap();
            // Its auxiliary classifier needs 299x299.
            let spec = spec.without_auxiliary();
            let network = spec.init(0, &device);
            let mut optimizer = OptimizerConfig::default().init(&network, true);
            let mut network = Some(network);
            let images = images(&device);
            let targets = Tensor::<2>::zeros([BATCH, CLASSES], &device);
            let mask = Tensor::<2>::ones([BATCH, CLASSES], &device);
            b.iter(|| {
                let current = network.take().unwrap();
                let logits = current.forward(images.clone());
                let loss = Loss::binary(CLASSES).mean(logits, targets.clone(), mask.clone());
                let gradients = GradientsParams::from_grads(loss.backward(), &current);
                network = Some(optimizer.step(1e-4, current, gradients));
                loss.into_data()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, train_step);
criterion_main!(benches);
