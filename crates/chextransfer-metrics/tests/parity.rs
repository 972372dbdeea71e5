//! Every number against scikit-learn's and SciPy's, or against its definition written out pair by pair where they have none.
//!
//! `tests/reference/statistics.py` at the root of the repository made the numbers; data are a formula that both sides know.
#![allow(clippy::unwrap_used)]

use chextransfer_metrics::{
    Adjustment, Bins, Bootstrap, Distribution, IntervalMethod, Line, OperatingRule, ScoredLabels,
    Undefined, correlation_p_value, pearson, permutation_test, spearman,
};
use serde_json::Value;

/// What is compared is a sum of up to 200,000 terms near 1 on both sides, in other orders; so far the largest difference
/// relative to numbers above 1, and absolute below, is 2e-14.
const TOLERANCE: f64 = 1e-12;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/statistics.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[track_caller]
fn assert_close(found: f64, expected: f64, what: &str) {
    let difference = (found - expected).abs() / expected.abs().max(1.0);
    assert!(
        difference <= TOLERANCE,
        "{what}: {found} {expected} {difference:e}"
    );
}

/// Numbers in [0, 1): splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits.
fn uniform(name: &str, count: usize) -> Vec<f64> {
    let start = name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let numbers = (1..=count as u64).map(|index| {
        let mut z = start.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / (1_u64 << 24) as f64
    });
    numbers.collect()
}

/// The rows of a case, and of a second model with the same labels.
struct Rows {
    scores: [Vec<f64>; 2],
    labels: Vec<Option<bool>>,
    weights: Option<Vec<f64>>,
}

impl Rows {
    fn of(name: &str, rows: usize, levels: usize, prevalence: f64) -> Self {
        let mut labels: Vec<bool> = uniform(&format!("{name} label"), rows)
            .into_iter()
            .map(|number| number < prevalence)
            .collect();
        (labels[0], labels[1]) = (false, true);
        let lean = |numbers: Vec<f64>| -> Vec<f64> {
            let pairs = numbers.into_iter().zip(&labels);
            pairs
                .map(|(number, &label)| (number + 0.5 * f64::from(u8::from(label))) / 1.5)
                .collect()
        };
        let first = lean(uniform(&format!("{name} score"), rows));
        let second = lean(uniform(&format!("{name} score of the second"), rows));
        let second = second
            .iter()
            .zip(&first)
            .map(|(second, first)| (second + first) / 2.0);
        let second: Vec<f64> = second.collect();
        let round = |score: f64| match levels {
            0 => score,
            1 => 0.25,
            levels => (score * levels as f64).floor() / levels as f64,
        };
        Self {
            scores: [first, second].map(|scores| scores.into_iter().map(round).collect()),
            labels: labels.into_iter().map(Some).collect(),
            weights: None,
        }
    }

    fn of_case(case: &Value) -> Self {
        let (name, rows) = (case["name"].as_str().unwrap(), count(&case["rows"]));
        let mut made = Self::of(
            name,
            rows,
            count(&case["levels"]),
            number(&case["prevalence"]),
        );
        for scores in &mut made.scores {
            scores
                .iter_mut()
                .for_each(|score| *score *= number(&case["factor"]));
        }
        let masked = number(&case["masked"]);
        for (row, draw) in uniform(&format!("{name} mask"), rows)
            .into_iter()
            .enumerate()
            .skip(2)
        {
            if draw < masked {
                made.labels[row] = None;
            }
        }
        if case["weighted"].as_bool().unwrap() {
            let draws = uniform(&format!("{name} weight"), rows);
            let mut weights: Vec<f64> = draws.into_iter().map(|draw| 2.0 * draw).collect();
            (weights[0], weights[1]) = (1.0, 1.0);
            made.weights = Some(weights);
        }
        made
    }

    fn model(&self, model: usize) -> ScoredLabels {
        let scores = &self.scores[model];
        match &self.weights {
            None => ScoredLabels::new(scores, &self.labels).unwrap(),
            Some(weights) => ScoredLabels::weighted(scores, &self.labels, weights).unwrap(),
        }
    }
}

/// The same five of many that the script picks.
fn picked(values: &[f64]) -> Vec<f64> {
    let places = [0.025, 0.2, 0.5, 0.77, 0.975];
    places
        .map(|place| values[(place * (values.len() - 1) as f64) as usize])
        .to_vec()
}

