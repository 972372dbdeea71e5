//! Evaluation with 1,000 bootstrap replicates: a test set of the size of CheXpert's, and a large one.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use chextransfer_metrics::{Bootstrap, Predictions};
use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One row a study, labels with a prevalence of 5 %, probabilities as `f32` networks give them.
fn synthetic(rows: usize, observations: usize) -> Predictions {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let labels = Array2::from_shape_simple_fn((rows, observations), || rng.random_bool(0.05));
    let probabilities =
        labels.mapv(|label| f64::from((rng.random::<f32>() + f32::from(u8::from(label))) / 2.0));
    let studies: Vec<String> = (0..rows)
        .map(|row| format!("patient{row:05}/study1"))
        .collect();
    Predictions::new(
        (0..observations)
            .map(|column| format!("observation {column}"))
            .collect(),
        studies.clone(),
        studies,
        labels.mapv(Some),
        probabilities,
    )
    .unwrap()
}

fn evaluate(c: &mut Criterion) {
    let mut group = c.benchmark_group("evaluate, 1000 replicates");
    group.sample_size(10);
    for (rows, observations) in [(500, 6), (22_433, 14)] {
        let predictions = synthetic(rows, observations);
        group.bench_function(
            format!("{rows} studies x {observations} observations"),
            |b| {
                b.iter(|| {
                    black_box(&predictions)
                        .evaluate(&[], &Bootstrap::default())
                        .unwrap()
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
