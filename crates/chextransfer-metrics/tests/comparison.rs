//! Models compared in pairs: the table, its numbers, and what cannot be compared.
#![allow(clippy::unwrap_used)]

use chextransfer_metrics::{
    Adjustment, Bootstrap, Comparison, ComparisonConfig, Error, IntervalMethod, Metric,
    Predictions, Undefined, Unit,
};
use ndarray::{Array2, Axis};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const OBSERVATIONS: [&str; 3] = ["Edema", "Atelectasis", "Fracture"];

/// Two studies a patient; no Fracture; `skill` is what positives score more, on a scale of one.
fn model(studies: usize, skill: f64, stream: u64) -> Predictions {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let labels = Array2::from_shape_fn((studies, 3), |(_, column)| {
        column < 2 && rng.random_bool(0.3)
    });
    rng.set_stream(stream);
    let probabilities = labels
        .mapv(|label| (rng.random::<f64>() + skill * f64::from(u8::from(label))) / (1.0 + skill));
    let names: Vec<String> = (0..studies)
        .map(|study| format!("patient{:05}/study{}", study / 2, study % 2))
        .collect();
    Predictions::new(
        OBSERVATIONS.map(str::to_owned).to_vec(),
        names.clone(),
        names,
        labels.mapv(Some),
        probabilities,
    )
    .unwrap()
}

fn select(table: &Predictions, rows: &[usize]) -> Predictions {
    let of = |names: &[String]| rows.iter().map(|&row| names[row].clone()).collect();
    Predictions::new(
        table.observations().to_vec(),
        of(table.paths()),
        of(table.studies()),
        table.labels().select(Axis(0), rows),
        table.probabilities().select(Axis(0), rows),
    )
    .unwrap()
}

fn replicates(replicates: usize) -> ComparisonConfig {
    ComparisonConfig {
        bootstrap: Bootstrap {
            replicates,
            ..Bootstrap::default()
        },
        ..ComparisonConfig::default()
    }
}

#[test]
fn a_pairs_numbers_are_those_of_each_model_alone_and_of_the_tests() {
    let (first, second) = (model(300, 0.5, 1), model(300, 1.5, 2));
    let config = ComparisonConfig {
        permutations: 200,
        margin: Some(0.01),
        ..replicates(500)
    };
    let comparison = Comparison::of(&[("a", &first), ("b", &second)], &config).unwrap();
    assert_eq!((comparison.rows, comparison.units), (300, 300));
    let pair = &comparison.against_first[0];
    assert_eq!(
        (pair.model.as_str(), pair.mean.name.as_str()),
        ("b", "mean of 2 of 3")
    );

    let alone =
        [&first, &second].map(|table| table.evaluate(&OBSERVATIONS, &config.bootstrap).unwrap());
    for (column, line) in pair.observations.iter().enumerate() {
        let [of_first, of_second] = [0, 1].map(|model| &alone[model].observations[column]);
        assert_eq!((line.first, line.first_ci), (of_first.auc, of_first.ci));
        assert_eq!((line.second, line.second_ci), (of_second.auc, of_second.ci));
    }
    let fracture = &pair.observations[2];
    assert_eq!(fracture.undefined, Some(Undefined::NoPositives));
    assert_eq!(
        (fracture.difference, fracture.bootstrap_p, fracture.delong_p),
        (None, None, None)
    );

    let mean = &pair.mean;
    let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-14;
    assert!(close(mean.first, alone[0].mean_auc) && close(mean.second, alone[1].mean_auc));
    let difference = mean.second.unwrap() - mean.first.unwrap();
    assert!(close(mean.difference, Some(difference)) && difference > 0.05);
    let [low, high] = mean.difference_ci.unwrap();
    assert!(0.0 < low && low < difference && difference < high);
    for p in [mean.bootstrap_p, mean.permutation_p] {
        assert!(p.unwrap() < 0.02, "{mean:?}");
    }
    assert_eq!(mean.bootstrap_p, mean.adjusted_p);
    for line in &pair.observations[..2] {
        let (bootstrap, delong) = (line.bootstrap_p.unwrap(), line.delong_p.unwrap());
        assert!((bootstrap - delong).abs() < 0.02, "{line:?}");
        assert!(line.adjusted_p.unwrap() >= bootstrap);
        assert!(line.non_inferiority.unwrap().holds);
    }
}

