//! Images a second through the loader, by threads, from JPEG files and from the cache.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use chextransfer_data::{
    COLUMNS, CheXpert, ImageRecipe, LabelProblem, Loader, LoaderConfig, Split,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod radiograph;

const IMAGES: usize = 64;

fn tree(root: &Path) {
    let mut csv = COLUMNS.join(",");
    for number in 0..IMAGES {
        let path = format!("train/patient{number:05}/study1/view1_frontal.jpg");
        let file = root.join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        radiograph::radiograph(390, 320, number as u32)
            .save(file)
            .unwrap();
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
    let cache = folder.path().join("cache");
    let mut group = criterion.benchmark_group("loader");
    group.throughput(Throughput::Elements(IMAGES as u64));
    for cache in [None, Some(cache)] {
        for threads in [0, 1, 2, 4] {
            let recipe = ImageRecipe {
                resize: 224,
                crop: 224,
                ..ImageRecipe::paper()
            };
            let config = LoaderConfig {
                threads,
                cache: cache.clone(),
                ..LoaderConfig::default()
            };
            let loader =
                Loader::new(Arc::clone(&records), recipe, LabelProblem::paper(), config).unwrap();
            let from = if cache.is_some() { "cache" } else { "files" };
            group.bench_function(format!("epoch from {from} with {threads} threads"), |b| {
                b.iter(|| {
                    loader
                        .shuffled(0, 0, 0)
                        .map(|batch| batch.unwrap().images.len())
                        .sum::<usize>()
                })
            });
        }
    }
    group.finish();
}

criterion_group!(benches, loader);
criterion_main!(benches);
