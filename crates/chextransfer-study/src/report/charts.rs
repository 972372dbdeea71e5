//! The figures of a study, from its analysis.

use chextransfer_metrics::Line;

use super::chart::{
    Axis, Chart, Color, Dot, Layer, LegendItem, NumberFormat, Panel, Sample, Scale, Shape,
    of_family,
};
use super::document::Figure;
use super::number::{engineering, fixed, interval, percent, signed, times};
use super::wording::{rho_clause, start_name};
use crate::analysis::{
    Analysis, Choice, ComputePoint, Estimate, Families, LearningCurve, Measured, Model, Quantity,
    Relation, family_name,
};

const HEIGHT: f64 = 330.0;
/// Points of a band's outline.
const BAND: usize = 41;

fn axis(label: &str, scale: Scale, format: NumberFormat) -> Axis {
    Axis {
        label: label.to_owned(),
        scale,
        format,
    }
}

fn auc_axis() -> Axis {
    axis("AUC", Scale::Linear, NumberFormat::Plain)
}

fn parameters_axis() -> Axis {
    axis("parameters", Scale::Logarithmic, NumberFormat::Engineering)
}

fn family(model: &Model) -> &'static str {
    family_name(model.architecture.family())
}

/// The families among some networks, in their order.
fn family_legend<'a>(families: impl IntoIterator<Item = &'a str>) -> Vec<LegendItem> {
    let mut items: Vec<LegendItem> = Vec::new();
    for family in families {
        if items.iter().all(|item| item.label != family) {
            let (color, shape) = of_family(family);
            items.push(LegendItem {
                label: family.to_owned(),
                color,
                sample: Sample::Filled(shape),
            });
        }
    }
    items
}

/// `0.861 (0.846, 0.873)`.
fn auc_text(estimate: Estimate) -> String {
    let value = fixed(estimate.value, 3);
    match estimate.interval {
        Some(of) => format!("{value} {}", interval(of, 3, false)),
        None => value,
    }
}

fn boost_text(estimate: Estimate) -> String {
    let value = signed(estimate.value, 3);
    match estimate.interval {
        Some(of) => format!("{value} {}", interval(of, 3, true)),
        None => value,
    }
}

/// One standard deviation of the bootstrap to either side, as the paper's error bars are.
fn deviation_bar(estimate: Estimate) -> Option<[f64; 2]> {
    let deviation = estimate.deviation?;
    Some([estimate.value - deviation, estimate.value + deviation])
}

/// The network's mark by its AUC from one start.
fn auc_dot(model: &Model, pretrained: bool, x: f64) -> Option<Dot> {
    let auc = model.start(pretrained)?.auc?;
    let (color, shape) = of_family(family(model));
    let mut tip = format!(
        "{} {}\nAUC {}\n{} parameters",
        model.name,
        start_name(pretrained),
        auc_text(auc),
        engineering(model.cost.parameters as f64)
    );
    if let Some(top1) = model.imagenet_top1.filter(|_| model.is_whole()) {
        tip += &format!("\nImageNet top-1 {} %", fixed(top1, 2));
    }
    Some(Dot {
        bar: deviation_bar(auc),
        label: Some(model.name.clone()),
        ..Dot::new([x, auc.value], color, shape, tip)
    })
}

/// The line of a relation and its band, under the marks.
fn fit(relation: &Relation, confidence: f64) -> Vec<Layer> {
    let Ok(line) = &relation.line else {
        return Vec::new();
    };
    // Through three points or fewer a band says nothing.
    if relation.points.len() < 4 {
        return Vec::new();
    }
    let logarithmic = relation.x == Quantity::Parameters;
    let own = |x: f64| if logarithmic { x.log10() } else { x };
    let (low, high) = relation
        .points
        .iter()
        .map(|point| own(point.x))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
    let places: Vec<f64> = (0..BAND)
        .map(|step| low + (high - low) * step as f64 / (BAND - 1) as f64)
        .collect();
    let back = |x: f64| if logarithmic { 10f64.powf(x) } else { x };
    let band = |line: &Line| {
        let outline = places.iter().map(|&x| {
            let [below, above] = line.band(x, confidence);
            [back(x), below, above]
        });
        outline.collect()
    };
    vec![
        Layer::Band { points: band(line) },
        Layer::Line {
            points: [low, high].map(|x| [back(x), line.at(x)]).to_vec(),
            color: Color::Ink,
            dashed: false,
        },
    ]
}

