//! Sentences that are computed, and that say so where the data do not allow a claim.

use chextransfer_metrics::{Mean, Undefined};

use super::document::{Claim, Finding};
use super::number::{counted, fixed, interval, listed, p_clause, percent, signed, times};
use crate::analysis::{
    Advice, Analysis, Change, Choice, Families, LearningCurve, Model, Relation, Truncation,
    Verdict, mean_times_smaller,
};

fn finding(claim: Claim, text: String) -> Finding {
    Finding { claim, text }
}

/// The smallest p-value that any order of so few values can reach: one order of all, or its reverse.
fn smallest_p(networks: usize) -> Option<f64> {
    match networks {
        3 => Some(2.0 / 6.0),
        4 => Some(2.0 / 24.0),
        _ => None,
    }
}

/// `ρ = 0.082, p = 0.762`.
pub(super) fn rho_clause(relation: &Relation) -> Option<String> {
    let rho = relation.rho.as_ref().ok()?;
    Some(format!(
        "ρ = {}, {}",
        fixed(rho.coefficient, 3),
        p_clause(relation.p_value()?)
    ))
}

/// Whether two quantities go together.
pub(super) fn relation(relation: &Relation) -> Finding {
    let (x, y, count) = (relation.x.name(), relation.y.name(), relation.points.len());
    let networks = counted(count, "network");
    let clause = match (&relation.rho, rho_clause(relation)) {
        (Ok(_), Some(clause)) => clause,
        (Err(Undefined::Constant), _) => {
            let text = format!(
                "The data do not allow a statement on {x} and {y}: over {networks}, one of the two is the same everywhere."
            );
            return finding(Claim::CannotSay, text);
        }
        _ => {
            let have = if count == 1 { "has" } else { "have" };
            let text = format!(
                "The data do not allow a statement on {x} and {y}: {networks} {have} both, and a rank correlation needs at least three."
            );
            return finding(Claim::CannotSay, text);
        }
    };
    if let Some(p) = smallest_p(count) {
        let text = format!(
            "The data do not allow a statement on {x} and {y}: over {networks} even a perfect order has {} ({clause}).",
            p_clause(p)
        );
        return finding(Claim::CannotSay, text);
    }
    let rises = relation.rho.as_ref().is_ok_and(|rho| rho.coefficient > 0.0);
    match relation.p_value() {
        Some(p) if p < 0.05 => {
            let how = if rises { "rises" } else { "falls" };
            let text = format!("The {y} {how} with the {x} over {networks} ({clause}).");
            finding(Claim::Shown, text)
        }
        _ => {
            let text = format!(
                "No monotonic relationship between {x} and {y} is shown over {networks} ({clause})."
            );
            finding(Claim::NotShown, text)
        }
    }
}

/// `+0.015 (+0.002, +0.028), p = 0.012`.
fn change_clause(change: &Change) -> String {
    let mut text = signed(change.estimate.value, 3);
    if let Some(of) = change.estimate.interval {
        text += &format!(" {}", interval(of, 3, true));
    }
    if let Some(p) = change.p_value {
        text += &format!(", {}", p_clause(p));
    }
    text
}

/// The mean boost.
pub(super) fn mean_boost(analysis: &Analysis) -> Finding {
    let count = analysis
        .models
        .iter()
        .filter(|model| model.boost.is_some())
        .count();
    let Some(boost) = &analysis.mean_boost else {
        let text = match analysis.averaged.is_empty() && !analysis.models.is_empty() {
            true => {
                "The data do not allow a statement on the pretraining boost: no judged observation has both classes in the test set, so no AUC is defined."
            }
            false => {
                "The data do not allow a statement on the pretraining boost: no network was trained both with and without pretraining."
            }
        };
        return finding(Claim::CannotSay, text.to_owned());
    };
    let networks = counted(count, "network");
    let clause = change_clause(boost);
    match (boost.significant(), boost.verdict()) {
        (None, _) => finding(
            Claim::CannotSay,
            format!(
                "The mean boost over {networks} is {clause}; without intervals nothing is claimed."
            ),
        ),
        (_, Verdict::Higher) => finding(
            Claim::Shown,
            format!("Pretraining raises the AUC: the mean boost over {networks} is {clause}."),
        ),
        (_, Verdict::Lower) => finding(
            Claim::Shown,
            format!("Pretraining lowers the AUC: the mean boost over {networks} is {clause}."),
        ),
        (_, Verdict::NotShown) => finding(
            Claim::NotShown,
            format!(
                "That pretraining changes the AUC is not shown: the interval of the mean boost over {networks} includes 0 ({clause})."
            ),
        ),
    }
}

