//! The report's files: what must be in them, whatever the style.

use std::collections::BTreeMap;
use std::path::Path;

use chextransfer_models::Architecture::{DenseNet121, ResNet18};
use chextransfer_study::StudyResults;
use chextransfer_study::report::{Content, Report, ReportConfig, Value};

use super::synthetic::{Patients, cell, study, whole_grid};

/// Every file of a report with its bytes. A copy goes to the folder `CHEXTRANSFER_KEEP_REPORTS`, if that is set, to be looked at.
pub(crate) fn written(results: &StudyResults, name: &str) -> (Report, BTreeMap<String, Vec<u8>>) {
    let config = ReportConfig {
        to_study: Some("../".to_owned()),
        ..ReportConfig::default()
    };
    let report = Report::of(results, config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = report.write(folder.path()).unwrap();
    if let Some(kept) = std::env::var_os("CHEXTRANSFER_KEEP_REPORTS") {
        report.write(&Path::new(&kept).join(name)).unwrap();
    }
    let read = |path: std::path::PathBuf| {
        let name = path
            .strip_prefix(folder.path())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(path).unwrap())
    };
    (report, files.into_iter().map(read).collect())
}

fn text<'a>(files: &'a BTreeMap<String, Vec<u8>>, name: &str) -> &'a str {
    std::str::from_utf8(
        files
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {:?}", files.keys())),
    )
    .unwrap()
}

#[test]
fn the_whole_grid_gives_every_table_and_figure_in_every_format() {
    let (report, files) = written(&whole_grid(), "whole");
    for table in [
        "table1",
        "correlations",
        "families",
        "table2",
        "advisor",
        "learning",
        "compute",
        "paper_table1",
        "paper_table2",
        "paper_correlations",
        "paper_text",
        "runs",
    ] {
        let csv = text(&files, &format!("tables/{table}.csv"));
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let columns = reader.headers().unwrap().len();
        let rows = reader
            .records()
            .map(|row| assert_eq!(row.unwrap().len(), columns))
            .count();
        let own = report
            .document
            .tables()
            .find(|own| own.id == table)
            .unwrap();
        assert_eq!(rows, own.rows.len(), "{table}");
        assert!(
            own.rows.iter().all(|row| row.len() == own.columns.len()),
            "{table}"
        );

        let latex = text(&files, &format!("tables/{table}.tex"));
        for part in [
            "\\toprule",
            "\\midrule",
            "\\bottomrule",
            "\\begin{table}",
            "\\end{table}",
        ] {
            assert_eq!(latex.matches(part).count(), 1, "{table}: {part}");
        }
        let cells = latex.lines().filter(|line| line.ends_with("\\\\"));
        for line in cells {
            let separators = line.replace("\\&", "").matches('&').count();
            assert_eq!(separators, own.columns.len() - 1, "{line}");
        }
        assert!(text(&files, "report.tex").contains(&format!("\\input{{tables/{table}.tex}}")));
        assert!(text(&files, "report.html").contains(&format!("id=\"table-{table}\"")));
    }
    for figure in [
        "imagenet",
        "families",
        "pretraining",
        "truncation",
        "learning",
        "compute",
        "paper_imagenet",
    ] {
        let svg = text(&files, &format!("figures/{figure}.svg"));
        let document = roxmltree::Document::parse(svg).unwrap();
        let root = document.root_element();
        let has = |name: &str| {
            root.children().any(|child| {
                child.has_tag_name(("http://www.w3.org/2000/svg", name)) && child.text().is_some()
            })
        };
        assert!(has("title") && has("desc"), "{figure}");
        let marks = document.descendants().filter(|node| {
            node.attribute("class")
                .is_some_and(|class| class.starts_with("mark"))
        });
        let marks: Vec<_> = marks.collect();
        assert!(
            !marks.is_empty()
                && marks.iter().all(|mark| mark
                    .children()
                    .any(|child| child.has_tag_name(("http://www.w3.org/2000/svg", "title")))),
            "{figure}"
        );
        // No number that is none, and nothing off the sheet.
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{figure}");
        assert!(text(&files, "report.md").contains(&format!("(figures/{figure}.svg)")));
    }
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let results = whole_grid();
    let (_, first) = written(&results, "first");
    let (_, second) = written(&results, "second");
    assert!(first == second);
}

