//! Label problems, encoded.

use std::path::Path;

use chextransfer_data::{
    BlankPolicy, Error, Label, LabelCounts, LabelEncoder, LabelProblem, Observation, Record, Sex,
    UncertaintyPolicy, View,
};
use proptest::prelude::*;
use tempfile::TempDir;

use Observation::{Atelectasis, Cardiomegaly, Edema, Fracture, NoFinding};

const SMOOTH: UncertaintyPolicy = UncertaintyPolicy::Smooth {
    low: 0.55,
    high: 0.85,
};

fn record(path: &str, labels: [Label; 14]) -> Record {
    Record {
        path: path.to_owned(),
        patient: "patient1".to_owned(),
        study: "patient1/study1".to_owned(),
        view: Some(View::Frontal),
        projection: None,
        sex: Sex::Unknown,
        age: None,
        labels,
        line: 2,
    }
}

fn path(number: usize) -> String {
    format!("CheXpert-v1.0/train/patient{number}/study1/view1_frontal.jpg")
}

fn encode(encoder: &LabelEncoder, record: &Record) -> (Vec<f32>, Vec<f32>) {
    let (mut targets, mut mask) = (Vec::new(), Vec::new());
    encoder.encode(record, &mut targets, &mut mask).unwrap();
    (targets, mask)
}

/// One target whose label is `label`.
fn one(problem: &LabelProblem, label: Label) -> (Vec<f32>, Vec<f32>) {
    let problem = problem.clone().with_targets(&[Edema]).unwrap();
    encode(&problem.encoder().unwrap(), &record(&path(1), [label; 14]))
}

#[test]
#[rustfmt::skip]
fn every_policy_maps_every_label_as_its_table_says() {
    use {BlankPolicy as B, UncertaintyPolicy as U};
    let table = [
        // uncertainty, blank,        positive,   negative,    uncertain,   blank
        (U::Ignore, B::Negative, [Some(true), Some(false), None,        Some(false)]),
        (U::Ignore, B::Ignore,   [Some(true), Some(false), None,        None]),
        (U::Zeros,  B::Negative, [Some(true), Some(false), Some(false), Some(false)]),
        (U::Ones,   B::Negative, [Some(true), Some(false), Some(true),  Some(false)]),
        (U::Ones,   B::Ignore,   [Some(true), Some(false), Some(true),  None]),
    ];
    for (uncertainty, blank, expected) in table {
        let problem = LabelProblem::new(uncertainty, blank);
        let encoder = problem.encoder().unwrap();
        for (label, expected) in [Label::Positive, Label::Negative, Label::Uncertain, Label::Blank].into_iter().zip(expected) {
            let target = vec![f32::from(expected == Some(true))];
            assert_eq!(one(&problem, label), (target, vec![f32::from(expected.is_some())]), "{problem:?} {label:?}");
            assert_eq!(encoder.truth(&record(&path(1), [label; 14]), Edema), expected);
        }
    }
    assert_eq!(LabelProblem::paper(), LabelProblem::new(U::Ignore, B::Negative));
}

#[test]
fn a_multi_class_target_is_one_hot_over_negative_positive_and_uncertain() {
    let problem = LabelProblem::new(UncertaintyPolicy::MultiClass, BlankPolicy::Negative);
    for (label, hot) in [
        (Label::Negative, [1., 0., 0.]),
        (Label::Positive, [0., 1., 0.]),
        (Label::Uncertain, [0., 0., 1.]),
        (Label::Blank, [1., 0., 0.]),
    ] {
        assert_eq!(
            one(&problem, label),
            (hot.to_vec(), vec![1.; 3]),
            "{label:?}"
        );
    }
    let problem = problem.with_blank(BlankPolicy::Ignore);
    assert_eq!(one(&problem, Label::Blank), (vec![0.; 3], vec![0.; 3]));
    let encoder = problem.encoder().unwrap();
    assert_eq!(
        encoder.truth(&record(&path(1), [Label::Uncertain; 14]), Edema),
        None
    );
}

