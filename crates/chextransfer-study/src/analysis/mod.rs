//! What a study's results say: every number of the report, each computed by `chextransfer-metrics` on shared replicates.

mod advisor;
mod families;
mod learning;
mod measure;
mod model;
mod published;
mod relation;
mod truncation;

use std::collections::BTreeSet;

use chextransfer_metrics::{Adjustment, Bootstrap, NonInferiority, Panel, Predictions};
use chextransfer_models::Architecture;
use serde::Serialize;

use crate::Result;
use crate::grid::network_name;
use crate::results::{CellResult, StudyResults};

pub use advisor::{Advice, Choice, CostCard, Tested};
pub use families::{Extremes, Families, FamilyRow};
pub use learning::{ComputePoint, LearningCurve, LearningPoint};
pub use measure::{Change, Estimate, Verdict};
pub use model::{Cost, Measured, Model, SeedRun, family_name};
pub use published::{paper_models, paper_truncations};
pub use relation::{Quantity, Relation, RelationPoint};
pub use truncation::{Cut, Truncation, mean_times_smaller};

/// What a study's results say.
///
/// Several seeds of a cell stand for their mean AUC, on the same replicates: what one training of that network may be expected
/// to reach. The mean of their probabilities would be an ensemble, another network that costs as many times more. Intervals
/// are over the draw of test studies, not over seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Share of the training patients that all but the learning curves are about: the largest of the study.
    pub fraction: f64,
    /// The observations that AUC is the mean over: those judged that have both classes.
    pub averaged: Vec<String>,
    /// The judged observations without AUROC, with the reason.
    pub undefined: Vec<(String, String)>,
    /// Test studies.
    pub studies: usize,
    /// Networks with and without pretraining: all whole ones, and the truncated ones that are not only in
    /// [`truncations`](Self::truncations).
    pub models: Vec<Model>,
    /// The mean boost over the networks that have one.
    pub mean_boost: Option<Change>,
    /// The correlations that the paper asks for.
    pub relations: Vec<Relation>,
    /// Without and with pretraining, where there are networks.
    pub families: Vec<Families>,
    /// Truncated networks against the whole ones.
    pub truncations: Vec<Truncation>,
    /// What the truncation advisor says, by truncation.
    pub advice: Vec<Advice>,
    /// Networks on more than one share of the training patients.
    pub learning: Vec<LearningCurve>,
    /// All runs' means by what their training cost.
    pub compute: Vec<ComputePoint>,
}

impl Analysis {
    /// Computes everything.
    ///
    /// # Errors
    /// When the tables of two cells do not hold the same studies and labels, or lack a judged observation. A study without
    /// finished cells is an empty analysis.
    pub fn of(results: &StudyResults) -> Result<Self> {
        let Some(study) = Judged::of(results)? else {
            return Ok(Self::empty());
        };
        let models = study.models()?;
        let truncations = study.truncations()?;
        let whole_pairs: Vec<_> = models
            .iter()
            .filter(|model| model.boost.is_some())
            .collect();
        let boosts: Vec<[Vec<usize>; 2]> = whole_pairs
            .iter()
            .map(|model| {
                study.pair([
                    study.group(model.name.as_str(), false),
                    study.group(model.name.as_str(), true),
                ])
            })
            .collect();
        Ok(Self {
            fraction: study.fraction,
            averaged: study
                .panel
                .averaged()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            undefined: study
                .panel
                .undefined()
                .into_iter()
                .map(|(name, reason)| (name.to_owned(), reason.to_string()))
                .collect(),
            studies: study
                .cells
                .first()
                .map_or(0, |cell| cell.predictions.rows()),
            mean_boost: study.change(&boosts),
            relations: Relation::all(&models)?,
            families: [false, true]
                .into_iter()
                .filter_map(|start| study.families(&models, start))
                .collect(),
            advice: truncations.iter().map(Advice::on).collect(),
            learning: study.learning()?,
            compute: study.compute(),
            models,
            truncations,
        })
    }

    fn empty() -> Self {
        Self {
            fraction: 1.0,
            averaged: Vec::new(),
            undefined: Vec::new(),
            studies: 0,
            models: Vec::new(),
            mean_boost: None,
            relations: Vec::new(),
            families: Vec::new(),
            truncations: Vec::new(),
            advice: Vec::new(),
            learning: Vec::new(),
            compute: Vec::new(),
        }
    }
}