/// Which networks pretraining boosts.
pub(super) fn boosts(models: &[Model]) -> Option<Finding> {
    let with_interval: Vec<(&Model, &Change)> = models
        .iter()
        .filter_map(|model| Some((model, model.boost.as_ref()?)))
        .filter(|(_, boost)| boost.significant().is_some())
        .collect();
    if with_interval.is_empty() {
        return None;
    }
    let named = |verdict: Verdict| -> Vec<&str> {
        with_interval
            .iter()
            .filter(|(_, boost)| boost.verdict() == verdict)
            .map(|(model, _)| model.name.as_str())
            .collect()
    };
    let (higher, lower, open) = (
        named(Verdict::Higher),
        named(Verdict::Lower),
        named(Verdict::NotShown),
    );
    let mut parts = Vec::new();
    if !higher.is_empty() {
        parts.push(format!(
            "The boost is above 0 for {} of {} ({})",
            higher.len(),
            with_interval.len(),
            listed(&higher)
        ));
    }
    if !lower.is_empty() {
        parts.push(format!(
            "{} without pretraining is better for {}",
            if parts.is_empty() {
                "A start"
            } else {
                "a start"
            },
            listed(&lower)
        ));
    }
    if !open.is_empty() {
        let verb = if open.len() == 1 {
            "its interval includes"
        } else {
            "their intervals include"
        };
        let start = if parts.is_empty() {
            "No boost is shown for"
        } else {
            "none is shown for"
        };
        parts.push(format!("{start} {}: {verb} 0", listed(&open)));
    }
    let claim = if open.len() == with_interval.len() {
        Claim::NotShown
    } else {
        Claim::Shown
    };
    let mut text = format!("{}.", parts.join("; "));
    let survivors = with_interval
        .iter()
        .filter(|(_, boost)| {
            boost.verdict() != Verdict::NotShown && boost.adjusted_p.is_some_and(|p| p < 0.05)
        })
        .count();
    let claimed = higher.len() + lower.len();
    if claimed > 0 && with_interval.len() > 1 && survivors < claimed {
        text += &format!(
            " Adjusted for {} comparisons by Holm's procedure, {survivors} of {claimed} remain.",
            with_interval.len()
        );
    }
    Some(finding(claim, text))
}

/// The best network against the worst.
pub(super) fn across(families: &Families) -> Option<Finding> {
    let start = start_name(families.pretrained);
    let across = families.across.as_ref()?;
    let difference = across.difference.as_ref()?;
    let clause = change_clause(difference);
    let (best, worst) = (&across.high, &across.low);
    Some(match difference.significant() {
        None => finding(
            Claim::CannotSay,
            format!(
                "Best and worst {start} are {best} and {worst}, apart by {clause}; without intervals nothing is claimed."
            ),
        ),
        Some(true) => finding(
            Claim::Shown,
            format!(
                "Networks differ {start}: the best, {best}, exceeds the worst, {worst}, by {clause}. (Both were chosen after the fact, which widens the difference.)"
            ),
        ),
        Some(false) => finding(
            Claim::NotShown,
            format!(
                "That networks differ {start} is not shown: even between the best, {best}, and the worst, {worst}, the interval includes 0 ({clause})."
            ),
        ),
    })
}

/// Largest against smallest networks of families.
pub(super) fn within(families: &Families) -> Option<Finding> {
    let start = start_name(families.pretrained);
    let rows: Vec<_> = families
        .families
        .iter()
        .filter_map(|row| Some((row.family, row.within.as_ref()?.difference.as_ref()?)))
        .filter(|(_, change)| change.significant().is_some())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let (shown, open): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|(_, change)| change.significant() == Some(true));
    let clause = |rows: &[&(&'static str, &Change)]| -> String {
        let each: Vec<_> = rows
            .iter()
            .map(|(family, change)| format!("{family} {}", signed(change.estimate.value, 3)))
            .collect();
        listed(&each)
    };
    let text = match (shown.is_empty(), open.is_empty()) {
        (true, _) => format!(
            "Within families, {start}, no difference between the largest and the smallest network is shown ({}).",
            clause(&open)
        ),
        (false, true) => format!(
            "Within families, {start}, the largest differs from the smallest network ({}).",
            clause(&shown)
        ),
        (false, false) => format!(
            "Within families, {start}, the largest differs from the smallest network for {}; no difference is shown for {}.",
            clause(&shown),
            clause(&open)
        ),
    };
    Some(finding(
        if shown.is_empty() {
            Claim::NotShown
        } else {
            Claim::Shown
        },
        text,
    ))
}

/// `with pretraining` or `without pretraining`.
pub(super) fn start_name(pretrained: bool) -> &'static str {
    match pretrained {
        true => "with pretraining",
        false => "without pretraining",
    }
}