#[test]
fn outputs_and_columns_follow_the_targets_in_their_order() {
    let problem = LabelProblem::paper()
        .with_targets(&[Edema, NoFinding, Atelectasis])
        .unwrap()
        .with_policy(NoFinding, UncertaintyPolicy::MultiClass)
        .unwrap()
        .with_policy(Atelectasis, UncertaintyPolicy::Ones)
        .unwrap();
    assert_eq!(problem.outputs(), 5);
    assert_eq!(
        [0, 1, 2, 3].map(|target| problem.columns(target)),
        [0..1, 1..4, 4..5, 5..5]
    );
    let mut labels = [Label::Blank; 14];
    labels[Edema.index()] = Label::Positive;
    labels[NoFinding.index()] = Label::Uncertain;
    labels[Atelectasis.index()] = Label::Uncertain;
    let (targets, mask) = encode(&problem.encoder().unwrap(), &record(&path(1), labels));
    assert_eq!(targets, [1., 0., 0., 1., 1.]);
    assert_eq!(mask, [1.; 5]);
    assert_eq!(LabelProblem::paper().outputs(), 14);
    let multi = LabelProblem::new(UncertaintyPolicy::MultiClass, BlankPolicy::Negative);
    assert_eq!(multi.outputs(), 42);
}

#[test]
fn smooth_targets_lie_between_their_bounds_and_depend_on_seed_image_and_observation_only() {
    let problem = LabelProblem::new(SMOOTH, BlankPolicy::Negative);
    let uncertain = |number| record(&path(number), [Label::Uncertain; 14]);
    let encoder = problem.encoder().unwrap();
    let mut values = Vec::new();
    for number in 0..500 {
        let (targets, mask) = encode(&encoder, &uncertain(number));
        assert_eq!(mask, [1.; 14]);
        values.extend(targets);
    }
    assert!(values.iter().all(|value| (0.55..=0.85).contains(value)));
    // 7,000 draws: the mean of a uniform distribution is within five standard errors.
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    assert!(
        (mean - 0.7).abs() < 5.0 * 0.3 / 12_f64.sqrt() / 7_000_f64.sqrt(),
        "{mean}"
    );
    let mut distinct = values.clone();
    distinct.sort_by(f32::total_cmp);
    distinct.dedup();
    assert!(distinct.len() > 6_900, "{} distinct values", distinct.len());

    assert_eq!(encode(&encoder, &uncertain(3)).0, values[42..56]);
    // The dataset may be kept under another name, and the targets in another order.
    let mut copy = uncertain(3);
    copy.path = copy.path.replace("CheXpert-v1.0/", "CheXpert-v1.0-small/");
    assert_eq!(encode(&encoder, &copy).0, values[42..56]);
    let fewer = problem
        .clone()
        .with_targets(&[Fracture, NoFinding])
        .unwrap();
    let fewer = encode(&fewer.encoder().unwrap(), &uncertain(3)).0;
    assert_eq!(fewer, [values[42 + Fracture.index()], values[42]]);
    let another = problem.with_seed(1).encoder().unwrap();
    assert_ne!(encode(&another, &uncertain(3)).0, values[42..56]);
    // A change here changes runs begun with an earlier version.
    assert_eq!(values[..3], PINNED);
    assert_eq!(encoder.truth(&uncertain(3), Edema), None);
}

const PINNED: [f32; 3] = [0.703_865_5, 0.634_044_2, 0.653_581_2];

#[test]
fn labels_that_are_certain_are_never_smoothed() {
    let problem = LabelProblem::new(SMOOTH, BlankPolicy::Negative);
    assert_eq!(one(&problem, Label::Positive).0, [1.]);
    assert_eq!(one(&problem, Label::Negative).0, [0.]);
    assert_eq!(one(&problem, Label::Blank).0, [0.]);
}

fn table(folder: &TempDir, text: &str) -> LabelProblem {
    let file = folder.path().join("values.csv");
    std::fs::write(&file, text).unwrap();
    LabelProblem::paper()
        .with_targets(&[Cardiomegaly, Edema])
        .unwrap()
        .with_policy(Edema, UncertaintyPolicy::Table)
        .unwrap()
        .with_table(file)
}

