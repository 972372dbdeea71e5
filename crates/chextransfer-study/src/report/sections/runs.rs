//! How the numbers were made, and the run that each traces to.

use super::{Source, start};
use crate::report::document::{Column, Content, RunLink, Section, Table, Value};
use crate::report::number::{counted, engineering, fixed, listed, percent};

pub(super) fn section(source: &Source<'_>) -> Section {
    let (results, analysis) = (source.results, source.analysis);
    let mut content = vec![Content::Text(format!(
        "AUC is the mean AUROC of {}, by study, on the test split. Intervals and tests: {}; all networks share the replicates. Several seeds of a \
         network stand for their mean AUC, what one training may be expected to reach; the mean of their probabilities would be an ensemble, another and \
         costlier model. Intervals are over the draw of test studies, not over seeds. Tables are of runs on {} of the training patients unless they say \
         otherwise.",
        listed(&analysis.averaged),
        results.bootstrap,
        percent(analysis.fraction),
    ))];
    if !analysis.undefined.is_empty() {
        let each: Vec<_> = analysis
            .undefined
            .iter()
            .map(|(name, reason)| format!("{name} ({reason})"))
            .collect();
        content.push(Content::Note(format!(
            "Without AUROC in this test split, and left out of every mean: {}.",
            listed(&each)
        )));
    }
    if !results.failed.is_empty() {
        let each: Vec<_> = results
            .failed
            .iter()
            .map(|(cell, error)| format!("{} ({error})", cell.id()))
            .collect();
        content.push(Content::Note(format!(
            "{} failed: {}.",
            counted(each.len(), "cell"),
            each.join("; ")
        )));
    }
    if !results.pending.is_empty() {
        let each: Vec<_> = results.pending.iter().map(|cell| cell.id()).collect();
        content.push(Content::Note(format!(
            "The study is not finished. {} to be run: {}.",
            counted(each.len(), "cell"),
            each.join(", ")
        )));
    }
    if !results.cells.is_empty() {
        content.push(Content::Table(table(source)));
    }
    Section {
        id: "runs",
        title: "How this was made, and every run".to_owned(),
        published: false,
        content,
    }
}

fn table(source: &Source<'_>) -> Table {
    let own_auc = |id: &str| -> Option<f64> {
        let analysis = source.analysis;
        let of_models = analysis
            .models
            .iter()
            .flat_map(|model| [&model.with, &model.without]);
        let of_curves = analysis
            .learning
            .iter()
            .flat_map(|curve| &curve.points)
            .flat_map(|point| [&point.with, &point.without]);
        let measured = of_models
            .chain(of_curves)
            .flatten()
            .flat_map(|measured| &measured.runs);
        let of_truncations = analysis.truncations.iter().flat_map(|of| {
            of.runs
                .iter()
                .chain(of.cuts.iter().flat_map(|cut| &cut.runs))
        });
        measured.chain(of_truncations).find(|run| run.id == id)?.auc
    };
    let rows = source.results.cells.iter().map(|result| {
        let id = result.cell.id();
        let folder = result.run.to_string_lossy().replace('\\', "/");
        vec![
            Value::Runs(vec![RunLink {
                shown: id.clone(),
                folder: source.to_study.map(|way| format!("{way}{folder}")),
                id: id.clone(),
            }]),
            Value::text(start(result.cell.pretrained)),
            Value::number(result.cell.fraction, percent(result.cell.fraction)),
            Value::number(result.cell.seed as f64, result.cell.seed.to_string()),
            own_auc(&id).map_or(Value::Missing, |auc| Value::number(auc, fixed(auc, 3))),
            Value::number(result.examples as f64, engineering(result.examples as f64)),
            Value::text(&result.device),
            Value::text(&result.version),
            result
                .weights_digest
                .as_ref()
                .map_or(Value::text("random"), |digest| Value::text(short(digest))),
            Value::text(short(&result.data_digest)),
        ]
    });
    Table {
        id: "runs",
        caption: "Runs".to_owned(),
        columns: vec![
            Column::runs_named("Run", "run"),
            Column::text("Pretraining", "pretraining"),
            Column::number("Patients", "fraction"),
            Column::number("Seed", "seed"),
            Column::number("AUC", "auc"),
            Column::number("Examples", "examples"),
            Column::text("Device", "device"),
            Column::text("Version", "version"),
            Column::text("Weights", "weights"),
            Column::text("Test data", "test_data"),
        ],
        rows: rows.collect(),
        notes: vec![
            "Weights and test data by the first twelve digits of their SHA-256; the whole ones are in each run's folder, whose files chextransfer \
             verify checks."
                .to_owned(),
        ],
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
