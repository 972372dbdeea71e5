//! The report's code, fed with the paper's tables, prints the paper's numbers.

use chextransfer_metrics::correlation_p_value;
use chextransfer_study::analysis::{
    Quantity, Relation, mean_times_smaller, paper_models, paper_truncations,
};
use chextransfer_study::paper;
use chextransfer_study::report::{Content, Report, ReportConfig, Table};

use super::synthetic::study;

fn report() -> Report {
    Report::of(&study(Vec::new()), ReportConfig::default()).unwrap()
}

fn table<'a>(report: &'a Report, id: &str) -> &'a Table {
    report
        .document
        .tables()
        .find(|table| table.id == id)
        .unwrap()
}

fn row(table: &Table, name: &str) -> Vec<String> {
    let row = table.rows.iter().find(|row| row[0].shown() == name);
    row.unwrap_or_else(|| panic!("no row {name}"))
        .iter()
        .map(|value| value.shown())
        .collect()
}

fn said(report: &Report) -> Vec<&str> {
    report
        .document
        .findings()
        .map(|finding| finding.text.as_str())
        .collect()
}

#[test]
fn the_recalled_table_1_gives_its_correlations() {
    let models = paper_models();
    let of = |x, y| Relation::of(&models, x, y).unwrap();
    let parameters = of(Quantity::Parameters, Quantity::AucWith);
    let top1 = of(Quantity::ImagenetTop1, Quantity::AucWith);
    assert_eq!(parameters.points.len(), 16);
    assert!((parameters.rho.unwrap().coefficient - 0.597).abs() < 5e-4);
    // Three decimals of AUC allow -0.02 to 0.13; the paper's 0.059 is among them.
    let rho = top1.rho.unwrap().coefficient;
    assert!((-0.02..0.13).contains(&rho), "{rho}");

    let report = report();
    let said = said(&report);
    for sentence in [
        "No monotonic relationship between ImageNet top-1 accuracy and AUC with pretraining is shown over 16 networks (ρ = 0.055, p = 0.840).",
        "The AUC with pretraining rises with the number of parameters over 16 networks (ρ = 0.597, p = 0.015).",
    ] {
        assert!(said.contains(&sentence), "{sentence}: {said:#?}");
    }
    let stated = row(
        table(&report, "paper_correlations"),
        "ImageNet top-1 accuracy and AUC with pretraining",
    );
    assert_eq!(stated[1..3], ["0.059 (seen)", "0.829 (seen)"]);
}

#[test]
fn the_stated_correlations_have_the_stated_p() {
    for (of, expected) in [
        (paper::TOP1_WITHOUT, 0.762),
        (paper::TOP1_WITH, 0.829),
        (paper::PARAMETERS_WITH, 0.023),
        (paper::PARAMETERS_BOOST, 0.002),
        (paper::PARAMETERS_WITHOUT, 2.62e-4),
    ] {
        assert_eq!(of.p_value.value, expected);
        let computed = correlation_p_value(of.rho.value, 16).unwrap();
        // Of what three decimals of rho allow.
        let allowed = [of.rho.value - 5e-4, of.rho.value + 5e-4]
            .map(|rho| correlation_p_value(rho, 16).unwrap());
        let (low, high) = (allowed[0].min(allowed[1]), allowed[0].max(allowed[1]));
        let rounding = if expected < 1e-3 { 5e-7 } else { 5e-4 };
        assert!(
            expected + rounding >= low && expected - rounding <= high,
            "{expected}: {computed}"
        );
    }
}

#[test]
fn the_recalled_table_2_gives_3_25() {
    let truncations = paper_truncations();
    let chosen: Vec<_> = truncations
        .iter()
        .map(|of| of.deepest_without_drop().map(|cut| cut.times_smaller))
        .collect();
    assert_eq!(chosen, [Some(4.7), Some(2.5), Some(1.6), Some(4.2)]);
    let mean = mean_times_smaller(&truncations.iter().collect::<Vec<_>>());
    assert!((mean.value.unwrap() - paper::MEAN_TIMES_SMALLER.value).abs() < 1e-12);

    let report = report();
    let said = said(&report);
    let sentence = said
        .iter()
        .find(|text| text.contains("smaller in the mean"))
        .unwrap();
    assert!(sentence.contains("3.25×"), "{sentence}");
    for factor in [
        "4.7× efficientnet_b0",
        "2.5× mnasnet1_0",
        "1.6× densenet121",
        "4.2× resnet18",
    ] {
        assert!(sentence.contains(factor), "{sentence}");
    }
    let table = table(&report, "paper_table2");
    for (name, change, times) in [
        (
            "DenseNet121Minus1",
            "\u{2212}0.04 (recalled)",
            "1.6× (recalled)",
        ),
        (
            "DenseNet121Minus2",
            "\u{2212}1.33* (recalled)",
            "5.3× (recalled)",
        ),
        (
            "EfficientNetB0Minus2",
            "\u{2212}0.45 (recalled)",
            "4.7× (recalled)",
        ),
        (
            "MNASNetMinus1",
            "\u{2212}0.07 (recalled)",
            "2.5× (recalled)",
        ),
        ("ResNet18Minus1", "+0.24 (recalled)", "4.2× (recalled)"),
        (
            "ResNet18Minus3",
            "\u{2212}8.33* (recalled)",
            "73.8× (recalled)",
        ),
    ] {
        let row = row(table, name);
        assert_eq!(row[1..3], [change, times], "{name}");
    }
}

#[test]
fn factors_of_the_papers_mnasnet_come_with_the_anomaly() {
    let report = report();
    let section = report
        .document
        .sections
        .iter()
        .find(|section| section.published)
        .unwrap();
    let note = section
        .content
        .iter()
        .any(|content| matches!(content, Content::Note(text) if text == paper::MNASNET_ANOMALY));
    assert!(
        note && table(&report, "paper_table2")
            .notes
            .iter()
            .any(|note| note == paper::MNASNET_ANOMALY)
    );
    let counted = row(table(&report, "paper_table1"), "MNASNet");
    assert!(
        counted.contains(&"5.290 (computed)".to_owned())
            && counted.contains(&"NASNet-A-Mobile".to_owned()),
        "{counted:?}"
    );
}