#[test]
fn rows_are_joined_by_path_and_columns_by_name() {
    let (first, second) = (model(120, 0.5, 1), model(120, 0.8, 2));
    let mut order: Vec<usize> = (0..120).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(3));
    let shuffled = select(&second, &order);
    let reversed = Predictions::new(
        vec!["Atelectasis".to_owned(), "Edema".to_owned()],
        shuffled.paths().to_vec(),
        shuffled.studies().to_vec(),
        shuffled.labels().select(Axis(1), &[1, 0]),
        shuffled.probabilities().select(Axis(1), &[1, 0]),
    )
    .unwrap();
    let config = ComparisonConfig {
        observations: vec!["Edema".to_owned(), "Atelectasis".to_owned()],
        ..replicates(200)
    };
    let expected = Comparison::of(&[("a", &first), ("b", &second)], &config).unwrap();
    assert_eq!(
        Comparison::of(&[("a", &first), ("b", &shuffled)], &config).unwrap(),
        expected
    );
    assert_eq!(
        Comparison::of(&[("a", &first), ("b", &reversed)], &config).unwrap(),
        expected
    );
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let table = model(100, 0.5, 1);
    let config = ComparisonConfig {
        permutations: 100,
        margin: Some(0.001),
        ..replicates(100)
    };
    let comparison = Comparison::of(&[("a", &table), ("b", &table)], &config).unwrap();
    let pair = &comparison.against_first[0];
    for line in [&pair.observations[0], &pair.mean] {
        assert_eq!(
            (line.difference, line.difference_ci),
            (Some(0.0), Some([0.0, 0.0]))
        );
        assert_eq!(
            (line.bootstrap_p, line.permutation_p),
            (Some(1.0), Some(1.0))
        );
        assert!(line.non_inferiority.unwrap().holds);
    }
    assert_eq!(pair.observations[0].delong_p, Some(1.0));
}

#[test]
fn each_model_is_held_against_the_first_and_p_values_are_adjusted_together() {
    let tables: Vec<_> = (0..4)
        .map(|model_| model(200, 0.6 + 0.1 * model_ as f64, model_))
        .collect();
    let names = ["base", "minus1", "minus2", "minus3"];
    let models: Vec<_> = names.into_iter().zip(&tables).collect();
    let of = |adjustment| {
        let config = ComparisonConfig {
            adjustment,
            ..replicates(300)
        };
        Comparison::of(&models, &config).unwrap()
    };
    let (holm, fdr) = (of(Adjustment::Holm), of(Adjustment::BenjaminiHochberg));
    assert_eq!(
        holm.against_first
            .iter()
            .map(|pair| &pair.model)
            .collect::<Vec<_>>(),
        names[1..].iter().collect::<Vec<_>>()
    );
    let lines = |comparison: &Comparison| -> Vec<(f64, f64)> {
        let pairs = comparison.against_first.iter();
        let lines = pairs.flat_map(|pair| pair.observations.iter());
        lines
            .filter_map(|line| line.bootstrap_p.zip(line.adjusted_p))
            .collect()
    };
    let p: Vec<f64> = lines(&holm).iter().map(|line| line.0).collect();
    assert_eq!(p.len(), 6);
    let expected = Adjustment::Holm.adjust(&p).unwrap();
    assert_eq!(
        lines(&holm).iter().map(|line| line.1).collect::<Vec<_>>(),
        expected
    );
    for (holm, fdr) in lines(&holm).iter().zip(lines(&fdr)) {
        assert!(holm.0 == fdr.0 && holm.1 >= fdr.1 && fdr.1 >= fdr.0);
    }
    // A pair's numbers do not depend on who else is compared.
    let two = Comparison::of(&models[..2], &replicates(300)).unwrap();
    assert_eq!(
        two.against_first[0].observations[0].difference_ci,
        holm.against_first[0].observations[0].difference_ci
    );
}