#[test]
fn metrics_and_curves_equal_scikit_learns() {
    let reference = reference();
    let cases = reference["metrics"].as_array().unwrap();
    assert!(cases.len() >= 16);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let rows = Rows::of_case(case).model(0);
        assert_close(rows.auroc().unwrap(), number(&case["auroc"]), name);
        let precision = rows.average_precision().unwrap();
        assert_close(precision, number(&case["average_precision"]), name);

        let roc = rows.roc_curve().unwrap();
        assert_eq!(roc.len(), count(&case["roc_points"]), "{name}");
        let rates: [Vec<f64>; 2] = [
            roc.iter().map(|point| point.false_positive_rate).collect(),
            roc.iter().map(|point| point.true_positive_rate).collect(),
        ];
        let curve = rows.precision_recall_curve().unwrap();
        assert_eq!(curve.len(), count(&case["pr_points"]), "{name}");
        let precision: [Vec<f64>; 2] = [
            curve.iter().map(|point| point.precision).collect(),
            curve.iter().map(|point| point.recall).collect(),
        ];
        for (found, expected) in [(rates, &case["roc"]), (precision, &case["pr"])] {
            for (found, expected) in found.iter().zip(expected.as_array().unwrap()) {
                for (found, expected) in picked(found).into_iter().zip(numbers(expected)) {
                    assert_close(found, expected, name);
                }
            }
        }

        let youden = rows.operating_point(OperatingRule::Youden).unwrap();
        let expected = numbers(&case["youden"]);
        let index = youden.sensitivity() + youden.specificity();
        assert_close(index, expected[0] + expected[1], name);
        if case["weighted"] == false {
            assert_close(youden.sensitivity(), expected[0], name);
        }
    }
}

#[test]
fn calibration_equals_its_definition_and_scikit_learns_curve() {
    let mut compared = 0;
    for case in reference()["metrics"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let rows = Rows::of_case(case).model(0);
        if case["brier"].is_null() {
            let expected = match number(&case["factor"]) > 1.0 {
                true => Err(Undefined::NotProbabilities),
                false => Ok(()),
            };
            assert_eq!(rows.brier_score().map(|_| ()), expected, "{name}");
            continue;
        }
        compared += 1;
        assert_close(rows.brier_score().unwrap(), number(&case["brier"]), name);
        let width = rows.calibration_error(Bins::EqualWidth(10)).unwrap();
        assert_close(width, number(&case["ece_width"]), name);
        let quantile = rows.calibration_error(Bins::Quantile(7)).unwrap();
        assert_close(quantile, number(&case["ece_quantile"]), name);

        let bins = rows.reliability(Bins::EqualWidth(10)).unwrap();
        assert_eq!(bins.len(), 10);
        let Some(expected) = case["reliability"].as_array() else {
            continue;
        };
        // scikit-learn leaves empty bins out.
        let found = bins
            .iter()
            .filter_map(|bin| Some((bin.mean_probability?, bin.positive_share?)));
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), expected[0].as_array().unwrap().len(), "{name}");
        let expected = numbers(&expected[0]).into_iter().zip(numbers(&expected[1]));
        for ((probability, share), (expected_probability, expected_share)) in
            found.into_iter().zip(expected)
        {
            assert_close(probability, expected_probability, name);
            assert_close(share, expected_share, name);
        }
    }
    assert!(compared >= 14, "{compared}");
}

#[test]
fn delong_equals_its_definition() {
    let mut tested = 0;
    for case in reference()["metrics"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let rows = Rows::of_case(case);
        let (first, second) = (rows.model(0), rows.model(1));
        let test = first.delong_test(&second).unwrap();
        if case["delong"].is_null() {
            assert!(
                matches!(test, Err(Undefined::NotIndependent | Undefined::TooFew)),
                "{name}"
            );
            continue;
        }
        let (test, expected) = (test.unwrap(), numbers(&case["delong"]));
        let [[of_first, both], [_, of_second]] = test.covariance;
        for (found, expected) in [of_first, of_second, both].into_iter().zip(expected) {
            // Variances are small numbers: to 1e-12 of themselves.
            assert!(
                (found - expected).abs() <= 1e-12 * expected.abs().max(1e-9),
                "{name}: {found} {expected}"
            );
        }
        assert_eq!(first.delong().unwrap().variance, of_first);
        for (found, expected) in test.aucs.into_iter().zip(numbers(&case["delong_areas"])) {
            assert_close(found, expected, name);
        }
        match case["delong_p"].as_f64() {
            Some(expected) => assert_close(test.p_value().unwrap(), expected, name),
            None => assert_eq!(test.p_value(), Ok(1.0), "{name}"),
        }
        tested += 1;
    }
    assert!(tested >= 9, "{tested}");
}