/// A study's cells on shared replicates.
struct Judged<'a> {
    cells: &'a [CellResult],
    networks: Vec<String>,
    panel: Panel,
    bootstrap: &'a Bootstrap,
    margin: f64,
    fraction: f64,
}

impl<'a> Judged<'a> {
    fn of(results: &'a StudyResults) -> Result<Option<Self>> {
        let cells = &results.cells;
        if cells.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = cells.iter().map(|cell| cell.cell.id()).collect();
        let tables: Vec<(&str, &Predictions)> = names
            .iter()
            .map(String::as_str)
            .zip(cells.iter().map(|cell| &cell.predictions))
            .collect();
        Ok(Some(Self {
            networks: cells.iter().map(|cell| cell.cell.network()).collect(),
            panel: Panel::of(&tables, &results.judged, &results.bootstrap)?,
            bootstrap: &results.bootstrap,
            margin: results.margin,
            fraction: cells
                .iter()
                .map(|cell| cell.cell.fraction)
                .fold(0.0, f64::max),
            cells,
        }))
    }

    /// The cells of a network from one start on the study's main share of patients.
    fn group(&self, network: &str, pretrained: bool) -> Vec<usize> {
        self.group_at(network, pretrained, self.fraction)
    }

    fn group_at(&self, network: &str, pretrained: bool, fraction: f64) -> Vec<usize> {
        let is_it = |&place: &usize| {
            let cell = &self.cells[place].cell;
            self.networks[place] == network
                && cell.pretrained == pretrained
                && cell.fraction == fraction
        };
        (0..self.cells.len()).filter(is_it).collect()
    }

    /// Two groups with the seeds that both have; as they are where they share none.
    fn pair(&self, groups: [Vec<usize>; 2]) -> [Vec<usize>; 2] {
        let seeds = |group: &[usize]| -> BTreeSet<u64> {
            group
                .iter()
                .map(|&place| self.cells[place].cell.seed)
                .collect()
        };
        let common: BTreeSet<u64> = seeds(&groups[0])
            .intersection(&seeds(&groups[1]))
            .copied()
            .collect();
        if common.is_empty() {
            return groups;
        }
        groups.map(|group| {
            group
                .into_iter()
                .filter(|&place| common.contains(&self.cells[place].cell.seed))
                .collect()
        })
    }

