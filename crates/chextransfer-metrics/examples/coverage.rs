//! Do the intervals cover what they promise, and do the tests reject as often as they say? Simulated data whose truth is
//! known; the record of a run is `tests/reference/coverage.md`.
//!
//! ```text
//! cargo run --release -p chextransfer-metrics --example coverage -- 10000
//! ```
//!
//! Scores are binormal: standard normal for negatives, shifted for positives, so that the AUROC is Phi(shift / sqrt 2).
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::f64::consts::{SQRT_2, TAU};

use chextransfer_metrics::{
    Bootstrap, Distribution, IntervalMethod, Metric, ScoredLabels, Statistic, Units,
    permutation_test,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Shifts with AUROC 0.85 and 0.83.
const GOOD: f64 = 1.036_433_389_493_789_6 * SQRT_2;
const WORSE: f64 = 0.954_165_253_146_193_7 * SQRT_2;
const MARGIN: f64 = 0.02;

fn main() {
    let data_sets = std::env::args()
        .nth(1)
        .map_or(1000, |count| count.parse().unwrap());
    println!("{data_sets} simulated data sets a line, 1,000 replicates each.\n");
    println!("| interval, 95 % | covers |\n| --- | --- |");
    single("500 studies, 20 % positive", 500, 0.2, data_sets);
    single("500 studies, 5 % positive", 500, 0.05, data_sets);
    single("150 studies, 30 % positive", 150, 0.3, data_sets);
    patients(data_sets);
    println!();
    paired(data_sets);
}

struct Simulation {
    rng: ChaCha8Rng,
}

impl Simulation {
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.rng.random::<f64>()).ln()).sqrt();
        radius * (TAU * self.rng.random::<f64>()).cos()
    }

    /// At least two of each class, so that everything is defined.
    fn labels(&mut self, rows: usize, prevalence: f64) -> Vec<Option<bool>> {
        loop {
            let labels: Vec<_> = (0..rows)
                .map(|_| Some(self.rng.random_bool(prevalence)))
                .collect();
            let positives = labels.iter().filter(|label| **label == Some(true)).count();
            if (2..rows - 1).contains(&positives) {
                return labels;
            }
        }
    }

    fn scores(&mut self, labels: &[Option<bool>], shift: f64) -> Vec<f64> {
        labels
            .iter()
            .map(|label| self.normal() + shift_of(*label, shift))
            .collect()
    }
}

fn shift_of(label: Option<bool>, shift: f64) -> f64 {
    if label == Some(true) { shift } else { 0.0 }
}

/// How often each of several claims holds, in percent.
fn share<const CLAIMS: usize>(
    data_sets: u64,
    claims: impl Fn(Simulation) -> [bool; CLAIMS] + Sync,
) -> [String; CLAIMS] {
    let seeded = |number| {
        let mut rng = ChaCha8Rng::seed_from_u64(2021);
        rng.set_stream(number);
        claims(Simulation { rng }).map(u64::from)
    };
    let add = |a: [u64; CLAIMS], b: [u64; CLAIMS]| std::array::from_fn(|claim| a[claim] + b[claim]);
    let held = (0..data_sets)
        .into_par_iter()
        .map(seeded)
        .reduce(|| [0; CLAIMS], add);
    held.map(|held| format!("{:.2} %", 100.0 * held as f64 / data_sets as f64))
}

fn covers(interval: Option<[f64; 2]>, truth: f64) -> bool {
    interval.is_some_and(|[low, high]| low <= truth && truth <= high)
}

fn bootstrap(method: IntervalMethod) -> Bootstrap {
    Bootstrap {
        method,
        ..Bootstrap::default()
    }
}

const METHODS: [IntervalMethod; 3] = [
    IntervalMethod::Percentile,
    IntervalMethod::Basic,
    IntervalMethod::Bca,
];

fn auroc(rows: &ScoredLabels, units: &Units, method: IntervalMethod) -> Distribution {
    let metric = Metric::Auroc;
    let replicates = bootstrap(method).resample(units, &[Statistic { metric, rows }]);
    replicates.unwrap().mean(&[0])
}

