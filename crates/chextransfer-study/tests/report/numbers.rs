//! Synthetic studies: what the report claims is what was put in.

use chextransfer_models::Architecture::{DenseNet121, MobileNetV2, ResNet18, ResNet34, ResNet50};
use chextransfer_study::analysis::{Analysis, Choice, Tested, Verdict};
use chextransfer_study::report::{Claim, Report, ReportConfig};
use chextransfer_study::{Cell, StudyResults};

use super::synthetic::{JUDGED, Patients, cell, study};

fn analysis(results: &StudyResults) -> Analysis {
    Analysis::of(results).unwrap()
}

fn said(results: &StudyResults) -> Vec<(Claim, String)> {
    let report = Report::of(results, ReportConfig::default()).unwrap();
    report
        .document
        .own_findings()
        .map(|finding| (finding.claim, finding.text.clone()))
        .collect()
}

#[test]
fn a_boost_is_claimed_where_there_is_one_and_not_where_there_is_none() {
    let patients = Patients::default();
    let results = study(vec![
        patients.result(cell(MobileNetV2, 0, true), 0.8),
        patients.result(cell(MobileNetV2, 0, false), 0.4),
        patients.result(cell(ResNet18, 0, true), 0.5),
        patients.result(cell(ResNet18, 0, false), 0.5),
    ]);
    let found = analysis(&results);
    let verdicts: Vec<_> = found
        .models
        .iter()
        .map(|model| model.boost.unwrap().verdict())
        .collect();
    assert_eq!(verdicts, [Verdict::Higher, Verdict::NotShown]);
    let boost = |place: usize| found.models[place].boost.unwrap().estimate.value;
    let mean = found.mean_boost.unwrap().estimate.value;
    assert!((mean - (boost(0) + boost(1)) / 2.0).abs() < 1e-12);
    let expected = found.models[0].auc(true).unwrap() - found.models[0].auc(false).unwrap();
    assert!((boost(0) - expected).abs() < 1e-12);

    let said = said(&results);
    let sentence = said.iter().find(|(_, text)| {
        text.starts_with(
            "The boost is above 0 for 1 of 2 (mobilenet_v2); none is shown for resnet18",
        )
    });
    assert_eq!(
        sentence.map(|(claim, _)| *claim),
        Some(Claim::Shown),
        "{said:#?}"
    );
    assert!(
        said.iter().any(
            |(claim, text)| *claim == Claim::CannotSay && text.contains("needs at least three")
        ),
        "{said:#?}"
    );
}

#[test]
fn three_networks_are_too_few_for_a_correlation() {
    let patients = Patients::default();
    let results = study(
        [(ResNet18, 0.3), (ResNet34, 0.5), (ResNet50, 0.7)]
            .map(|(architecture, skill)| patients.result(cell(architecture, 0, true), skill))
            .to_vec(),
    );
    let said = said(&results);
    let about = said
        .iter()
        .find(|(_, text)| text.contains("number of parameters and AUC with pretraining"))
        .unwrap();
    assert_eq!(about.0, Claim::CannotSay);
    assert!(
        about.1.contains("even a perfect order has p = 0.333"),
        "{}",
        about.1
    );
    // Larger is better here, and best against worst is told.
    let across = said
        .iter()
        .find(|(_, text)| text.starts_with("Networks differ with pretraining"))
        .unwrap();
    assert!(
        across.1.contains("the best, resnet50") && across.1.contains("the worst, resnet18"),
        "{}",
        across.1
    );
    let boost = said
        .iter()
        .find(|(_, text)| text.contains("pretraining boost") && text.contains("no network"))
        .unwrap();
    assert_eq!(boost.0, Claim::CannotSay);
}

