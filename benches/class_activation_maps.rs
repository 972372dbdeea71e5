//! Class activation maps on the CPU: maps per second of densenet121, batch 16, 320x320, beside the forward pass that each
//! of them contains. `tests/reference/class_activation_map_speed.py` measures pytorch-grad-cam alike.
#![allow(missing_docs, clippy::unwrap_used)]

use burn::module::Module;
use burn::tensor::{Distribution, Tensor};
use chextransfer_explain::{Explainer, Method};
use chextransfer_models::{Architecture, DeviceChoice};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[global_allocator]
static ALLOCATOR: chextransfer_kernels::KeepingAllocator =
    chextransfer_kernels::KeepingAllocator::new();

const BATCH: usize = 16;
const SIDE: usize = 320;
const CLASSES: usize = 14;

fn maps(c: &mut Criterion) {
    let device = DeviceChoice::Cpu.open().unwrap();
    let spec = Architecture::DenseNet121
        .spec()
        .with_classes(CLASSES)
        .unwrap();
    let network = spec.init(0, &device).valid();
    let noise = Distribution::Normal(0.0, 1.0);
    let images = Tensor::<4>::random([BATCH, 3, SIDE, SIDE], noise, &device);
    let classes = [2; BATCH];

    let mut group = c.benchmark_group("densenet121 320x320");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("forward", |b| {
        b.iter(|| network.forward(images.clone()).into_data())
    });
    let whole = Explainer::new(&network, Method::GradCam).unwrap();
    group.bench_function("grad-cam at the last block", |b| {
        b.iter(|| whole.explain(images.clone(), &classes).unwrap());
    });
    let inner = Explainer::new(&network, Method::GradCam)
        .unwrap()
        .at_cut(1)
        .unwrap();
    group.bench_function("grad-cam one block before", |b| {
        b.iter(|| inner.explain(images.clone(), &classes).unwrap());
    });
    group.finish();
}

criterion_group!(benches, maps);
criterion_main!(benches);