#[test]
fn a_table_replaces_uncertain_labels_and_only_those() {
    let folder = TempDir::new().unwrap();
    let tail = "train/patient1/study1/view1_frontal.jpg";
    let other = "train/patient2/study1/view1_frontal.jpg";
    let text = format!("Edema,Path,Remarks\n0.25,CheXpert-v1.0-small/{tail},\n1,{other},x\n");
    let problem = table(&folder, &text);
    let encoder = problem.encoder().unwrap();
    let uncertain = record(&path(1), [Label::Uncertain; 14]);
    assert_eq!(encode(&encoder, &uncertain), (vec![0., 0.25], vec![0., 1.]));
    assert_eq!(encoder.truth(&uncertain, Edema), None);
    assert_eq!(
        encoder.truth(&record(other, [Label::Uncertain; 14]), Edema),
        Some(true)
    );
    let certain = record(&path(99), [Label::Positive; 14]);
    assert_eq!(encode(&encoder, &certain).0, [1., 1.]);

    let before = encoder.digest();
    assert_eq!(problem.encoder().unwrap().digest(), before);
    std::fs::write(problem.table().unwrap(), text.replace("0.25", "0.26")).unwrap();
    assert_ne!(problem.encoder().unwrap().digest(), before);
}

#[test]
fn an_image_that_the_table_lacks_is_an_error_that_names_it_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let file = format!("Path,Edema\n{},\n", path(1));
    let encoder = table(&folder, &file).encoder().unwrap();
    for number in [1, 2] {
        let (mut targets, mut mask) = (vec![9.], vec![9.]);
        let record = record(&path(number), [Label::Uncertain; 14]);
        let error = encoder
            .encode(&record, &mut targets, &mut mask)
            .unwrap_err();
        assert!(matches!(
            error,
            Error::NoTarget {
                observation: Edema,
                ..
            }
        ));
        let message = error.to_string();
        assert!(
            message.contains("values.csv: no value for Edema of")
                && message.contains(&path(number)),
            "{message}"
        );
        assert_eq!((targets, mask), (vec![9.], vec![9.]));
    }
}

#[test]
fn a_bad_table_of_values_is_an_error_that_says_where() {
    let folder = TempDir::new().unwrap();
    let path = path(1);
    for (text, expected) in [
        (
            format!("Path,Oedema\n{path},1\n"),
            "column \"Edema\" is missing",
        ),
        (format!("Edema\n1\n{path}\n"), "column \"Path\" is missing"),
        (
            format!("Path,Edema\n{path},1.5\n"),
            "line 2, column \"Edema\": found \"1.5\"",
        ),
        (format!("Path,Edema\n{path},nan\n"), "a number from 0 to 1"),
        (
            format!("Path,Edema\n{path},1\n{path},1\n"),
            "line 3, column \"Path\"",
        ),
        ("Path,Edema\n../a,1\n".to_owned(), "line 2, column \"Path\""),
    ] {
        let message = table(&folder, &text).encoder().unwrap_err().to_string();
        assert!(
            message.contains("values.csv") && message.contains(expected),
            "{message}"
        );
    }
    let none = LabelProblem::new(UncertaintyPolicy::Table, BlankPolicy::Negative);
    let message = none.encoder().unwrap_err().to_string();
    assert!(message.contains("labels.table is not given"), "{message}");
}