/// What truncation does to one network.
pub(super) fn truncation(of: &Truncation) -> Finding {
    let name = of.architecture.name();
    let start = start_name(of.pretrained);
    if of.cuts.iter().all(|cut| cut.drops.is_none()) {
        let text = format!(
            "The data do not allow a statement on truncating {name} {start}: AUC or its interval is not defined."
        );
        return finding(Claim::CannotSay, text);
    }
    let dropping: Vec<&str> = of
        .cuts
        .iter()
        .filter(|cut| cut.drops == Some(true))
        .map(|cut| cut.name.as_str())
        .collect();
    match (of.deepest_without_drop(), dropping.is_empty()) {
        (Some(cut), _) => {
            let rest = match dropping.is_empty() {
                true => String::new(),
                false => format!(
                    "; {} {} one",
                    listed(&dropping),
                    if dropping.len() == 1 { "has" } else { "have" }
                ),
            };
            let text = format!(
                "No significant drop of the AUC is shown down to {}, {} smaller than {name} {start}{rest}.",
                cut.name,
                times(cut.times_smaller)
            );
            finding(Claim::NotShown, text)
        }
        (None, _) => finding(
            Claim::Shown,
            format!(
                "Every cut tried of {name} {start}, from the first on, drops the AUC significantly ({}).",
                listed(&dropping)
            ),
        ),
    }
}

/// How many times smaller in the mean, by the paper's criterion.
pub(super) fn times_smaller(truncations: &[&Truncation]) -> (Mean, Finding) {
    let mean = mean_times_smaller(truncations);
    let Some(value) = mean.value else {
        let text = "The data do not allow a mean of how many times smaller truncated networks are: none is without a significant drop.";
        return (mean, finding(Claim::CannotSay, text.to_owned()));
    };
    let each: Vec<_> = truncations
        .iter()
        .filter_map(|of| {
            Some(format!(
                "{} {}",
                times(of.deepest_without_drop()?.times_smaller),
                of.architecture.name()
            ))
        })
        .collect();
    let left_out = match mean.of - mean.used {
        0 => String::new(),
        out => format!("; {} without such a cut left out", counted(out, "network")),
    };
    let text = format!(
        "The deepest cuts without a significant drop are {}× smaller in the mean ({}{left_out}).",
        fixed(value, 2),
        listed(&each)
    );
    (mean, finding(Claim::NotShown, text))
}

/// What the truncation advisor says.
pub(super) fn advice(of: &Advice, margin: f64) -> Finding {
    let (name, start) = (&of.network, start_name(of.pretrained));
    match (&of.choice, of.advised()) {
        (Choice::Cut(cut), Some(card)) => {
            let p = card
                .inferiority_p
                .map(|p| format!(" ({})", p_clause(p)))
                .unwrap_or_default();
            let whole = of
                .cards
                .first()
                .map_or(1.0, |whole| whole.cost.parameters as f64);
            finding(
                Claim::Shown,
                format!(
                    "Use {cut} in place of {name} {start}: its AUC is not worse by {margin} or more{p}, with {} fewer parameters.",
                    times(whole / card.cost.parameters as f64)
                ),
            )
        }
        (Choice::Whole, _) => finding(
            Claim::NotShown,
            format!(
                "Keep {name} {start} whole: that its first cut is not worse by {margin} or more is not shown."
            ),
        ),
        _ => finding(
            Claim::CannotSay,
            format!(
                "The data do not allow advice on {name} {start}: AUC or its interval is not defined."
            ),
        ),
    }
}

/// How the boost changes with the share of the training patients.
pub(super) fn learning(curve: &LearningCurve) -> Option<Finding> {
    let points: Vec<_> = curve
        .points
        .iter()
        .filter_map(|point| Some((point.fraction, point.boost.as_ref()?)))
        .collect();
    let (first, last) = (points.first()?, points.last()?);
    if first.0 == last.0 {
        return None;
    }
    let clause = |(fraction, boost): &(f64, &Change)| {
        format!(
            "{} on {} of the patients",
            change_clause(boost),
            percent(*fraction)
        )
    };
    let apart = match (first.1.estimate.interval, last.1.estimate.interval) {
        (Some(few), Some(all)) => Some(few[0] > all[1] || few[1] < all[0]),
        _ => None,
    };
    let (claim, said) = match apart {
        Some(true) if first.1.estimate.value > last.1.estimate.value => {
            (Claim::Shown, "is larger on fewer patients")
        }
        Some(true) => (Claim::Shown, "is smaller on fewer patients"),
        Some(false) => (
            Claim::NotShown,
            "is not shown to depend on the number of patients: the intervals overlap",
        ),
        None => (
            Claim::CannotSay,
            "has no intervals, so nothing is claimed of how it depends on the number of patients",
        ),
    };
    Some(finding(
        claim,
        format!(
            "The boost of {} {said} ({}; {}).",
            curve.network,
            clause(first),
            clause(last)
        ),
    ))
}
