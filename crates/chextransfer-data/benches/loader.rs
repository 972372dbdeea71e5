//! Images a second from JPEG file to grey square: decoding alone, with the resizing, and through the loader.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use chextransfer_data::image::{decode_grey, load_grey};
use chextransfer_data::{
    COLUMNS, CheXpert, CropPosition, ImageRecipe, Interpolation, LabelProblem, Loader,
    LoaderConfig, Split,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use image::{GrayImage, Luma};

const IMAGES: usize = 64;

/// Smooth shapes with some texture: compresses about as a radiograph of CheXpert-small does.
fn radiograph(width: u32, height: u32, salt: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let wave = ((x + salt) as f32 / 37.0).sin() * ((y + salt) as f32 / 53.0).cos();
        let noise =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(salt + 1) >> 28;
        Luma([(128.0 + 90.0 * wave) as u8 + noise as u8])
    })
}

fn tree(root: &Path) {
    let mut csv = COLUMNS.join(",");
    for number in 0..IMAGES {
        let path = format!("train/patient{number:05}/study1/view1_frontal.jpg");
        let file = root.join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        radiograph(390, 320, number as u32).save(file).unwrap();
        csv.push_str(&format!("\n{path},Male,50,Frontal,AP{}", ",".repeat(14)));
    }
    std::fs::write(root.join("train.csv"), csv).unwrap();
}

fn loader(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let records = Arc::new(
        CheXpert::open(folder.path())
            .unwrap()
            .split(Split::Train)
            .unwrap(),
    );
    let file = records.image_path(&records.records()[0]);

    let mut group = criterion.benchmark_group("loader");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode 390x320", |b| b.iter(|| decode_grey(&file).unwrap()));
    group.bench_function("decode 390x320 and resize to 224", |b| {
        b.iter(|| load_grey(&file, 224, 224).unwrap())
    });
    group.throughput(Throughput::Elements(IMAGES as u64));
    for threads in [0, 1, 2, 4] {
        let recipe = ImageRecipe {
            resize: 224,
            crop: 224,
            position: CropPosition::Random,
            interpolation: Interpolation::Bilinear,
        };
        let config = LoaderConfig {
            threads,
            ..LoaderConfig::default()
        };
        let loader =
            Loader::new(Arc::clone(&records), recipe, LabelProblem::paper(), config).unwrap();
        group.bench_function(format!("epoch with {threads} threads"), |b| {
            b.iter(|| {
                loader
                    .shuffled(0, 0, 0)
                    .map(|batch| batch.unwrap().images.len())
                    .sum::<usize>()
            })
        });
    }
    group.finish();
}

criterion_group!(benches, loader);
criterion_main!(benches);