#[test]
fn a_problem_that_contradicts_itself_is_refused() {
    let paper = LabelProblem::paper;
    let bounds = UncertaintyPolicy::Smooth {
        low: 0.9,
        high: 0.1,
    };
    for (result, expected) in [
        (paper().with_targets(&[]), "labels.targets is empty"),
        (
            paper().with_targets(&[Edema, Fracture, Edema]),
            "a list with Edema twice",
        ),
        (paper().with_policy(Edema, bounds), "0 <= low <= high <= 1"),
        (
            paper()
                .with_targets(&[Edema])
                .unwrap()
                .with_policy(Fracture, SMOOTH),
            "a policy for Fracture, which is no target",
        ),
        (
            paper()
                .with_policy(Fracture, SMOOTH)
                .unwrap()
                .with_targets(&[Edema]),
            "a policy for Fracture, which is no target",
        ),
    ] {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert!(
        LabelProblem::new(bounds, BlankPolicy::Ignore)
            .encoder()
            .is_err()
    );
}

#[test]
fn differences_name_what_two_problems_would_train_differently() {
    let paper = LabelProblem::paper();
    assert_eq!(paper.differences(&paper), Vec::<String>::new());
    // A seed without a draw and a table without a use change nothing.
    let idle = paper
        .clone()
        .with_seed(7)
        .with_table(Path::new("a.csv").into());
    assert_eq!(paper.differences(&idle), Vec::<String>::new());
    assert_eq!(paper.digest(), idle.digest());
    // Nor does a policy that says what holds anyway.
    let same = paper
        .clone()
        .with_policy(Edema, UncertaintyPolicy::Ignore)
        .unwrap();
    assert_eq!(same, paper);

    let other = LabelProblem::new(UncertaintyPolicy::Ignore, BlankPolicy::Ignore)
        .with_targets(&[Edema, Cardiomegaly])
        .unwrap()
        .with_policy(Edema, SMOOTH)
        .unwrap();
    assert_ne!(paper.digest(), other.digest());
    let lines = paper.differences(&other);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].ends_with("Support Devices against Edema, Cardiomegaly"),
        "{lines:?}"
    );
    assert_eq!(
        lines[1],
        "uncertain labels of Edema: ignore against smooth(0.55, 0.85)"
    );
    assert_eq!(lines[2], "blank labels: negative against ignore");

    let seeds = other.differences(&other.clone().with_seed(3));
    assert_eq!(seeds, ["seed of smooth labels: 0 against 3"]);
}

fn any_label() -> impl Strategy<Value = Label> {
    prop_oneof![
        Just(Label::Positive),
        Just(Label::Negative),
        Just(Label::Uncertain),
        Just(Label::Blank)
    ]
}

fn any_policy() -> impl Strategy<Value = UncertaintyPolicy> {
    prop_oneof![
        Just(UncertaintyPolicy::Ignore),
        Just(UncertaintyPolicy::Zeros),
        Just(UncertaintyPolicy::Ones),
        Just(UncertaintyPolicy::MultiClass),
        Just(SMOOTH),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn target_counts_agree_with_an_independent_count(
        rows in prop::collection::vec(prop::array::uniform14(any_label()), 1..60),
        policies in prop::collection::vec(any_policy(), 14),
        ignore_blank in any::<bool>(),
    ) {
        let blank = if ignore_blank { BlankPolicy::Ignore } else { BlankPolicy::Negative };
        let mut problem = LabelProblem::new(policies[0], blank);
        for (observation, policy) in Observation::ALL.into_iter().zip(policies) {
            problem = problem.with_policy(observation, policy).unwrap();
        }
        let records: Vec<Record> =
            rows.iter().enumerate().map(|(row, labels)| record(&path(row), *labels)).collect();
        let counts = problem.encoder().unwrap().counts(&records).unwrap();
        let raw = LabelCounts::of(&records);
        for (column, count) in counts.iter().enumerate() {
            let cells = |label| rows.iter().filter(|labels| labels[column] == label).count();
            let [positive, negative, uncertain, blank] =
                [Label::Positive, Label::Negative, Label::Uncertain, Label::Blank].map(cells);
            prop_assert_eq!(raw[column], LabelCounts { positive, uncertain, negative, blank });
            let mut expected = [positive, negative, 0, 0, 0];
            let place = match problem.uncertainty(count.observation) {
                UncertaintyPolicy::Ones => 0,
                UncertaintyPolicy::Zeros => 1,
                UncertaintyPolicy::MultiClass => 2,
                UncertaintyPolicy::Smooth { .. } => 3,
                _ => 4,
            };
            expected[place] += uncertain;
            expected[if ignore_blank { 4 } else { 1 }] += blank;
            let found =
                [count.positive, count.negative, count.uncertain, count.soft, count.masked];
            prop_assert_eq!(found, expected, "{}", count.observation);
        }
    }
}