#[test]
fn correlations_and_lines_equal_scipys() {
    for case in reference()["correlations"].as_array().unwrap() {
        let (name, rows) = (case["name"].as_str().unwrap(), count(&case["count"]));
        let (levels, factor) = (count(&case["levels"]) as f64, number(&case["factor"]));
        let x = uniform(&format!("{name} x"), rows);
        let y = x
            .iter()
            .zip(uniform(&format!("{name} y"), rows))
            .map(|(x, y)| x + 2.0 * y);
        let made = |value: f64| match levels > 0.0 {
            true => (value * levels).floor() / levels * factor,
            false => value * factor,
        };
        let y: Vec<f64> = y.map(made).collect();
        let x: Vec<f64> = x.into_iter().map(made).collect();

        let expected = numbers(&case["pearson"]);
        let found = pearson(&x, &y).unwrap().unwrap();
        assert_close(found.coefficient, expected[0], name);
        assert_close(found.p_value, expected[1], name);
        let expected = numbers(&case["spearman"]);
        let found = spearman(&x, &y).unwrap().unwrap();
        assert_close(found.coefficient, expected[0], name);
        assert_close(found.p_value, expected[1], name);
        assert_eq!(found.exact_p_value.is_some(), rows <= 9, "{name}");
        if rows <= 8 {
            assert_close(found.exact_p_value.unwrap(), number(&case["exact"]), name);
        }

        let line = Line::through(&x, &y).unwrap().unwrap();
        let [low, high] = line.band(x[0], 0.95);
        let scale = factor.max(f64::MIN_POSITIVE);
        let expected = numbers(&case["line"]);
        assert_close(line.slope, expected[0], name);
        assert_close(line.intercept / scale, expected[1] / scale, name);
        assert_close(line.slope_error, expected[2], name);
        assert_close(
            (high - low) / 2.0 / scale,
            number(&case["half_band"]) / scale,
            name,
        );
    }
}

#[test]
fn p_of_rho_is_scipys_and_the_papers() {
    let reference = reference();
    let paper = [0.762, 0.829, 0.023, 0.002, 0.000_26];
    let digits = [1e-3, 1e-3, 1e-3, 1e-3, 1e-5];
    for ((pair, paper), digits) in reference["p_from_rho"]
        .as_array()
        .unwrap()
        .iter()
        .zip(paper)
        .zip(digits)
    {
        let [rho, expected] = numbers(pair)[..] else {
            unreachable!("a pair")
        };
        let p = correlation_p_value(rho, 16).unwrap();
        assert_close(p, expected, "p of rho");
        // rho itself is rounded to three digits in the paper, which moves p by up to 0.002.
        let rounding = [rho - 5e-4, rho + 5e-4].map(|rho| correlation_p_value(rho, 16).unwrap());
        let (low, high) = (rounding[0].min(rounding[1]), rounding[0].max(rounding[1]));
        assert!(
            low - digits <= paper && paper <= high + digits,
            "{rho}: {p} {paper}"
        );
    }
    assert_eq!(correlation_p_value(0.5, 2), Err(Undefined::TooFew));
    assert_eq!(correlation_p_value(1.0, 16), Ok(0.0));
}

#[test]
fn swapping_models_in_every_way_gives_scipys_permutation_p() {
    for case in reference()["permutations"].as_array().unwrap() {
        let (name, rows) = (case["name"].as_str().unwrap(), count(&case["count"]));
        let rows = Rows::of(name, rows, 0, 0.5);
        let (first, second) = (rows.model(0), rows.model(1));
        let test = permutation_test(&[(&first, &second)], Default::default(), 2048, 0);
        let test = test.unwrap().unwrap();
        assert!(test.exact, "{name}");
        assert_close(test.difference, number(&case["difference"]), name);
        assert_close(test.p_value, number(&case["p"]), name);
    }
}

#[test]
fn adjusted_p_values_equal_scipys() {
    let reference = &reference()["adjusted"];
    let p = numbers(&reference["p"]);
    for (method, expected) in [
        (Adjustment::Holm, &reference["holm"]),
        (
            Adjustment::BenjaminiHochberg,
            &reference["benjamini_hochberg"],
        ),
    ] {
        let found = method.adjust(&p).unwrap();
        for (found, expected) in found.into_iter().zip(numbers(expected)) {
            assert_close(found, expected, &method.to_string());
        }
    }
}

#[test]
fn intervals_equal_scipys() {
    for case in reference()["intervals"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let data = uniform(&format!("{name} data"), 20);
        let data: Vec<f64> = data.into_iter().map(|draw| draw.powi(3)).collect();
        let mean = |left_out: Option<usize>| {
            let kept = data
                .iter()
                .enumerate()
                .filter(|(row, _)| Some(*row) != left_out);
            kept.map(|(_, value)| value).sum::<f64>()
                / (20 - usize::from(left_out.is_some())) as f64
        };
        let estimate = mean(None);
        let draws = uniform(&format!("{name} replicates"), 999).into_iter();
        let distribution = Distribution {
            estimate: Ok(estimate),
            replicates: draws
                .map(|draw| estimate + (draw.powi(2) - 0.25) / 5.0)
                .collect(),
            undefined_replicates: 0,
            jackknife: (0..20).map(|row| mean(Some(row))).collect(),
        };
        for (method, key) in [
            (IntervalMethod::Percentile, "percentile"),
            (IntervalMethod::Basic, "basic"),
            (IntervalMethod::Bca, "bca"),
        ] {
            let bootstrap = Bootstrap {
                method,
                ..Bootstrap::default()
            };
            let found = distribution.interval(&bootstrap).unwrap();
            for (found, expected) in found.into_iter().zip(numbers(&case[key])) {
                assert_close(found, expected, &format!("{name}, {key}"));
            }
        }
    }
}
