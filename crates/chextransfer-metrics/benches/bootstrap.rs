//! Evaluation and comparison with bootstrap replicates: a test set of the size of CheXpert's, and a large one; and how the
//! time grows with rows and replicates.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use chextransfer_metrics::{Bootstrap, Comparison, ComparisonConfig, Predictions};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One row a study, labels with a prevalence of 5 %, probabilities as `f32` networks give them.
fn synthetic(rows: usize, observations: usize, model: u64) -> Predictions {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let labels = Array2::from_shape_simple_fn((rows, observations), || rng.random_bool(0.05));
    rng.set_stream(model);
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
    let mut group = c.benchmark_group("evaluate");
    group.sample_size(10);
    let mut measure = |rows, observations, replicates| {
        let predictions = synthetic(rows, observations, 0);
        let bootstrap = Bootstrap {
            replicates,
            ..Bootstrap::default()
        };
        let name =
            format!("{rows} studies x {observations} observations x {replicates} replicates");
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| black_box(&predictions).evaluate(&[], &bootstrap).unwrap());
        });
    };
    measure(500, 6, 1000);
    measure(22_433, 14, 1000);
    // Twice the rows, and twice the replicates.
    measure(2_000, 6, 1000);
    measure(4_000, 6, 1000);
    measure(2_000, 6, 2000);
    group.finish();
}

fn compare(c: &mut Criterion) {
    let mut group = c.benchmark_group("compare");
    group.sample_size(10);
    let tables: Vec<_> = (0..16).map(|model| synthetic(500, 6, model)).collect();
    let names: Vec<_> = (0..16).map(|model| format!("model {model}")).collect();
    let models: Vec<_> = names.iter().map(String::as_str).zip(&tables).collect();
    group.bench_function(
        "16 models x 6 observations x 500 studies x 1000 replicates",
        |b| {
            b.iter(|| Comparison::of(black_box(&models), &ComparisonConfig::default()).unwrap());
        },
    );
    group.finish();
}

criterion_group!(benches, evaluate, compare);
criterion_main!(benches);