#[test]
fn the_advisor_picks_the_deepest_cut_that_is_as_good() {
    let patients = Patients {
        studies: 600,
        ..Patients::default()
    };
    let with_losses = |losses: [f64; 3]| {
        let mut cells = vec![patients.result(cell(DenseNet121, 0, true), 0.6)];
        cells.extend(
            (1..)
                .zip(losses)
                .map(|(minus, loss)| patients.result(cell(DenseNet121, minus, true), 0.6 - loss)),
        );
        analysis(&study(cells))
    };
    let found = with_losses([0.0, 0.0, 0.3]);
    assert_eq!(
        found.advice[0].choice,
        Choice::Cut("densenet121-minus2".to_owned())
    );
    let tested: Vec<_> = found.advice[0]
        .cards
        .iter()
        .map(|card| card.tested)
        .collect();
    assert_eq!(
        tested,
        [
            Tested::Reference,
            Tested::NotInferior,
            Tested::NotInferior,
            Tested::NotShown
        ]
    );
    assert_eq!(found.advice[0].advised().unwrap().cost.map_side, 40);
    let cut = found.truncations[0].deepest_without_drop().unwrap();
    assert!((cut.times_smaller - 6_968_206.0 / 1_304_718.0).abs() < 1e-12);

    // Behind a cut that is worse nothing is tested, however good it looks.
    let found = with_losses([0.3, 0.0, 0.0]);
    assert_eq!(found.advice[0].choice, Choice::Whole);
    let tested: Vec<_> = found.advice[0]
        .cards
        .iter()
        .map(|card| card.tested)
        .collect();
    assert_eq!(
        tested[1..],
        [Tested::NotShown, Tested::NotReached, Tested::NotReached]
    );
    assert_eq!(found.truncations[0].cuts[0].drops, Some(true));
    assert!(found.truncations[0].deepest_without_drop().is_none());
}

#[test]
fn a_small_test_set_shows_no_drop_and_is_not_advised_on_either() {
    let patients = Patients {
        studies: 30,
        ..Patients::default()
    };
    let results = study(vec![
        patients.result(cell(DenseNet121, 0, true), 0.5),
        patients.result(cell(DenseNet121, 1, true), 0.46),
    ]);
    let found = analysis(&results);
    assert_eq!(found.truncations[0].cuts[0].drops, Some(false));
    assert_eq!(found.advice[0].choice, Choice::Whole);
}

#[test]
fn an_observation_without_positives_is_left_out_and_named() {
    let patients = Patients {
        absent: vec!["Edema"],
        ..Patients::default()
    };
    let results = study(vec![patients.result(cell(ResNet18, 0, true), 0.5)]);
    let found = analysis(&results);
    assert_eq!(found.averaged, ["Cardiomegaly", "Pleural Effusion"]);
    assert_eq!(
        found.undefined,
        [("Edema".to_owned(), "0 positives".to_owned())]
    );

    // And where nothing is left there is no AUC, and every sentence says so.
    let patients = Patients {
        absent: JUDGED.to_vec(),
        ..Patients::default()
    };
    let results = study(vec![
        patients.result(cell(ResNet18, 0, true), 0.5),
        patients.result(cell(ResNet18, 0, false), 0.4),
        patients.result(cell(ResNet18, 1, true), 0.4),
    ]);
    let found = analysis(&results);
    assert_eq!(found.models[0].with.as_ref().unwrap().auc, None);
    assert_eq!(found.advice[0].choice, Choice::CannotSay);
    let said = said(&results);
    assert!(
        said.iter().all(|(claim, _)| *claim == Claim::CannotSay),
        "{said:#?}"
    );
    assert!(
        said.iter()
            .any(|(_, text)| text.contains("no judged observation has both classes")),
        "{said:#?}"
    );
}

