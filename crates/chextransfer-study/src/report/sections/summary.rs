//! What a reader sees first.

use super::Source;
use crate::analysis::{Change, Choice, Quantity, Truncation};
use crate::report::document::{Claim, Content, Finding, Highlight, Section};
use crate::report::number::{counted, fixed, interval, p_clause, signed, times};
use crate::report::wording;

pub(super) fn subtitle(source: &Source<'_>) -> String {
    let results = source.results;
    let mut networks: Vec<String> = results.cells.iter().map(|of| of.cell.network()).collect();
    networks.sort();
    networks.dedup();
    format!(
        "{} in {}, images of {size} × {size} pixels, judged on {}",
        counted(networks.len(), "network"),
        counted(results.cells.len(), "run"),
        if source.analysis.studies == 1 {
            "1 test study".to_owned()
        } else {
            format!("{} test studies", source.analysis.studies)
        },
        size = results.image_size,
    )
}

/// The questions of the paper, in its order; sections answer them and more in detail.
fn main<'a>(source: &'a Source<'_>) -> impl Iterator<Item = Finding> + 'a {
    let analysis = source.analysis;
    let relations = analysis.relations.iter().map(wording::relation);
    let means = [true, false].into_iter().filter_map(|start| {
        let of_start: Vec<&Truncation> = analysis
            .truncations
            .iter()
            .filter(|of| of.pretrained == start)
            .collect();
        (of_start.len() > 1).then(|| wording::times_smaller(&of_start).1)
    });
    let advice = analysis
        .advice
        .iter()
        .map(|of| wording::advice(of, source.results.margin));
    relations
        .chain([wording::mean_boost(analysis)])
        .chain(means)
        .chain(advice)
}

/// The section, which repeats the main ones of the others' sentences.
pub(super) fn section(source: &Source<'_>) -> Section {
    let mut content = Vec::new();
    let results = source.results;
    if !results.note.is_empty() {
        content.push(Content::Note(results.note.clone()));
    }
    let open = results.failed.len() + results.pending.len();
    if open > 0 {
        content.push(Content::Note(format!(
            "{} of {} finished: what follows is of those alone.",
            counted(results.cells.len(), "run"),
            results.cells.len() + open
        )));
    }
    if !source.analysis.undefined.is_empty() {
        let names: Vec<_> = source
            .analysis
            .undefined
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        content.push(Content::Note(format!(
            "The test split has one class only of {}: AUC is the mean of the other {}.",
            crate::report::number::listed(&names),
            source.analysis.averaged.len()
        )));
    }
    let (mut said, cannot): (Vec<_>, Vec<_>) =
        main(source).partition(|finding| finding.claim != Claim::CannotSay);
    said.extend(cannot);
    content.extend(said.into_iter().map(Content::Finding));
    Section {
        id: "summary",
        title: "What the data say".to_owned(),
        published: false,
        content,
    }
}

pub(super) fn highlights(source: &Source<'_>) -> Vec<Highlight> {
    let analysis = source.analysis;
    let mut highlights = Vec::new();
    if let Some(boost) = &analysis.mean_boost {
        let count = analysis
            .models
            .iter()
            .filter(|model| model.boost.is_some())
            .count();
        highlights.push(Highlight {
            value: signed(boost.estimate.value, 3),
            label: format!("mean pretraining boost of {}", counted(count, "network")),
            note: shown(boost),
        });
    }
    let relation = analysis
        .relations
        .iter()
        .find(|of| of.x == Quantity::ImagenetTop1 && of.y == Quantity::AucWith);
    if let Some((relation, rho)) = relation.and_then(|of| Some((of, of.rho.as_ref().ok()?))) {
        highlights.push(Highlight {
            value: format!("ρ = {}", fixed(rho.coefficient, 2)),
            label: "ImageNet accuracy and AUC".to_owned(),
            note: match (wording::relation(relation).claim, relation.p_value()) {
                (Claim::CannotSay, _) | (_, None) => "too few networks to say".to_owned(),
                (_, Some(p)) => format!(
                    "{}, {}",
                    p_clause(p),
                    counted(relation.points.len(), "network")
                ),
            },
        });
    }
    let pretrained = analysis.truncations.iter().any(|of| of.pretrained);
    let truncations: Vec<&Truncation> = analysis
        .truncations
        .iter()
        .filter(|of| of.pretrained == pretrained)
        .collect();
    if let Some(value) = wording::times_smaller(&truncations).0.value {
        highlights.push(Highlight {
            value: format!("{}×", fixed(value, 2)),
            label: "smaller by truncation".to_owned(),
            note: format!(
                "no significant drop shown, mean of {}",
                counted(truncations.len(), "network")
            ),
        });
    }
    let advised = analysis
        .advice
        .iter()
        .filter(|of| matches!(of.choice, Choice::Cut(_)));
    let best = advised.filter_map(|of| {
        let factor =
            of.cards.first()?.cost.parameters as f64 / of.advised()?.cost.parameters as f64;
        Some((factor, of.advised()?.network.clone(), of.network.clone()))
    });
    if let Some((factor, cut, whole)) = best.max_by(|a, b| a.0.total_cmp(&b.0)) {
        highlights.push(Highlight {
            value: times(factor),
            label: format!("{cut} for {whole}"),
            note: format!("not worse by {}", source.results.margin),
        });
    }
    highlights
}

fn shown(change: &Change) -> String {
    match (change.estimate.interval, change.significant()) {
        (Some(of), Some(true)) => format!("{}, leaves 0 out", interval(of, 3, true)),
        (Some(of), _) => format!("{}, includes 0", interval(of, 3, true)),
        (None, _) => "no interval".to_owned(),
    }
}