fn fit_legend(relations: &[&Relation]) -> Option<LegendItem> {
    let drawn = relations
        .iter()
        .any(|relation| relation.line.is_ok() && relation.points.len() >= 4);
    drawn.then(|| LegendItem {
        label: "best-fit line and its 95 % band".to_owned(),
        color: Color::Ink,
        sample: Sample::Band,
    })
}

fn relation_of(relations: &[Relation], x: Quantity, y: Quantity) -> Option<&Relation> {
    relations
        .iter()
        .find(|relation| relation.x == x && relation.y == y)
}

fn panel_title(start: bool, relation: &Relation) -> String {
    match rho_clause(relation) {
        Some(clause) => format!("{}: {clause}", capital(start_name(start))),
        None => capital(start_name(start)),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// ImageNet top-1 accuracy against AUC.
pub(super) fn imagenet(
    models: &[Model],
    relations: &[Relation],
    id: &'static str,
) -> Option<Figure> {
    let asked = [(false, Quantity::AucWithout), (true, Quantity::AucWith)];
    let shown: Vec<(bool, &Relation)> = asked
        .into_iter()
        .filter_map(|(start, y)| Some((start, relation_of(relations, Quantity::ImagenetTop1, y)?)))
        .filter(|(_, relation)| !relation.points.is_empty())
        .collect();
    if shown.is_empty() {
        return None;
    }
    let panels = shown.iter().map(|(start, relation)| {
        let mut layers = fit(relation, 0.95);
        let dots = models
            .iter()
            .filter(|model| model.is_whole())
            .filter_map(|model| auc_dot(model, *start, model.imagenet_top1?));
        layers.extend(dots.map(Layer::Dot));
        Panel {
            title: panel_title(*start, relation),
            x: axis(
                "ImageNet top-1 accuracy (%)",
                Scale::Linear,
                NumberFormat::Plain,
            ),
            y: auc_axis(),
            layers,
        }
    });
    const CAPTION: &str = "Each network by the ImageNet top-1 accuracy of its weights and its AUC.";
    let mut estimates = models
        .iter()
        .flat_map(|model| [&model.without, &model.with])
        .flatten();
    let has_bars =
        estimates.any(|measured| measured.auc.is_some_and(|auc| auc.deviation.is_some()));
    let relations: Vec<&Relation> = shown.iter().map(|(_, relation)| *relation).collect();
    let mut legend = family_legend(
        relations
            .iter()
            .flat_map(|of| &of.points)
            .map(|point| point.family),
    );
    legend.extend(fit_legend(&relations));
    Some(Figure {
        id,
        title: "ImageNet accuracy and AUC".to_owned(),
        caption: match has_bars {
            true => format!("{CAPTION} Bars are one standard deviation of the bootstrap."),
            false => CAPTION.to_owned(),
        },
        chart: Chart {
            panels: panels.collect(),
            legend,
            description: describe(&relations),
            height: HEIGHT,
        },
    })
}

fn describe(relations: &[&Relation]) -> String {
    let each: Vec<_> = relations
        .iter()
        .map(|relation| super::wording::relation(relation).text)
        .collect();
    each.join(" ")
}

/// AUC across families and within them, over the number of parameters.
pub(super) fn families(analysis: &Analysis) -> Option<Figure> {
    let models = &analysis.models;
    let mut panels = Vec::new();
    let mut names: Vec<&'static str> = Vec::new();
    for of in &analysis.families {
        let Families { pretrained, .. } = *of;
        let Some(relation) = relation_of(
            &analysis.relations,
            Quantity::Parameters,
            if pretrained {
                Quantity::AucWith
            } else {
                Quantity::AucWithout
            },
        ) else {
            continue;
        };
        let mut layers = Vec::new();
        for row in &of.families {
            let members: Vec<[f64; 2]> = row
                .models
                .iter()
                .filter_map(|name| models.iter().find(|model| model.name == *name))
                .filter_map(|model| Some([model.cost.parameters as f64, model.auc(pretrained)?]))
                .collect();
            names.push(row.family);
            if members.len() > 1 {
                layers.push(Layer::Line {
                    points: members,
                    color: of_family(row.family).0,
                    dashed: false,
                });
            }
        }
        let dots = models
            .iter()
            .filter_map(|model| auc_dot(model, pretrained, model.cost.parameters as f64));
        layers.extend(dots.map(Layer::Dot));
        if layers.is_empty() {
            continue;
        }
        panels.push(Panel {
            title: panel_title(pretrained, relation),
            x: parameters_axis(),
            y: auc_axis(),
            layers,
        });
    }
    if panels.is_empty() {
        return None;
    }
    Some(Figure {
        id: "families",
        title: "Across and within families".to_owned(),
        caption: "Networks by size and AUC; lines join the networks of a family. Bars are one standard deviation of the bootstrap."
            .to_owned(),
        chart: Chart {
            panels,
            legend: family_legend(names),
            description: describe(&analysis.relations.iter().filter(|of| of.x == Quantity::Parameters && of.y != Quantity::Boost).collect::<Vec<_>>()),
            height: HEIGHT,
        },
    })
}

/// AUC with and without pretraining by network, and the boost over the number of parameters.
pub(super) fn pretraining(
    models: &[Model],
    relations: &[Relation],
    id: &'static str,
) -> Option<Figure> {
    let mut both: Vec<(&Model, Estimate, Estimate, f64)> = models
        .iter()
        .filter_map(|model| {
            let (without, with) = (model.start(false)?.auc?, model.start(true)?.auc?);
            Some((model, without, with, model.boost?.estimate.value))
        })
        .collect();
    if both.is_empty() {
        return None;
    }
    both.sort_by(|a, b| b.3.total_cmp(&a.3));
    const WITHOUT: Color = Color::Series(1);
    const WITH: Color = Color::Series(0);
    let mut layers = Vec::new();
    for (row, (model, without, with, boost)) in both.iter().enumerate() {
        let row = row as f64;
        layers.push(Layer::Line {
            points: vec![[without.value, row], [with.value, row]],
            color: Color::Ink,
            dashed: false,
        });
        for (color, shape, start, estimate) in [
            (WITHOUT, Shape::Square, false, without),
            (WITH, Shape::Circle, true, with),
        ] {
            let tip = format!(
                "{} {}\nAUC {}\nboost {}",
                model.name,
                start_name(start),
                auc_text(*estimate),
                signed(*boost, 3)
            );
            layers.push(Layer::Dot(Dot {
                side_bar: deviation_bar(*estimate),
                ..Dot::new([estimate.value, row], color, shape, tip)
            }));
        }
    }
    let mut panels = vec![Panel {
        title: "AUC, by boost".to_owned(),
        x: auc_axis(),
        y: axis(
            "",
            Scale::Names(both.iter().map(|(model, ..)| model.name.clone()).collect()),
            NumberFormat::Plain,
        ),
        layers,
    }];
    let legend_of = |label: &str, color, shape| LegendItem {
        label: label.to_owned(),
        color,
        sample: Sample::Filled(shape),
    };
    let mut legend = vec![
        legend_of("without pretraining", WITHOUT, Shape::Square),
        legend_of("with pretraining", WITH, Shape::Circle),
    ];
    let relation = relation_of(relations, Quantity::Parameters, Quantity::Boost);
    if let Some(relation) = relation.filter(|_| both.len() > 1) {
        let mut layers = fit(relation, 0.95);
        layers.push(Layer::Level {
            y: 0.0,
            label: "no boost".to_owned(),
        });
        for (model, ..) in &both {
            let Some(boost) = &model.boost else {
                continue;
            };
            let (color, shape) = of_family(family(model));
            let tip = format!(
                "{}\nboost {}\n{} parameters",
                model.name,
                boost_text(boost.estimate),
                engineering(model.cost.parameters as f64)
            );
            layers.push(Layer::Dot(Dot {
                bar: boost.estimate.interval,
                filled: boost.significant().unwrap_or(true),
                label: Some(model.name.clone()),
                ..Dot::new(
                    [model.cost.parameters as f64, boost.estimate.value],
                    color,
                    shape,
                    tip,
                )
            }));
        }
        panels.push(Panel {
            title: match rho_clause(relation) {
                Some(clause) => format!("Boost by size: {clause}"),
                None => "Boost by size".to_owned(),
            },
            x: parameters_axis(),
            y: axis("boost", Scale::Linear, NumberFormat::Signed),
            layers,
        });
        legend.extend(fit_legend(&[relation]));
        if both.iter().any(|(model, ..)| {
            model
                .boost
                .is_some_and(|boost| boost.significant().is_some())
        }) {
            legend.push(LegendItem {
                label: "hollow: interval includes 0".to_owned(),
                color: Color::Ink,
                sample: Sample::Hollow(Shape::Circle),
            });
        }
    }
    Some(Figure {
        id,
        title: "With and without pretraining".to_owned(),
        caption: "Left: AUC from either start, bars one standard deviation of the bootstrap. Right: the boost with its paired \
            interval, by the number of parameters."
            .to_owned(),
        chart: Chart {
            height: HEIGHT.max(24.0 * both.len() as f64),
            panels,
            legend,
            description: format!(
                "AUC with and without pretraining of {}. {}",
                super::number::counted(both.len(), "network"),
                relation.map(|of| super::wording::relation(of).text).unwrap_or_default()
            ),
        },
    })
}

/// AUC over the number of parameters as blocks are dropped.
pub(super) fn truncation(analysis: &Analysis) -> Option<Figure> {
    let mut panels = Vec::new();
    let mut names = Vec::new();
    for pretrained in [false, true] {
        let mut layers = Vec::new();
        for (of, advice) in analysis.truncations.iter().zip(&analysis.advice) {
            let (true, Some(whole)) = (of.pretrained == pretrained, of.auc) else {
                continue;
            };
            let family = family_name(of.architecture.family());
            names.push(family);
            let (color, shape) = of_family(family);
            let mut line = vec![[of.cost.parameters as f64, whole.value]];
            let mut dots = vec![Dot {
                bar: deviation_bar(whole),
                label: Some(of.architecture.name().to_owned()),
                ..Dot::new(
                    [of.cost.parameters as f64, whole.value],
                    color,
                    shape,
                    format!(
                        "{} {}\nAUC {}\n{} parameters",
                        of.architecture.name(),
                        start_name(pretrained),
                        auc_text(whole),
                        engineering(of.cost.parameters as f64)
                    ),
                )
            }];
            for cut in &of.cuts {
                let Some(auc) = cut.auc else {
                    continue;
                };
                let at = [cut.cost.parameters as f64, auc.value];
                line.push(at);
                let change = cut
                    .change
                    .map(|change| boost_text(change.estimate))
                    .unwrap_or_default();
                let side = cut.cost.map_side;
                let tip = format!(
                    "{} {}\nAUC {}\nchange {change}\n{} parameters, {} smaller\nmap {side} × {side}",
                    cut.name,
                    start_name(pretrained),
                    auc_text(auc),
                    engineering(at[0]),
                    times(cut.times_smaller)
                );
                dots.push(Dot {
                    bar: deviation_bar(auc),
                    filled: cut.drops != Some(true),
                    ringed: advice.choice == Choice::Cut(cut.name.clone()),
                    label: Some(format!("{}{}", super::number::MINUS, cut.minus)),
                    ..Dot::new(at, color, shape, tip)
                });
            }
            layers.push(Layer::Line {
                points: line,
                color,
                dashed: false,
            });
            layers.extend(dots.into_iter().map(Layer::Dot));
        }
        if !layers.is_empty() {
            panels.push(Panel {
                title: capital(start_name(pretrained)),
                x: parameters_axis(),
                y: auc_axis(),
                layers,
            });
        }
    }
    if panels.is_empty() {
        return None;
    }
    let mut legend = family_legend(names);
    legend.push(LegendItem {
        label: "hollow: significant drop".to_owned(),
        color: Color::Ink,
        sample: Sample::Hollow(Shape::Circle),
    });
    legend.push(LegendItem {
        label: "ringed: advised".to_owned(),
        color: Color::Ink,
        sample: Sample::Ringed(Shape::Circle),
    });
    Some(Figure {
        id: "truncation",
        title: "What truncation costs".to_owned(),
        caption: "Each line starts, at the right, with a whole network; every mark to its left drops more of its last blocks. Bars are one \
            standard deviation of the bootstrap."
            .to_owned(),
        chart: Chart {
            panels,
            legend,
            description: analysis.truncations.iter().map(|of| super::wording::truncation(of).text).collect::<Vec<_>>().join(" "),
            height: HEIGHT,
        },
    })
}

/// AUC over shares of the training patients, and the boost along them.
pub(super) fn learning(curves: &[LearningCurve]) -> Option<Figure> {
    if curves.is_empty() {
        return None;
    }
    let (mut of_auc, mut of_boost) = (Vec::new(), Vec::new());
    let mut legend = Vec::new();
    for (place, curve) in curves.iter().enumerate() {
        let color = Color::Series(place as u8);
        legend.push(LegendItem {
            label: curve.network.clone(),
            color,
            sample: Sample::Line,
        });
        for pretrained in [false, true] {
            let start = |point: &crate::analysis::LearningPoint| -> Option<Measured> {
                if pretrained {
                    point.with.clone()
                } else {
                    point.without.clone()
                }
            };
            let points: Vec<(f64, Estimate)> = curve
                .points
                .iter()
                .filter_map(|point| Some((point.fraction, start(point)?.auc?)))
                .collect();
            of_auc.push(Layer::Line {
                points: points.iter().map(|(x, auc)| [*x, auc.value]).collect(),
                color,
                dashed: !pretrained,
            });
            for (x, auc) in points {
                let tip = format!(
                    "{} {}\non {} of the training patients\nAUC {}",
                    curve.network,
                    start_name(pretrained),
                    percent(x),
                    auc_text(auc)
                );
                of_auc.push(Layer::Dot(Dot {
                    bar: deviation_bar(auc),
                    filled: pretrained,
                    ..Dot::new([x, auc.value], color, Shape::Circle, tip)
                }));
            }
        }
        let boosts: Vec<(f64, Estimate)> = curve
            .points
            .iter()
            .filter_map(|point| Some((point.fraction, point.boost?.estimate)))
            .collect();
        of_boost.push(Layer::Line {
            points: boosts.iter().map(|(x, boost)| [*x, boost.value]).collect(),
            color,
            dashed: false,
        });
        for (x, boost) in boosts {
            let tip = format!(
                "{}\non {} of the training patients\nboost {}",
                curve.network,
                percent(x),
                boost_text(boost)
            );
            of_boost.push(Layer::Dot(Dot {
                bar: boost.interval,
                ..Dot::new([x, boost.value], color, Shape::Circle, tip)
            }));
        }
    }
    let patients = || {
        axis(
            "share of the training patients",
            Scale::Logarithmic,
            NumberFormat::Percent,
        )
    };
    let has_boost = of_boost.iter().any(|layer| matches!(layer, Layer::Dot(_)));
    let mut panels = vec![Panel {
        title: "AUC".to_owned(),
        x: patients(),
        y: auc_axis(),
        layers: of_auc,
    }];
    if has_boost {
        of_boost.insert(
            0,
            Layer::Level {
                y: 0.0,
                label: "no boost".to_owned(),
            },
        );
        panels.push(Panel {
            title: "Pretraining boost".to_owned(),
            x: patients(),
            y: axis("boost", Scale::Linear, NumberFormat::Signed),
            layers: of_boost,
        });
    }
    legend.push(LegendItem {
        label: "dashed: without pretraining".to_owned(),
        color: Color::Ink,
        sample: Sample::Dashed,
    });
    let said: Vec<_> = curves
        .iter()
        .filter_map(super::wording::learning)
        .map(|finding| finding.text)
        .collect();
    Some(Figure {
        id: "learning",
        title: "Learning curves".to_owned(),
        caption: "Left: AUC by the share of the training patients, bars one standard deviation of the bootstrap. Right: the boost with its \
            paired interval."
            .to_owned(),
        chart: Chart {
            panels,
            legend,
            description: format!("AUC over shares of the training patients. {}", said.join(" ")),
            height: HEIGHT,
        },
    })
}

/// AUC over the work of training.
pub(super) fn compute(points: &[ComputePoint]) -> Option<Figure> {
    if points.len() < 2 {
        return None;
    }
    let mut frontier: Vec<[f64; 2]> = points
        .iter()
        .filter(|point| point.on_frontier)
        .map(|point| [point.macs, point.auc])
        .collect();
    frontier.sort_by(|a, b| a[0].total_cmp(&b[0]));
    // A step: until the next point's work is spent, its AUC is not reached.
    let steps: Vec<[f64; 2]> = frontier
        .iter()
        .zip(frontier.iter().skip(1).map(Some).chain([None]))
        .flat_map(|(at, next)| [Some(*at), next.map(|next| [next[0], at[1]])])
        .flatten()
        .collect();
    let mut layers = vec![Layer::Line {
        points: steps,
        color: Color::Ink,
        dashed: true,
    }];
    for point in points {
        let color = Color::Series(u8::from(!point.pretrained));
        let shape = if point.pretrained {
            Shape::Circle
        } else {
            Shape::Square
        };
        let tip = format!(
            "{} {}\non {} of the training patients\nAUC {}\n{} multiply-accumulates",
            point.network,
            start_name(point.pretrained),
            percent(point.fraction),
            fixed(point.auc, 3),
            engineering(point.macs)
        );
        layers.push(Layer::Dot(Dot {
            label: point.on_frontier.then(|| point.network.clone()),
            ringed: point.on_frontier,
            ..Dot::new([point.macs, point.auc], color, shape, tip)
        }));
    }
    let legend = [
        (
            "with pretraining",
            Color::Series(0),
            Sample::Filled(Shape::Circle),
        ),
        (
            "without pretraining",
            Color::Series(1),
            Sample::Filled(Shape::Square),
        ),
        (
            "ringed: on the frontier, nothing cheaper is as good",
            Color::Ink,
            Sample::Ringed(Shape::Circle),
        ),
    ];
    let on: Vec<&str> = points
        .iter()
        .filter(|point| point.on_frontier)
        .map(|point| point.network.as_str())
        .collect();
    Some(Figure {
        id: "compute",
        title: "AUC for the work of training".to_owned(),
        caption: "Each training by the multiply-accumulates of its forward passes: those of one image times the training examples. \
            What pretraining itself cost is not counted."
            .to_owned(),
        chart: Chart {
            panels: vec![Panel {
                title: String::new(),
                x: axis("multiply-accumulates × examples", Scale::Logarithmic, NumberFormat::Engineering),
                y: auc_axis(),
                layers,
            }],
            legend: legend
                .map(|(label, color, sample)| LegendItem {
                    label: label.to_owned(),
                    color,
                    sample,
                })
                .to_vec(),
            description: format!("On the frontier of AUC for work: {}.", super::number::listed(&on)),
            height: HEIGHT,
        },
    })
}