fn single(name: &str, rows: usize, prevalence: f64, data_sets: u64) {
    let held = share(data_sets, |mut simulation| {
        let labels = simulation.labels(rows, prevalence);
        let rows = ScoredLabels::new(&simulation.scores(&labels, GOOD), &labels).unwrap();
        let units = Units::of_rows(labels.len());
        let of = auroc(&rows, &units, IntervalMethod::Bca);
        let delong = rows.delong().unwrap().interval(0.95);
        let [percentile, basic, bca] = METHODS.map(|method| of.interval(&bootstrap(method)));
        [percentile, basic, bca, Some(delong)].map(|interval| covers(interval, 0.85))
    });
    for (method, held) in ["percentile", "basic", "BCa", "DeLong"].iter().zip(held) {
        println!("| AUROC, {name}: {method} | {held} |");
    }
}

/// 250 patients with one to three studies, which share the label and half of the score's variance.
fn patients(data_sets: u64) {
    let held = share(data_sets, |mut simulation| {
        let (mut scores, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (patient, label) in simulation.labels(250, 0.3).into_iter().enumerate() {
            let shared = simulation.normal();
            for _ in 0..simulation.rng.random_range(1..=3) {
                let own = simulation.normal();
                scores.push((shared + own) / SQRT_2 + shift_of(label, GOOD));
                labels.push(label);
                names.push(format!("{patient:03}"));
            }
        }
        let by_patient = Units::named(names.iter().map(String::as_str));
        [by_patient, Units::of_rows(scores.len())].map(|units| {
            let rows = ScoredLabels::of_units(&scores, &labels, &units).unwrap();
            let of = auroc(&rows, &units, IntervalMethod::Percentile);
            covers(of.interval(&Bootstrap::default()), 0.85)
        })
    });
    let [patients, studies] = held;
    println!("| AUROC, 250 patients of 1 to 3 studies: percentile, patients drawn | {patients} |");
    println!("| the same, studies drawn as if independent (for contrast) | {studies} |");
}

/// Two models whose scores correlate by one half, on 500 studies of which one in five is positive.
fn paired(data_sets: u64) {
    let models = |simulation: &mut Simulation, shifts: [f64; 2]| {
        let labels = simulation.labels(500, 0.2);
        let shared = simulation.scores(&labels, 0.0);
        shifts.map(|shift| {
            let own = simulation.scores(&labels, 0.0);
            let both = shared.iter().zip(&own).zip(&labels);
            let scores: Vec<f64> = both
                .map(|((shared, own), label)| (shared + own) / SQRT_2 + shift_of(*label, shift))
                .collect();
            ScoredLabels::new(&scores, &labels).unwrap()
        })
    };
    let difference = |[first, second]: &[ScoredLabels; 2]| {
        let statistics = [first, second].map(|rows| Statistic {
            metric: Metric::Auroc,
            rows,
        });
        let replicates = Bootstrap::default().resample(&Units::of_rows(500), &statistics);
        replicates.unwrap().mean_difference(&[[0, 1]])
    };
    let [covered, of_bootstrap, of_delong, of_permutation] = share(data_sets, |mut simulation| {
        let pair = models(&mut simulation, [GOOD, GOOD]);
        let of = difference(&pair);
        let [first, second] = &pair;
        let delong = first.delong_test(second).unwrap().unwrap();
        let permuted = permutation_test(&[(first, second)], Metric::Auroc, 1000, 0);
        [
            covers(of.interval(&Bootstrap::default()), 0.0),
            of.p_value().unwrap() < 0.05,
            delong.p_value().unwrap() < 0.05,
            permuted.unwrap().unwrap().p_value < 0.05,
        ]
    });
    println!(
        "| difference of two equal models, 500 studies, 20 % positive, 95 % | covers |\n| --- | --- |"
    );
    println!("| percentile | {covered} |\n");
    println!("| test of two equal models at 5 % | rejects |\n| --- | --- |");
    println!("| paired bootstrap | {of_bootstrap} |");
    println!("| DeLong | {of_delong} |");
    println!("| permutation | {of_permutation} |\n");

    let [of_bootstrap, of_delong] = share(data_sets, |mut simulation| {
        let pair = models(&mut simulation, [GOOD, WORSE]);
        let delong = pair[0].delong_test(&pair[1]).unwrap().unwrap();
        [
            difference(&pair).p_at_most(-MARGIN).unwrap() < 0.05,
            delong.p_inferior(MARGIN).unwrap() < 0.05,
        ]
    });
    println!(
        "| test of non-inferiority at 5 %, of a model worse by just the margin of {MARGIN} | rejects |\n| --- | --- |"
    );
    println!("| paired bootstrap | {of_bootstrap} |");
    println!("| DeLong | {of_delong} |");
}