#[test]
fn drawing_patients_or_strata_is_another_bootstrap_of_the_same_estimate() {
    let (first, second) = (model(200, 0.5, 1), model(200, 0.9, 2));
    let with = |bootstrap: Bootstrap| {
        let config = ComparisonConfig {
            bootstrap,
            ..replicates(0)
        };
        Comparison::of(&[("a", &first), ("b", &second)], &config).unwrap()
    };
    let studies = with(Bootstrap::default());
    let patients = with(Bootstrap {
        unit: Unit::Patient,
        ..Bootstrap::default()
    });
    let stratified = with(Bootstrap {
        stratify: Some("Edema".to_owned()),
        ..Bootstrap::default()
    });
    let bca = with(Bootstrap {
        method: IntervalMethod::Bca,
        ..Bootstrap::default()
    });
    let line = |of: &Comparison| of.against_first[0].observations[0].clone();
    for other in [&patients, &stratified, &bca] {
        assert_eq!(line(other).difference, line(&studies).difference);
        assert_ne!(line(other).difference_ci, line(&studies).difference_ci);
    }
    assert_eq!((patients.units, studies.units), (100, 200));
    // Two studies of one patient are no independent rows for DeLong.
    assert!(line(&studies).delong_p.is_some() && line(&patients).delong_p.is_none());
}

#[test]
fn a_smaller_error_is_the_better_one() {
    let (sharp, dull) = (model(300, 2.0, 1), model(300, 0.1, 2));
    let config = ComparisonConfig {
        metric: Metric::BrierScore,
        margin: Some(0.005),
        ..replicates(300)
    };
    let holds = |models: [(&str, &Predictions); 2]| {
        let comparison = Comparison::of(&models, &config).unwrap();
        let line = &comparison.against_first[0].observations[0];
        assert_eq!(line.delong_p, None);
        line.non_inferiority.unwrap().holds
    };
    assert!(holds([("dull", &dull), ("sharp", &sharp)]));
    assert!(!holds([("sharp", &sharp), ("dull", &dull)]));
}

#[test]
fn the_printed_table_is_aligned_and_says_what_is_undefined() {
    let (first, second) = (model(60, 0.5, 1), model(60, 1.0, 2));
    let config = ComparisonConfig {
        margin: Some(0.02),
        ..replicates(100)
    };
    let comparison = Comparison::of(&[("runs/base", &first), ("runs/minus1", &second)], &config);
    let text = comparison.unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "A runs/base, B runs/minus1");
    assert!(
        lines[1].starts_with("observation     AUROC A  AUROC B    B - A  "),
        "{text}"
    );
    assert!(lines[1].ends_with("worse by < 0.02"), "{text}");
    assert_eq!(lines[4], "Fracture        undefined (0 positives)");
    assert!(lines[5].starts_with("mean of 2 of 3"), "{text}");
    assert_eq!(lines[2].chars().count(), lines[1].chars().count(), "{text}");
    assert!(
        !text.contains("p permuted") && text.contains("p DeLong"),
        "{text}"
    );
    assert!(
        text.contains("60 rows of 60 studies; 100 bootstrap replicates of the studies, seed 0"),
        "{text}"
    );
    assert!(!text.contains("NaN"), "{text}");

    let quick = Comparison::of(&[("a", &first), ("b", &second)], &replicates(0)).unwrap();
    let text = quick.to_string();
    assert!(
        text.ends_with("60 rows of 60 studies; no bootstrap"),
        "{text}"
    );
    assert!(
        text.contains("p DeLong") && !text.contains("interval"),
        "{text}"
    );
}

