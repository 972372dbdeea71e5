//! Many models on the same rows and the same replicates: means of groups of models, and differences between groups.

use crate::{
    Bootstrap, Distribution, Error, Metric, Predictions, Replicates, Result, Statistic, Undefined,
};

/// Models on the same rows, resampled together, each judged by its mean AUROC over the same observations.
///
/// A group of models, such as the runs of one network with several seeds, stands for its members' mean AUROC: what one of
/// them may be expected to reach. The ensemble of their probabilities would be another, larger model.
///
/// ```
/// use chextransfer_metrics::{Bootstrap, Panel, Predictions};
/// use ndarray::Array2;
///
/// let studies: Vec<String> = (0..40).map(|study| format!("study{study}")).collect();
/// let labels = Array2::from_shape_fn((40, 1), |(study, _)| Some(study % 4 == 0));
/// let model = |error: usize| {
///     let score = |(study, _)| if study % 4 == 0 { 0.7 } else { (study * error % 10) as f64 / 10.0 };
///     let scores = Array2::from_shape_fn((40, 1), score);
///     Predictions::new(vec!["Edema".to_owned()], studies.clone(), studies.clone(), labels.clone(), scores)
/// };
/// let (first, second) = (model(3)?, model(7)?);
/// let bootstrap = Bootstrap { replicates: 100, ..Bootstrap::default() };
/// let panel = Panel::of(&[("first", &first), ("second", &second)], &["Edema"], &bootstrap)?;
/// let both = panel.mean(&[&[0, 1]]);
/// let difference = panel.difference(&[[&[0], &[1]]]);
/// assert!(both.estimate.is_ok() && difference.interval(&bootstrap).is_some());
/// # Ok::<(), chextransfer_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Panel {
    observations: Vec<String>,
    models: usize,
    replicates: Replicates,
    units: usize,
}

impl Panel {
    /// Joins the tables of `models`, a name and a table each, by path, and resamples them together.
    ///
    /// # Errors
    ///
    /// If there is no model or no observation, rows or labels differ (named), an observation is one that a table lacks or is
    /// named twice, or a setting is out of range.
    pub fn of<S: AsRef<str>>(
        models: &[(&str, &Predictions)],
        observations: &[S],
        bootstrap: &Bootstrap,
    ) -> Result<Self> {
        let Some(&(first_name, first)) = models.first() else {
            return Err(Error::table(
                "found no table to judge, expected at least one",
            ));
        };
        let names: Vec<String> = observations
            .iter()
            .map(|name| name.as_ref().to_owned())
            .collect();
        if names.is_empty() {
            return Err(Error::table(
                "found no observation to judge by, expected at least one",
            ));
        }
        let units = first.units(bootstrap.unit, bootstrap.stratify.as_deref());
        let units = units.map_err(Error::in_model(first_name))?;
        let mut rows = Vec::with_capacity(models.len() * names.len());
        for (name, table) in models {
            let table = table.joined_to(first, [first_name, name], &names)?;
            for observation in &names {
                rows.push(table.scored(observation, &units)?);
            }
        }
        let metric = Metric::Auroc;
        let statistics: Vec<_> = rows.iter().map(|rows| Statistic { metric, rows }).collect();
        Ok(Self {
            replicates: bootstrap.resample(&units, &statistics)?,
            observations: names,
            models: models.len(),
            units: units.count(),
        })
    }

    /// Units that were resampled.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The observations whose AUROC is defined, which every mean here is over. Labels are those of all models, and so is
    /// this list.
    pub fn averaged(&self) -> Vec<&str> {
        self.defined()
            .map(|observation| self.observations[observation].as_str())
            .collect()
    }

    /// The observations whose AUROC is not defined, with the reason.
    pub fn undefined(&self) -> Vec<(&str, Undefined)> {
        let estimates = self.replicates.estimates().iter().zip(&self.observations);
        estimates
            .filter_map(|(of, name)| Some((name.as_str(), of.err()?)))
            .collect()
    }

    /// The mean over groups of the mean AUROC of each group's models; groups count the same, whatever their size.
    ///
    /// Undefined if there is no group, one is empty, or no observation is defined.
    ///
    /// # Panics
    ///
    /// If a model's place is none of those given.
    pub fn mean(&self, groups: &[&[usize]]) -> Distribution {
        let evened = even(groups.iter().map(|group| group.to_vec()).collect());
        let statistics: Vec<_> = evened
            .iter()
            .flat_map(|&model| self.of_model(model))
            .collect();
        self.replicates.mean(&statistics)
    }

    /// The mean over pairs of groups of the second's mean AUROC minus the first's, on the same replicates; pairs count the
    /// same, whatever their groups' sizes.
    ///
    /// Undefined as for [`mean`](Self::mean).
    ///
    /// # Panics
    ///
    /// As for [`mean`](Self::mean).
    pub fn difference(&self, pairs: &[[&[usize]; 2]]) -> Distribution {
        // The mean over all pairs of members is the difference of the groups' means.
        let members = pairs.iter().map(|[first, second]| {
            let each = first
                .iter()
                .flat_map(|&first| second.iter().map(move |&second| [first, second]));
            each.collect()
        });
        let evened = even(members.collect());
        let statistics: Vec<_> = evened
            .iter()
            .flat_map(|&[first, second]| {
                self.of_model(first)
                    .zip(self.of_model(second))
                    .map(|(first, second)| [first, second])
            })
            .collect();
        self.replicates.mean_difference(&statistics)
    }

