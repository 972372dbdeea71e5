//! Models compared in pairs, observation by observation and in the mean.

use serde::{Deserialize, Serialize};

use crate::{
    Adjustment, Bootstrap, Error, Metric, Predictions, Replicates, Result, ScoredLabels, Statistic,
    Undefined, permutation_test,
};

/// How models are compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComparisonConfig {
    /// The observations to compare, and to average; empty means all of the first model's.
    pub observations: Vec<String>,
    /// What is compared.
    pub metric: Metric,
    /// Replicates, which all models and observations share.
    pub bootstrap: Bootstrap,
    /// Permutations of the paired permutation test; 0 leaves it out.
    pub permutations: usize,
    /// A model that is worse than the first by less than this is not inferior; a positive number. `None` leaves that
    /// question out.
    pub margin: Option<f64>,
    /// How the p-values are adjusted: those of all models and observations together, and those of the means together.
    pub adjustment: Adjustment,
}

/// Two or more models on the same rows: each against the first.
///
/// Its [`Display`](std::fmt::Display) is a table for each model but the first, with one observation a line and the mean
/// last. Serialised it is the same and more: each model's own intervals, undefined replicates, and the settings.
///
/// ```
/// use chextransfer_metrics::{Comparison, ComparisonConfig, Predictions};
/// use ndarray::Array2;
///
/// let studies: Vec<String> = (0..40).map(|study| format!("study{study}")).collect();
/// let labels = Array2::from_shape_fn((40, 1), |(study, _)| Some(study % 4 == 0));
/// let model = |error: usize| {
///     let score = |(study, _)| if study % 4 == 0 { 0.7 } else { (study * error % 10) as f64 / 10.0 };
///     let scores = Array2::from_shape_fn((40, 1), score);
///     Predictions::new(vec!["Edema".to_owned()], studies.clone(), studies.clone(), labels.clone(), scores)
/// };
/// let (whole, truncated) = (model(3)?, model(7)?);
/// let comparison = Comparison::of(
///     &[("whole", &whole), ("truncated", &truncated)],
///     &ComparisonConfig { margin: Some(0.1), ..ComparisonConfig::default() },
/// )?;
/// let edema = &comparison.against_first[0].observations[0];
/// assert!(edema.difference_ci.is_some() && edema.delong_p.is_some());
/// assert!(comparison.to_string().contains("mean of 1 of 1"));
/// # Ok::<(), chextransfer_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The models' names; the first is the reference.
    pub models: Vec<String>,
    /// Rows of each table.
    pub rows: usize,
    /// Units among them: what was resampled.
    pub units: usize,
    /// Every model but the first, in their order.
    pub against_first: Vec<AgainstFirst>,
    /// How all this was made.
    pub config: ComparisonConfig,
}

/// One model against the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgainstFirst {
    /// The model's name.
    pub model: String,
    /// One an observation.
    pub observations: Vec<Difference>,
    /// The mean over the observations that are defined; its name says how many.
    pub mean: Difference,
}

/// A metric of two models on the same rows, and what may be said of its difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The observation, or `mean of 5 of 6`.
    pub name: String,
    /// Why there are no numbers, if there are none.
    pub undefined: Option<Undefined>,
    /// The first model's metric.
    pub first: Option<f64>,
    /// Its bootstrap interval.
    pub first_ci: Option<[f64; 2]>,
    /// The other model's metric.
    pub second: Option<f64>,
    /// Its bootstrap interval.
    pub second_ci: Option<[f64; 2]>,
    /// Second minus first.
    pub difference: Option<f64>,
    /// The paired bootstrap interval of the difference.
    pub difference_ci: Option<[f64; 2]>,
    /// Replicates in which a class is missing, left out of the intervals.
    pub undefined_replicates: usize,
    /// Two-sided p-value of no difference, from the paired bootstrap ([`Distribution::p_value`](crate::Distribution::p_value)).
    pub bootstrap_p: Option<f64>,
    /// `bootstrap_p` adjusted for the number of comparisons.
    pub adjusted_p: Option<f64>,
    /// The same by DeLong's test: of an AUROC, where every row is a unit of its own.
    pub delong_p: Option<f64>,
    /// The same by the permutation test, if asked for.
    pub permutation_p: Option<f64>,
    /// Whether the second model is not inferior, if asked for.
    pub non_inferiority: Option<NonInferiority>,
}

/// Is the second model worse by less than a margin?
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NonInferiority {
    /// One-sided p-value of it being worse by the margin or more ([`Distribution::p_at_most`](crate::Distribution::p_at_most)).
    pub p_value: f64,
    /// Whether that p-value is below one minus the confidence.
    pub holds: bool,
}

