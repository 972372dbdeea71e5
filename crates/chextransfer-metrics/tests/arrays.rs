//! Plain arrays: what is refused, what is undefined, and worked examples.
#![allow(clippy::unwrap_used)]

use chextransfer_metrics::{
    Bins, Error, Metric, OperatingRule, ScoredLabels, Undefined, labels_from_numbers, pearson,
    permutation_test, spearman,
};

const LABELS: [Option<bool>; 5] = [
    Some(false),
    Some(false),
    Some(false),
    Some(true),
    Some(true),
];
const SCORES: [f64; 5] = [0.1, 0.3, 0.6, 0.5, 0.9];

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn bad_arrays_are_refused_with_place_and_reason() {
    let two = [Some(true), Some(false)];
    let refused = [
        (
            message(ScoredLabels::new(&[0.1, f64::NAN], &two)),
            "score 1: found NaN",
        ),
        (
            message(ScoredLabels::new(&[0.1], &two)),
            "2 labels for 1 scores",
        ),
        (message(ScoredLabels::new(&[], &[])), "no rows"),
        (
            message(ScoredLabels::weighted(&[0.1, 0.2], &two, &[1.0])),
            "1 weights for 2 scores",
        ),
        (
            message(ScoredLabels::weighted(&[0.1, 0.2], &two, &[1.0, -1.0])),
            "weight 1: found -1",
        ),
        (
            message(ScoredLabels::weighted(
                &[0.1, 0.2],
                &two,
                &[f64::INFINITY, 1.0],
            )),
            "weight 0: found inf",
        ),
        (
            message(labels_from_numbers(&[0.0, 1.0, 2.0])),
            "label 2: found 2, expected 0 or 1",
        ),
        (
            message(labels_from_numbers(&[f64::NAN])),
            "label 0: found NaN",
        ),
        (message(labels_from_numbers(&[-1.0])), "found -1"),
        (
            message(spearman(&[1.0], &[1.0, 2.0])),
            "2 second values for 1",
        ),
        (
            message(pearson(&[1.0, f64::NAN, 2.0], &[1.0, 2.0, 3.0])),
            "value 1: found NaN",
        ),
        (message(pearson(&[], &[])), "no rows"),
    ];
    for (message, part) in refused {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(
        labels_from_numbers(&[0.0, 1.0, -0.0]).unwrap(),
        [Some(false), Some(true), Some(false)]
    );
}

#[test]
fn what_the_data_do_not_define_says_why() {
    let negatives = ScoredLabels::new(&[0.1, 0.2], &[Some(false); 2]).unwrap();
    assert_eq!(negatives.auroc(), Err(Undefined::NoPositives));
    assert_eq!(negatives.average_precision(), Err(Undefined::NoPositives));
    assert_eq!(negatives.roc_curve(), Err(Undefined::NoPositives));
    assert_eq!(
        negatives.operating_point(OperatingRule::Youden),
        Err(Undefined::NoPositives)
    );
    assert!((negatives.brier_score().unwrap() - 0.025).abs() < 1e-15);
    let positives = ScoredLabels::new(&[0.1, 0.2], &[Some(true); 2]).unwrap();
    assert_eq!(positives.average_precision(), Ok(1.0));
    assert_eq!(positives.delong(), Err(Undefined::NoNegatives));
    let masked = ScoredLabels::new(&[0.1, 7.0], &[None; 2]).unwrap();
    for undefined in [
        masked.auroc(),
        masked.brier_score(),
        masked.calibration_error(Bins::default()),
    ] {
        assert_eq!(undefined, Err(Undefined::AllMasked));
    }
    let logits = ScoredLabels::new(&[-1.0, 2.0], &[Some(true), Some(false)]).unwrap();
    assert_eq!(logits.brier_score(), Err(Undefined::NotProbabilities));
    assert_eq!(logits.auroc(), Ok(0.0));
    assert_eq!(logits.delong(), Err(Undefined::TooFew));
    let weighted = ScoredLabels::weighted(&SCORES, &LABELS, &[1.0, 2.0, 1.0, 1.0, 1.0]).unwrap();
    assert_eq!(weighted.delong(), Err(Undefined::NotIndependent));

    assert_eq!(
        pearson(&[1.0, 2.0], &[1.0, 2.0]).unwrap(),
        Err(Undefined::TooFew)
    );
    assert_eq!(
        spearman(&[1.0; 3], &[1.0, 2.0, 3.0]).unwrap(),
        Err(Undefined::Constant)
    );
    let none = permutation_test(&[], Metric::Auroc, 100, 0).unwrap();
    assert_eq!(none, Err(Undefined::NothingToAverage));
}

#[test]
fn operating_points_are_where_the_rule_says() {
    let rows = ScoredLabels::new(&SCORES, &LABELS).unwrap();
    let at = |rule| rows.operating_point(rule).unwrap();

    let sensitive = at(OperatingRule::Sensitivity(1.0));
    assert_eq!((sensitive.threshold, sensitive.sensitivity()), (0.5, 1.0));
    assert_eq!(
        (sensitive.false_positives, sensitive.true_negatives),
        (1.0, 2.0)
    );
    assert_eq!(sensitive.ppv(), Ok(2.0 / 3.0));
    assert_eq!(sensitive.npv(), Ok(1.0));

    let specific = at(OperatingRule::Specificity(1.0));
    assert_eq!(
        (
            specific.threshold,
            specific.specificity(),
            specific.sensitivity()
        ),
        (0.9, 1.0, 0.5)
    );
    // 0.5 + 1 against 1 + 2/3
    assert_eq!(at(OperatingRule::Youden), sensitive);

    let nobody = at(OperatingRule::Threshold(0.95));
    assert_eq!(
        (nobody.threshold, nobody.ppv()),
        (0.95, Err(Undefined::NoneCalledPositive))
    );
    assert_eq!(at(OperatingRule::Threshold(0.5)), sensitive);
    let everybody = at(OperatingRule::Threshold(0.0));
    assert_eq!(everybody.npv(), Err(Undefined::NoneCalledNegative));
    assert_eq!(everybody.ppv(), Ok(everybody.prevalence()));
    let beyond = rows.operating_point(OperatingRule::Sensitivity(1.1));
    assert_eq!(beyond, Err(Undefined::NoThreshold));
}

#[test]
fn predictive_values_follow_the_prevalence() {
    let point = ScoredLabels::new(&SCORES, &LABELS)
        .unwrap()
        .operating_point(OperatingRule::Threshold(0.6))
        .unwrap();
    // Sensitivity 1/2, specificity 2/3: at the sample's own prevalence nothing changes.
    for (found, expected) in [
        (point.ppv_at(0.4), point.ppv().unwrap()),
        (point.npv_at(0.4), point.npv().unwrap()),
        (point.ppv_at(0.1), 0.05 / (0.05 + 0.3)),
        (point.npv_at(0.1), 0.6 / (0.6 + 0.05)),
        (point.ppv_at(0.0), 0.0),
        (point.npv_at(1.0), 0.0),
    ] {
        assert!(
            (found.unwrap() - expected).abs() < 1e-15,
            "{found:?} {expected}"
        );
    }
}

#[test]
fn bins_hold_what_lies_on_their_upper_edge() {
    let scores = [0.0, 0.25, 0.25, 0.5, 0.75, 1.0];
    let labels = [false, false, true, true, false, true].map(Some);
    let rows = ScoredLabels::new(&scores, &labels).unwrap();
    let bins = rows.reliability(Bins::EqualWidth(4)).unwrap();
    let seen: Vec<_> = bins
        .iter()
        .map(|bin| (bin.rows, bin.positive_share))
        .collect();
    assert_eq!(
        seen,
        [
            (3, Some(1.0 / 3.0)),
            (1, Some(1.0)),
            (1, Some(0.0)),
            (1, Some(1.0))
        ]
    );
    assert_eq!(bins[0].edges, [0.0, 0.25]);
    // |0.5 - 1| + |0.5 - 1| + |0.75 - 0| + 0 over six rows
    assert!((rows.calibration_error(Bins::EqualWidth(4)).unwrap() - 1.75 / 6.0).abs() < 1e-15);

    let quantile = rows.reliability(Bins::Quantile(3)).unwrap();
    assert_eq!(quantile.iter().map(|bin| bin.rows).sum::<usize>(), 6);
    let empty = ScoredLabels::new(&[0.1, 0.9], &[Some(false), Some(true)]).unwrap();
    let empty = empty.reliability(Bins::EqualWidth(3)).unwrap();
    assert_eq!((empty[1].rows, empty[1].mean_probability), (0, None));
}

#[test]
fn swapped_models_have_the_opposite_difference_and_one_p() {
    let other = [0.2, 0.8, 0.1, 0.6, 0.4];
    let rows = [&SCORES, &other].map(|scores| ScoredLabels::new(scores, &LABELS).unwrap());
    let test = |a: &ScoredLabels, b: &ScoredLabels| {
        permutation_test(&[(a, b)], Metric::Auroc, 32, 0)
            .unwrap()
            .unwrap()
    };
    let (forth, back) = (test(&rows[0], &rows[1]), test(&rows[1], &rows[0]));
    assert_eq!(
        (forth.difference, forth.p_value),
        (-back.difference, back.p_value)
    );
    assert!(forth.exact && forth.permutations == 32);
    // On another scale the ranks are the same.
    let scaled = ScoredLabels::new(&other.map(|score| 1000.0 * score), &LABELS).unwrap();
    assert_eq!(test(&rows[0], &scaled), forth);

    let delong = rows[0].delong_test(&rows[1]).unwrap().unwrap();
    let back = rows[1].delong_test(&rows[0]).unwrap().unwrap();
    assert_eq!(
        (delong.difference(), delong.p_value()),
        (-back.difference(), back.p_value())
    );
    let [low, high] = delong.interval(0.95);
    assert!(low < delong.difference() && delong.difference() < high);

    let relabelled = ScoredLabels::new(&other, &[Some(true); 5]).unwrap();
    assert!(matches!(
        rows[0].delong_test(&relabelled),
        Err(Error::NotPaired)
    ));
    let unpaired = permutation_test(&[(&rows[0], &relabelled)], Metric::Auroc, 32, 0);
    assert!(matches!(unpaired, Err(Error::NotPaired)));
}