    fn change(&self, pairs: &[[Vec<usize>; 2]]) -> Option<Change> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|[first, second]| [&first[..], &second[..]])
            .collect();
        Change::of(&self.panel.difference(&pairs), self.bootstrap)
    }

    fn measured(&self, group: &[usize]) -> Option<Measured> {
        if group.is_empty() {
            return None;
        }
        Some(Measured {
            auc: Estimate::of(&self.panel.mean(&[group]), self.bootstrap),
            runs: self.runs(group),
        })
    }

    fn runs(&self, group: &[usize]) -> Vec<SeedRun> {
        group
            .iter()
            .map(|&place| SeedRun {
                id: self.cells[place].cell.id(),
                pretrained: self.cells[place].cell.pretrained,
                seed: self.cells[place].cell.seed,
                auc: self.panel.mean(&[&[place]]).estimate.ok(),
            })
            .collect()
    }

    /// Every network with a cell on the main share, in the grid's order.
    fn networks(&self) -> Vec<&'a CellResult> {
        let mut seen = BTreeSet::new();
        self.cells
            .iter()
            .zip(&self.networks)
            .filter(|(cell, name)| {
                cell.cell.fraction == self.fraction && seen.insert(name.as_str())
            })
            .map(|(cell, _)| cell)
            .collect()
    }

    fn models(&self) -> Result<Vec<Model>> {
        let mut models = Vec::new();
        for of in self.networks() {
            let (architecture, minus) = (of.cell.architecture, of.cell.minus);
            let name = of.cell.network();
            let groups = [false, true].map(|start| self.group(&name, start));
            let both = groups.iter().all(|group| !group.is_empty());
            let whole = network_name(architecture, 0);
            let has_whole = [false, true]
                .iter()
                .any(|&start| !self.group(&whole, start).is_empty());
            if minus > 0 && has_whole && !both {
                continue;
            }
            let [without, with] = [0, 1].map(|start: usize| self.measured(&groups[start]));
            models.push(Model {
                name,
                architecture,
                minus,
                cost: cost(of),
                imagenet_top1: self.top1(architecture),
                without,
                with,
                boost: if both {
                    self.change(&[self.pair(groups)])
                } else {
                    None
                },
            });
        }
        adjust(models.iter_mut().filter_map(|model| model.boost.as_mut()))?;
        Ok(models)
    }

    fn top1(&self, architecture: Architecture) -> Option<f64> {
        let mut cells = self
            .cells
            .iter()
            .filter(|cell| cell.cell.architecture == architecture);
        cells.find_map(|cell| cell.imagenet_top1)
    }

    fn truncations(&self) -> Result<Vec<Truncation>> {
        let mut truncations = Vec::new();
        let networks = self.networks();
        for whole in networks.iter().filter(|of| of.cell.minus == 0) {
            for pretrained in [true, false] {
                let architecture = whole.cell.architecture;
                let base = self.group(architecture.name(), pretrained);
                let Some(measured) = self.measured(&base) else {
                    continue;
                };
                let of_architecture = networks
                    .iter()
                    .filter(|of| of.cell.architecture == architecture);
                let mut cuts: Vec<Cut> = of_architecture
                    .filter(|of| of.cell.minus > 0)
                    .filter_map(|of| self.cut(whole, &measured, &base, of, pretrained))
                    .collect();
                if cuts.is_empty() {
                    continue;
                }
                cuts.sort_by_key(|cut| cut.minus);
                truncations.push(Truncation {
                    architecture,
                    pretrained,
                    cost: cost(whole),
                    auc: measured.auc,
                    runs: measured.runs,
                    cuts,
                });
            }
        }
        adjust(
            truncations
                .iter_mut()
                .flat_map(|of| &mut of.cuts)
                .filter_map(|cut| cut.change.as_mut()),
        )?;
        Ok(truncations)
    }

    fn cut(
        &self,
        whole: &CellResult,
        measured: &Measured,
        base: &[usize],
        of: &CellResult,
        pretrained: bool,
    ) -> Option<Cut> {
        let name = of.cell.network();
        let group = self.group(&name, pretrained);
        let own = self.measured(&group)?;
        let [first, second] = self.pair([base.to_vec(), group]);
        let difference = self.panel.difference(&[[&first, &second]]);
        let change = Change::of(&difference, self.bootstrap);
        let percent = |base: Estimate| Some(change?.estimate.value / base.value * 100.0);
        let test = difference
            .p_at_most(-self.margin)
            .map(|p_value| NonInferiority {
                p_value,
                holds: p_value < 1.0 - self.bootstrap.confidence,
            });
        Some(Cut {
            name,
            minus: of.cell.minus,
            cost: cost(of),
            times_smaller: whole.parameters as f64 / of.parameters as f64,
            auc: own.auc,
            change_percent: measured.auc.and_then(percent),
            drops: Cut::is_drop(change.as_ref()),
            change,
            non_inferiority: test,
            runs: own.runs,
        })
    }

    fn families(&self, models: &[Model], pretrained: bool) -> Option<Families> {
        let here: Vec<&Model> = models
            .iter()
            .filter(|model| model.start(pretrained).is_some())
            .collect();
        if here.is_empty() {
            return None;
        }
        let mut names: Vec<&'static str> = Vec::new();
        for model in &here {
            let name = family_name(model.architecture.family());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let families = names.into_iter().map(|family| {
            let mut of: Vec<&Model> = here
                .iter()
                .filter(|model| family_name(model.architecture.family()) == family)
                .copied()
                .collect();
            of.sort_by_key(|model| model.cost.parameters);
            let groups: Vec<_> = of
                .iter()
                .map(|model| self.group(&model.name, pretrained))
                .collect();
            let groups: Vec<&[usize]> = groups.iter().map(Vec::as_slice).collect();
            FamilyRow {
                family,
                auc: Estimate::of(&self.panel.mean(&groups), self.bootstrap),
                within: self.extremes(of.first().copied(), of.last().copied(), pretrained),
                models: of.into_iter().map(|model| model.name.clone()).collect(),
            }
        });
        let by_auc = |a: &&&Model, b: &&&Model| {
            let auc = |model: &Model| model.auc(pretrained).unwrap_or(f64::NAN);
            auc(a).total_cmp(&auc(b))
        };
        let (worst, best) = (
            here.iter().min_by(by_auc).copied(),
            here.iter().max_by(by_auc).copied(),
        );
        Some(Families {
            pretrained,
            families: families.collect(),
            across: self.extremes(worst, best, pretrained),
        })
    }

    fn extremes(
        &self,
        low: Option<&Model>,
        high: Option<&Model>,
        pretrained: bool,
    ) -> Option<Extremes> {
        let (low, high) = (low?, high?);
        if low.name == high.name {
            return None;
        }
        let groups = [low, high].map(|model| self.group(&model.name, pretrained));
        Some(Extremes {
            low: low.name.clone(),
            high: high.name.clone(),
            difference: self.change(&[self.pair(groups)]),
        })
    }

    fn learning(&self) -> Result<Vec<LearningCurve>> {
        let mut curves: Vec<LearningCurve> = Vec::new();
        let mut seen = BTreeSet::new();
        for name in self
            .networks
            .iter()
            .filter(|name| seen.insert(name.as_str()))
        {
            let of = || {
                self.cells
                    .iter()
                    .zip(&self.networks)
                    .filter(|(_, of)| *of == name)
            };
            let mut fractions: Vec<f64> = of().map(|(cell, _)| cell.cell.fraction).collect();
            fractions.sort_by(f64::total_cmp);
            fractions.dedup();
            if fractions.len() < 2 {
                continue;
            }
            let points = fractions.into_iter().map(|fraction| {
                let groups = [false, true].map(|start| self.group_at(name, start, fraction));
                let both = groups.iter().all(|group| !group.is_empty());
                let [without, with] = [0, 1].map(|start: usize| self.measured(&groups[start]));
                LearningPoint {
                    fraction,
                    without,
                    with,
                    boost: if both {
                        self.change(&[self.pair(groups)])
                    } else {
                        None
                    },
                }
            });
            curves.push(LearningCurve {
                network: name.clone(),
                points: points.collect(),
            });
        }
        adjust(
            curves
                .iter_mut()
                .flat_map(|curve| &mut curve.points)
                .filter_map(|point| point.boost.as_mut()),
        )?;
        Ok(curves)
    }

    fn compute(&self) -> Vec<ComputePoint> {
        let mut points: Vec<ComputePoint> = Vec::new();
        for (cell, name) in self.cells.iter().zip(&self.networks) {
            let (pretrained, fraction) = (cell.cell.pretrained, cell.cell.fraction);
            let is_it = |point: &ComputePoint| {
                point.network == *name
                    && point.pretrained == pretrained
                    && point.fraction == fraction
            };
            if points.iter().any(is_it) {
                continue;
            }
            let group = self.group_at(name, pretrained, fraction);
            let Ok(auc) = self.panel.mean(&[&group]).estimate else {
                continue;
            };
            let examples: u64 = group.iter().map(|&place| self.cells[place].examples).sum();
            points.push(ComputePoint {
                network: name.clone(),
                pretrained,
                fraction,
                macs: cell.macs as f64 * examples as f64 / group.len() as f64,
                auc,
                on_frontier: false,
            });
        }
        learning::mark_frontier(&mut points);
        points
    }
}

fn cost(of: &CellResult) -> Cost {
    Cost {
        parameters: of.parameters,
        macs: of.macs,
        map_side: of.map_side,
    }
}

/// Adjusts the p-values of the differences of one table.
fn adjust<'a>(changes: impl Iterator<Item = &'a mut Change>) -> Result<()> {
    let changes: Vec<_> = changes.filter(|change| change.p_value.is_some()).collect();
    let p_values: Vec<f64> = changes.iter().filter_map(|change| change.p_value).collect();
    for (change, adjusted) in changes.into_iter().zip(Adjustment::Holm.adjust(&p_values)?) {
        change.adjusted_p = Some(adjusted);
    }
    Ok(())
}