impl Comparison {
    /// Compares each of `models`, names and tables, with the first.
    ///
    /// Tables are joined by path: their rows may be in any order, but must be the same and carry the same labels. Tables of
    /// images are compared as they are, resampled by the bootstrap's unit; [`Predictions::by_study`] makes studies of them.
    ///
    /// # Errors
    ///
    /// If there are fewer than two models, two of one name, rows or labels that differ (named), an observation that a table
    /// lacks, or a setting out of range.
    pub fn of(models: &[(&str, &Predictions)], config: &ComparisonConfig) -> Result<Self> {
        config.check()?;
        let &(first_name, first) = check_models(models)?;
        let names = match config.observations.is_empty() {
            true => first.observations().to_vec(),
            false => config.observations.clone(),
        };
        let units = first.units(config.bootstrap.unit, config.bootstrap.stratify.as_deref());
        let units = units.map_err(Error::in_model(first_name))?;
        // Model after model.
        let mut rows = Vec::with_capacity(models.len() * names.len());
        for (name, table) in models {
            let table = table.joined_to(first, [first_name, name], &names)?;
            for observation in &names {
                rows.push(table.scored(observation, &units)?);
            }
        }
        let metric = config.metric;
        let statistics: Vec<_> = rows.iter().map(|rows| Statistic { metric, rows }).collect();
        let comparing = Comparing {
            replicates: config.bootstrap.resample(&units, &statistics)?,
            rows,
            names,
            config,
        };
        let mut against_first = (1..models.len())
            .map(|model| comparing.against_first(model, models[model].0))
            .collect::<Result<Vec<_>>>()?;
        let of_observations = against_first
            .iter_mut()
            .flat_map(|pair| &mut pair.observations);
        adjust(config.adjustment, of_observations.collect())?;
        let of_means = against_first.iter_mut().map(|pair| &mut pair.mean);
        adjust(config.adjustment, of_means.collect())?;
        Ok(Self {
            models: models.iter().map(|(name, _)| (*name).to_owned()).collect(),
            rows: first.rows(),
            units: units.count(),
            against_first,
            config: config.clone(),
        })
    }
}

impl ComparisonConfig {
    fn check(&self) -> Result<()> {
        match self.margin {
            Some(margin) if !(margin > 0.0 && margin.is_finite()) => Err(Error::Setting {
                setting: "margin",
                found: margin.to_string(),
                expected: "a number above 0, such as 0.01",
            }),
            _ => Ok(()),
        }
    }
}

/// All models on shared replicates.
struct Comparing<'a> {
    replicates: Replicates,
    /// `[models * observations]`
    rows: Vec<ScoredLabels>,
    names: Vec<String>,
    config: &'a ComparisonConfig,
}

impl Comparing<'_> {
    fn against_first(&self, model: usize, name: &str) -> Result<AgainstFirst> {
        let pair = |observation| [observation, model * self.names.len() + observation];
        let observations = self.names.iter().enumerate().map(|(observation, name)| {
            let pair = pair(observation);
            let mut difference = self.difference(name.clone(), &[pair])?;
            if self.config.metric == Metric::Auroc {
                let [first, second] = pair.map(|statistic| &self.rows[statistic]);
                let test = first.delong_test(second)?;
                difference.delong_p = test.and_then(|test| test.p_value()).ok();
            }
            Ok(difference)
        });
        let observations = observations.collect::<Result<Vec<_>>>()?;

        let estimates = self.replicates.estimates();
        let defined: Vec<_> = (0..self.names.len())
            .map(pair)
            .filter(|pair| pair.iter().all(|&statistic| estimates[statistic].is_ok()))
            .collect();
        let mean_name = format!("mean of {} of {}", defined.len(), self.names.len());
        Ok(AgainstFirst {
            model: name.to_owned(),
            observations,
            mean: self.difference(mean_name, &defined)?,
        })
    }

    /// The mean over pairs of statistics, `[first, second]`.
    fn difference(&self, name: String, pairs: &[[usize; 2]]) -> Result<Difference> {
        let [first, second] = [0, 1].map(|model| {
            let statistics: Vec<_> = pairs.iter().map(|pair| pair[model]).collect();
            self.replicates.mean(&statistics)
        });
        let difference = self.replicates.mean_difference(pairs);
        let config = self.config;
        let bootstrap = &config.bootstrap;
        let permutation_p = match config.permutations {
            0 => None,
            permutations => {
                let rows = pairs
                    .iter()
                    .map(|pair| (&self.rows[pair[0]], &self.rows[pair[1]]));
                let rows: Vec<_> = rows.collect();
                permutation_test(&rows, config.metric, permutations, bootstrap.seed)?
                    .ok()
                    .map(|test| test.p_value)
            }
        };
        Ok(Difference {
            name,
            undefined: difference.estimate.err(),
            first: first.estimate.ok(),
            first_ci: first.interval(bootstrap),
            second: second.estimate.ok(),
            second_ci: second.interval(bootstrap),
            difference: difference.estimate.ok(),
            difference_ci: difference.interval(bootstrap),
            undefined_replicates: difference.undefined_replicates,
            bootstrap_p: difference.p_value(),
            adjusted_p: None,
            delong_p: None,
            permutation_p,
            non_inferiority: config.margin.and_then(|margin| {
                let p_value = match config.metric.smaller_is_better() {
                    true => difference.p_at_least(margin),
                    false => difference.p_at_most(-margin),
                }?;
                let holds = p_value < 1.0 - bootstrap.confidence;
                Some(NonInferiority { p_value, holds })
            }),
        })
    }
}

fn adjust(adjustment: Adjustment, mut differences: Vec<&mut Difference>) -> Result<()> {
    differences.retain(|difference| difference.bootstrap_p.is_some());
    let p_values: Vec<f64> = differences.iter().filter_map(|of| of.bootstrap_p).collect();
    for (of, adjusted) in differences.into_iter().zip(adjustment.adjust(&p_values)?) {
        of.adjusted_p = Some(adjusted);
    }
    Ok(())
}

/// The first of two models or more, all of different names.
fn check_models<'a, 'b>(
    models: &'b [(&'a str, &'a Predictions)],
) -> Result<&'b (&'a str, &'a Predictions)> {
    let [first, _, ..] = models else {
        let found = models.len();
        let problem = format!("found {found} tables to compare, expected at least two");
        return Err(Error::table(problem));
    };
    for (place, (name, _)) in models.iter().enumerate() {
        if models[..place].iter().any(|(earlier, _)| earlier == name) {
            return Err(Error::table(format!("found two models named {name:?}")));
        }
    }
    Ok(first)
}