#[test]
fn measured_speeds_stand_in_files_of_their_own() {
    let patients = Patients::default();
    let mut results = study(vec![
        patients.result(cell(DenseNet121, 0, true), 0.6),
        patients.result(cell(DenseNet121, 1, true), 0.6),
    ]);
    let (_, without) = written(&results, "without");
    assert!(!without.contains_key("cost.html"));
    results.cells[0].images_per_second = Some(12.5);
    let (_, with) = written(&results, "with");
    let own: Vec<_> = with
        .keys()
        .filter(|name| !without.contains_key(*name))
        .collect();
    assert_eq!(own, ["cost.csv", "cost.html", "cost.md"]);
    assert!(without.iter().all(|(name, bytes)| with[name] == *bytes));
    assert!(
        text(&with, "cost.csv").contains("densenet121,6968206,")
            && text(&with, "cost.md").contains("12.5")
    );
}

#[test]
fn every_number_traces_to_a_run() {
    let (report, files) = written(&whole_grid(), "traced");
    let page = text(&files, "report.html");
    let mut runs = 0;
    for table in report
        .document
        .tables()
        .filter(|table| ["table1", "table2", "learning"].contains(&table.id))
    {
        for row in &table.rows {
            let links: Vec<_> = row
                .iter()
                .filter_map(|value| {
                    if let Value::Runs(runs) = value {
                        Some(runs)
                    } else {
                        None
                    }
                })
                .flatten()
                .collect();
            assert!(!links.is_empty(), "{}: {}", table.id, row[0].shown());
            for run in links {
                runs += 1;
                assert!(
                    page.contains(&format!("href=\"#run-{}\"", run.id))
                        && page.contains(&format!("id=\"run-{}\"", run.id)),
                    "{}",
                    run.id
                );
                assert!(
                    page.contains(&format!("href=\"../runs/{}/\"", run.id)),
                    "{}",
                    run.id
                );
            }
        }
    }
    assert!(runs > 50);
}

#[test]
fn the_page_needs_nothing_else_and_escapes_what_it_is_given() {
    let patients = Patients::default();
    let mut results = study(vec![patients.result(cell(ResNet18, 0, true), 0.6)]);
    results.title = "<b>A & B</b> | 50 %_x".to_owned();
    results.failed.push((
        cell(ResNet18, 1, true),
        "cannot read <img src=x>".to_owned(),
    ));
    results.pending.push(cell(ResNet18, 2, true));
    let (_, files) = written(&results, "escaped");
    let page = text(&files, "report.html");
    assert!(
        page.contains("&lt;b&gt;A &amp; B&lt;/b&gt;")
            && !page.contains("<b>A")
            && !page.contains("<img src=x")
    );
    assert!(
        page.contains("1 run of 3 finished") && page.contains("resnet18-minus2.pretrained.f100.s0")
    );
    // Addresses only as names of things: the SVG namespace.
    let outside = page.match_indices("http").filter(|(at, _)| {
        !page[*at..].starts_with("http://www.w3.org/2000/svg")
            && !page[*at..].starts_with("http-equiv")
    });
    assert_eq!(outside.count(), 0);
    assert!(text(&files, "report.md").starts_with("# \\<b\\>A & B\\</b\\> \\| 50 %\\_x\n"));
    assert!(text(&files, "report.tex").contains("\\title{$<$b$>$A \\& B$<$/b$>$ | 50 \\%\\_x}"));
}

#[test]
fn an_empty_study_has_a_report_that_says_so() {
    let (report, files) = written(&study(Vec::new()), "empty");
    assert!(report.document.own_findings().next().is_some());
    assert!(text(&files, "report.html").contains("0 networks in 0 runs"));
}

#[test]
fn the_papers_numbers_stand_apart() {
    let (report, _) = written(&whole_grid(), "apart");
    let apart: Vec<_> = report
        .document
        .sections
        .iter()
        .filter(|section| section.published)
        .collect();
    assert_eq!(apart.len(), 1);
    let facts = |content: &Content| match content {
        Content::Table(table) => table.columns.iter().zip(0..).all(|(column, place)| {
            let is_fact = table
                .rows
                .iter()
                .any(|row| matches!(row[place], Value::Fact { .. }));
            column.published == is_fact || !is_fact
        }),
        _ => true,
    };
    // A number of the paper is never in a column of ours.
    assert!(
        report
            .document
            .sections
            .iter()
            .flat_map(|section| &section.content)
            .all(facts)
    );
}