#[test]
fn json_has_names_numbers_nulls_and_settings() {
    let (first, second) = (model(60, 0.5, 1), model(60, 1.0, 2));
    let comparison = Comparison::of(&[("a", &first), ("b", &second)], &replicates(50)).unwrap();
    let json = serde_json::to_value(&comparison).unwrap();
    let pair = &json["against_first"][0];
    assert_eq!(pair["observations"][0]["name"], "Edema");
    assert!(pair["observations"][0]["difference_ci"][1].is_f64());
    assert_eq!(pair["observations"][2]["undefined"], "0 positives");
    assert!(pair["observations"][2]["difference"].is_null());
    assert_eq!(pair["mean"]["name"], "mean of 2 of 3");
    assert_eq!(json["config"]["bootstrap"]["replicates"], 50);
    let config: ComparisonConfig = serde_json::from_value(json["config"].clone()).unwrap();
    assert_eq!(config, comparison.config);
}

#[test]
fn what_cannot_be_compared_is_named() {
    let (first, second) = (model(60, 0.5, 1), model(60, 1.0, 2));
    let refused = |models: &[(&str, &Predictions)], config: &ComparisonConfig| -> Error {
        Comparison::of(models, config).unwrap_err()
    };
    let default = replicates(10);
    let message =
        |other: &Predictions| refused(&[("a", &first), ("b", other)], &default).to_string();

    let fewer = select(&second, &(0..45).collect::<Vec<_>>());
    let text = message(&fewer);
    assert!(
        text.contains("only in a: patient00022/study1, patient00023/study0"),
        "{text}"
    );
    assert!(text.contains(" and 5 more; only in b: none"), "{text}");

    let mut labels = second.labels().clone();
    labels[[3, 1]] = None;
    let relabelled = Predictions::new(
        second.observations().to_vec(),
        second.paths().to_vec(),
        second.studies().to_vec(),
        labels,
        second.probabilities().clone(),
    );
    let text = message(&relabelled.unwrap());
    for part in [
        "patient00001/study1",
        "\"Atelectasis\"",
        "in a but masked in b",
    ] {
        assert!(text.contains(part), "{text}");
    }

    let mut rows: Vec<usize> = (0..60).collect();
    rows[5] = 4;
    let text = message(&select(&second, &rows));
    assert!(text.contains("b holds patient00002/study0 twice"), "{text}");

    let with = |observations: &[&str], margin| ComparisonConfig {
        observations: observations.iter().map(|&name| name.to_owned()).collect(),
        margin,
        ..replicates(10)
    };
    let models = [("a", &first), ("b", &second)];
    let text = refused(&models, &with(&["Edema", "Hernia"], None)).to_string();
    assert!(
        text.contains("\"Hernia\"") && text.contains("Edema, Atelectasis, Fracture"),
        "{text}"
    );
    assert!(
        refused(&models, &with(&["Edema", "Edema"], None))
            .to_string()
            .contains("twice")
    );
    for margin in [0.0, -0.1, f64::NAN] {
        let text = refused(&models, &with(&[], Some(margin))).to_string();
        assert!(text.starts_with("margin is"), "{text}");
    }
    assert!(
        refused(&models[..1], &default)
            .to_string()
            .contains("found 1 tables")
    );
    assert!(
        refused(&[], &default)
            .to_string()
            .contains("found 0 tables")
    );
    let twice = refused(&[("a", &first), ("a", &second)], &default);
    assert!(twice.to_string().contains("two models named \"a\""));

    let mut unnamed = replicates(10);
    unnamed.bootstrap.unit = Unit::Patient;
    let flat = Predictions::new(
        vec!["Edema".to_owned()],
        vec!["x".to_owned(), "y".to_owned()],
        vec!["x".to_owned(), "y".to_owned()],
        Array2::from_shape_vec((2, 1), vec![Some(true), Some(false)]).unwrap(),
        Array2::from_elem((2, 1), 0.5),
    )
    .unwrap();
    let text = refused(&[("a", &flat), ("b", &flat)], &unnamed).to_string();
    assert!(
        text.starts_with("a: ") && text.contains("\"x\"") && text.contains("patient"),
        "{text}"
    );
}
