//! Inference on the CPU: images per second of all networks, batch 16, 224x224.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use burn::module::Module;
use chextransfer_models::{Architecture, DeviceChoice};
use common::{BATCH, CLASSES, images};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn forward(c: &mut Criterion) {
    let device = DeviceChoice::Cpu.open().unwrap();
    let mut group = c.benchmark_group("forward");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(BATCH as u64));
    for architecture in Architecture::ALL {
        group.bench_function(architecture.name(), |b| {
            let spec = architecture.spec().with_classes(CLASSES).unwrap();
            let network = spec.init(0, &device).valid();
            let images = images(&device);
            b.iter(|| network.forward(images.clone()).into_data());
        });
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