#[test]
fn seeds_are_averaged_by_their_auc() {
    let patients = Patients::default();
    let seed = |seed, pretrained| Cell {
        seed,
        ..cell(ResNet18, 0, pretrained)
    };
    let results = study(vec![
        patients.result(seed(0, true), 0.7),
        patients.result(seed(1, true), 0.5),
        patients.result(seed(2, true), 0.9),
        patients.result(seed(0, false), 0.4),
        patients.result(seed(1, false), 0.4),
    ]);
    let found = analysis(&results);
    let with = found.models[0].with.as_ref().unwrap();
    let own: Vec<f64> = with.runs.iter().map(|run| run.auc.unwrap()).collect();
    assert_eq!(own.len(), 3);
    assert!((with.auc.unwrap().value - own.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    // The boost is over the seeds that both starts have.
    let without = found.models[0].without.as_ref().unwrap().auc.unwrap().value;
    let expected = (own[0] + own[1]) / 2.0 - without;
    assert!((found.models[0].boost.unwrap().estimate.value - expected).abs() < 1e-12);
}

#[test]
fn a_cut_without_its_whole_network_or_with_both_starts_stands_in_table_1() {
    let patients = Patients::default();
    let results = study(vec![
        patients.result(cell(MobileNetV2, 0, true), 0.6),
        patients.result(cell(MobileNetV2, 0, false), 0.5),
        patients.result(cell(ResNet18, 1, true), 0.6),
        patients.result(cell(ResNet18, 1, false), 0.5),
        patients.result(cell(MobileNetV2, 1, true), 0.6),
    ]);
    let found = analysis(&results);
    let names: Vec<_> = found
        .models
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(names, ["mobilenet_v2", "resnet18-minus1"]);
    assert!(found.models.iter().all(|model| model.boost.is_some()));
    assert_eq!(found.truncations.len(), 1);
    // The accuracy that is stated is not the truncated network's.
    assert_eq!(found.relations[1].points.len(), 1);
    assert_eq!(found.relations[3].points.len(), 2);
}

#[test]
fn learning_curves_tell_when_the_boost_shrinks() {
    let patients = Patients::default();
    let at = |fraction, pretrained, skill| {
        let of = Cell {
            fraction,
            ..cell(ResNet18, 0, pretrained)
        };
        patients.result(of, skill)
    };
    let results = study(vec![
        at(0.01, true, 0.7),
        at(0.01, false, 0.1),
        at(0.1, true, 0.7),
        at(0.1, false, 0.5),
        at(1.0, true, 0.72),
        at(1.0, false, 0.7),
    ]);
    let found = analysis(&results);
    assert_eq!(found.fraction, 1.0);
    assert_eq!(found.models.len(), 1);
    let fractions: Vec<_> = found.learning[0]
        .points
        .iter()
        .map(|point| point.fraction)
        .collect();
    assert_eq!(fractions, [0.01, 0.1, 1.0]);
    let said = said(&results);
    let sentence = said
        .iter()
        .find(|(_, text)| text.starts_with("The boost of resnet18 is larger on fewer patients"));
    assert_eq!(
        sentence.map(|(claim, _)| *claim),
        Some(Claim::Shown),
        "{said:#?}"
    );
    // With weights, a hundredth of the work is nearly as good: it is on the frontier; the random start at full work is not.
    assert_eq!(found.compute.len(), 6);
    let point = |fraction, pretrained| {
        found
            .compute
            .iter()
            .find(|of| of.fraction == fraction && of.pretrained == pretrained)
            .unwrap()
    };
    assert!(point(0.01, true).on_frontier && !point(0.01, false).on_frontier);
    assert!(point(0.1, true).macs > 9.0 * point(0.01, true).macs);
}

#[test]
fn different_test_sets_are_an_error() {
    let (few, many) = (
        Patients {
            studies: 50,
            ..Patients::default()
        },
        Patients::default(),
    );
    let results = study(vec![
        few.result(cell(ResNet18, 0, true), 0.5),
        many.result(cell(ResNet18, 0, false), 0.5),
    ]);
    let message = Analysis::of(&results).unwrap_err().to_string();
    assert!(message.contains("resnet18.random.f100.s0"), "{message}");
}