    fn defined(&self) -> impl Iterator<Item = usize> + '_ {
        let estimates = self.replicates.estimates();
        (0..self.observations.len()).filter(|&observation| estimates[observation].is_ok())
    }

    /// The places of a model's defined statistics.
    fn of_model(&self, model: usize) -> impl Iterator<Item = usize> + '_ {
        assert!(
            model < self.models,
            "found model {model} of {}",
            self.models
        );
        self.defined()
            .map(move |observation| model * self.observations.len() + observation)
    }
}

/// Repeats the members of each group so that all groups weigh the same in a mean over members; empty if a group is.
fn even<T: Copy>(groups: Vec<Vec<T>>) -> Vec<T> {
    if groups.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let common = groups.iter().fold(1, |common, group| {
        common / gcd(common, group.len()) * group.len()
    });
    let repeated = groups
        .iter()
        .flat_map(|group| std::iter::repeat_n(group, common / group.len()));
    repeated.flatten().copied().collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const OBSERVATIONS: [&str; 3] = ["Edema", "Fracture", "Cardiomegaly"];

    /// Scores that tell the classes apart the better the larger `skill`; no study has a fracture.
    fn model(seed: u64, skill: f64) -> Predictions {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let studies: Vec<String> = (0..80).map(|study| format!("study{study}")).collect();
        let label = |study: usize, observation: usize| {
            observation != 1 && study.is_multiple_of(observation + 2)
        };
        let labels = Array2::from_shape_fn((80, 3), |(study, of)| Some(label(study, of)));
        let scores = Array2::from_shape_fn((80, 3), |(study, of)| {
            (rng.random::<f64>() + skill * f64::from(u8::from(label(study, of)))) / (1.0 + skill)
        });
        let names = OBSERVATIONS.map(str::to_owned).to_vec();
        Predictions::new(names, studies.clone(), studies, labels, scores).unwrap()
    }

    fn bootstrap() -> Bootstrap {
        Bootstrap {
            replicates: 200,
            ..Bootstrap::default()
        }
    }

    fn panel(models: &[Predictions]) -> Panel {
        let names: Vec<_> = (0..models.len()).map(|model| model.to_string()).collect();
        let named: Vec<_> = names.iter().map(String::as_str).zip(models).collect();
        Panel::of(&named, &OBSERVATIONS, &bootstrap()).unwrap()
    }

    #[test]
    fn one_model_is_what_its_evaluation_says_and_undefined_observations_are_named() {
        let models = [model(1, 0.5), model(2, 0.2)];
        let panel = panel(&models);
        assert_eq!(panel.averaged(), ["Edema", "Cardiomegaly"]);
        assert_eq!(panel.undefined(), [("Fracture", Undefined::NoPositives)]);
        let evaluation = models[1].evaluate(&OBSERVATIONS, &bootstrap()).unwrap();
        let mean = panel.mean(&[&[1]]);
        assert_eq!(mean.estimate.ok(), evaluation.mean_auc);
        assert_eq!(mean.interval(&bootstrap()), evaluation.mean_auc_ci);
    }

    #[test]
    fn a_difference_is_the_comparisons() {
        let models = [model(1, 0.2), model(2, 0.6)];
        let pair = [("first", &models[0]), ("second", &models[1])];
        let config = crate::ComparisonConfig {
            observations: OBSERVATIONS.map(str::to_owned).to_vec(),
            bootstrap: bootstrap(),
            ..Default::default()
        };
        let expected = &crate::Comparison::of(&pair, &config).unwrap().against_first[0].mean;
        let found = panel(&models).difference(&[[&[0], &[1]]]);
        assert_eq!(found.estimate.ok(), expected.difference);
        assert_eq!(found.interval(&bootstrap()), expected.difference_ci);
        assert_eq!(found.p_value(), expected.bootstrap_p);
    }

    #[test]
    fn groups_of_any_size_weigh_the_same() {
        let models = [model(1, 0.2), model(2, 0.6), model(3, 0.9), model(4, 0.4)];
        let panel = panel(&models);
        let auc = |model: usize| panel.mean(&[&[model]]).estimate.unwrap();
        let found = panel.mean(&[&[0], &[1, 2, 3]]).estimate.unwrap();
        let expected = (auc(0) + (auc(1) + auc(2) + auc(3)) / 3.0) / 2.0;
        assert!((found - expected).abs() < 1e-12);

        let found = panel
            .difference(&[[&[0, 1], &[2]], [&[3], &[1]]])
            .estimate
            .unwrap();
        let expected = ((auc(2) - (auc(0) + auc(1)) / 2.0) + (auc(1) - auc(3))) / 2.0;
        assert!((found - expected).abs() < 1e-12);
        assert_eq!(panel.difference(&[[&[0, 1], &[0, 1]]]).estimate, Ok(0.0));
    }

    #[test]
    fn what_is_empty_is_undefined_or_an_error() {
        let models = [model(1, 0.2)];
        let panel = panel(&models);
        assert_eq!(panel.mean(&[]).estimate, Err(Undefined::NothingToAverage));
        assert_eq!(
            panel.mean(&[&[0], &[]]).estimate,
            Err(Undefined::NothingToAverage)
        );
        assert_eq!(
            panel.difference(&[[&[], &[0]]]).estimate,
            Err(Undefined::NothingToAverage)
        );
        let none: [(&str, &Predictions); 0] = [];
        assert!(Panel::of(&none, &OBSERVATIONS, &bootstrap()).is_err());
        assert!(Panel::of(&[("a", &models[0])], &[] as &[&str], &bootstrap()).is_err());
        let nothing_defined = Panel::of(&[("a", &models[0])], &["Fracture"], &bootstrap()).unwrap();
        assert!(nothing_defined.averaged().is_empty());
        assert_eq!(
            nothing_defined.mean(&[&[0]]).estimate,
            Err(Undefined::NothingToAverage)
        );
    }
}
