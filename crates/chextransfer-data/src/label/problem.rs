//! Which observations are predicted, and what becomes of their uncertain and blank labels.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{BlankPolicy, LabelEncoder, UncertaintyPolicy};
use crate::digest::sha256_hex;
use crate::{Error, Observation, Result};

/// How labels become targets. Two models are comparable only if they solve the same problem.
///
/// In a configuration only `uncertainty` and `blank` must be given:
///
/// ```toml
/// [labels]
/// uncertainty = "ignore"
/// blank = "negative"
/// targets = ["Cardiomegaly", "Edema"] # all 14 where it is left out
/// seed = 0                            # of the draws of smooth(LOW, HIGH)
/// table = "values.csv"                # for the policy table
/// [labels.observations]
/// Edema = "smooth(0.55, 0.85)"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Settings", try_from = "Settings")]
pub struct LabelProblem {
    uncertainty: UncertaintyPolicy,
    blank: BlankPolicy,
    targets: Vec<Observation>,
    seed: u64,
    table: Option<PathBuf>,
    /// Observations that differ from `uncertainty`.
    observations: BTreeMap<Observation, UncertaintyPolicy>,
}

/// A problem as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    uncertainty: UncertaintyPolicy,
    blank: BlankPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<Observation>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    observations: BTreeMap<Observation, UncertaintyPolicy>,
}

// The signature that serde asks for.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(seed: &u64) -> bool {
    *seed == 0
}

impl LabelProblem {
    /// The paper's problem: all 14 observations, uncertain labels masked, blank ones negative.
    pub fn paper() -> Self {
        Self::new(UncertaintyPolicy::Ignore, BlankPolicy::Negative)
    }

    /// All 14 observations with one policy.
    pub fn new(uncertainty: UncertaintyPolicy, blank: BlankPolicy) -> Self {
        Self {
            uncertainty,
            blank,
            targets: Observation::ALL.to_vec(),
            seed: 0,
            table: None,
            observations: BTreeMap::new(),
        }
    }

    /// With another policy for the observations that have none of their own.
    #[must_use]
    pub fn with_uncertainty(mut self, uncertainty: UncertaintyPolicy) -> Self {
        self.uncertainty = uncertainty;
        self.observations.retain(|_, policy| *policy != uncertainty);
        self
    }

    /// With another policy for blank labels.
    #[must_use]
    pub fn with_blank(mut self, blank: BlankPolicy) -> Self {
        self.blank = blank;
        self
    }

    /// The observations that are predicted, in this order.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if there are none, if one comes twice, or if one is left out that has a policy of its own.
    pub fn with_targets(mut self, targets: &[Observation]) -> Result<Self> {
        self.targets = targets.to_vec();
        self.check()?;
        Ok(self)
    }

    /// With a policy of its own for one observation.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if it is no target, or for bounds that are no probabilities in order.
    pub fn with_policy(
        mut self,
        observation: Observation,
        policy: UncertaintyPolicy,
    ) -> Result<Self> {
        self.observations.insert(observation, policy);
        self.check()?;
        self.observations
            .retain(|_, policy| *policy != self.uncertainty);
        Ok(self)
    }

    /// The CSV `Path,<observations>` whose values, 0 to 1, replace uncertain labels under
    /// [`UncertaintyPolicy::Table`].
    #[must_use]
    pub fn with_table(mut self, file: PathBuf) -> Self {
        self.table = Some(file);
        self
    }

    /// The seed of the draws of [`UncertaintyPolicy::Smooth`].
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The observations that are predicted, in the order of the outputs.
    pub fn targets(&self) -> &[Observation] {
        &self.targets
    }

    /// What becomes of an observation's uncertain labels.
    pub fn uncertainty(&self, observation: Observation) -> UncertaintyPolicy {
        let own = self.observations.get(&observation);
        own.copied().unwrap_or(self.uncertainty)
    }

    /// What becomes of blank labels.
    pub fn blank(&self) -> BlankPolicy {
        self.blank
    }

    /// The seed of the draws of [`UncertaintyPolicy::Smooth`].
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The table of [`UncertaintyPolicy::Table`].
    pub fn table(&self) -> Option<&Path> {
        self.table.as_deref()
    }

    /// The number of logits: one a binary target, three a multi-class one (negative, positive, uncertain).
    pub fn outputs(&self) -> usize {
        self.targets.iter().map(|&target| self.width(target)).sum()
    }

    /// The logits of the `target`-th target; empty behind the last one if there is no such target.
    pub fn columns(&self, target: usize) -> Range<usize> {
        let mut widths = self.targets.iter().map(|&target| self.width(target));
        let start = widths.clone().take(target).sum();
        start..start + widths.nth(target).unwrap_or(0)
    }

    /// What makes targets of records; reads the table where a policy needs it.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for settings that contradict each other, and what is wrong in the table.
    pub fn encoder(&self) -> Result<LabelEncoder> {
        self.check()?;
        LabelEncoder::new(self.clone())
    }

    /// SHA-256 in hexadecimal of everything that the problem says; of a table only its name.
    pub fn digest(&self) -> String {
        let targets = self.targets.iter().map(|&target| {
            format!(
                "{target} {} blank {}\n",
                self.uncertainty(target),
                self.blank
            )
        });
        let mut text: String = targets.collect();
        if self.smooths() {
            text.push_str(&format!("seed {}\n", self.seed));
        }
        if self.needs_table() {
            text.push_str(&format!("table {:?}\n", self.table));
        }
        sha256_hex(text.as_bytes())
    }

    /// What differs from another problem, one line each; empty if a label becomes the same target in both.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut compare = |what: &str, this: String, that: String| {
            if this != that {
                lines.push(format!("{what}: {this} against {that}"));
            }
        };
        let names = |problem: &Self| {
            let names: Vec<&str> = problem.targets.iter().map(|target| target.name()).collect();
            names.join(", ")
        };
        compare("targets", names(self), names(other));
        let common = self
            .targets
            .iter()
            .filter(|target| other.targets.contains(target));
        for &target in common {
            compare(
                &format!("uncertain labels of {target}"),
                self.uncertainty(target).to_string(),
                other.uncertainty(target).to_string(),
            );
        }
        compare(
            "blank labels",
            self.blank.to_string(),
            other.blank.to_string(),
        );
        if self.smooths() && other.smooths() {
            compare(
                "seed of smooth labels",
                self.seed.to_string(),
                other.seed.to_string(),
            );
        }
        if self.needs_table() && other.needs_table() {
            let name = |problem: &Self| match &problem.table {
                Some(table) => table.display().to_string(),
                None => "none".to_owned(),
            };
            compare("table of uncertain labels", name(self), name(other));
        }
        lines
    }

    /// The targets whose uncertain labels come from the table.
    pub(crate) fn table_targets(&self) -> impl Iterator<Item = Observation> {
        let from_table =
            |target: &Observation| self.uncertainty(*target) == UncertaintyPolicy::Table;
        self.targets.iter().copied().filter(from_table)
    }

    fn needs_table(&self) -> bool {
        self.table_targets().next().is_some()
    }

    fn smooths(&self) -> bool {
        let is_smooth = |&target: &Observation| {
            matches!(self.uncertainty(target), UncertaintyPolicy::Smooth { .. })
        };
        self.targets.iter().any(is_smooth)
    }

    fn width(&self, target: Observation) -> usize {
        match self.uncertainty(target) {
            UncertaintyPolicy::MultiClass => 3,
            _ => 1,
        }
    }

    fn check(&self) -> Result<()> {
        let wrong = |setting, found: String, expected: &str| {
            Err(Error::Setting {
                setting,
                found,
                expected: expected.to_owned(),
            })
        };
        self.uncertainty.check()?;
        if self.targets.is_empty() {
            return wrong(
                "labels.targets",
                "empty".to_owned(),
                "at least one observation",
            );
        }
        for (place, target) in self.targets.iter().enumerate() {
            if self.targets[..place].contains(target) {
                let found = format!("a list with {target} twice");
                return wrong("labels.targets", found, "each observation once");
            }
        }
        for (observation, policy) in &self.observations {
            policy.check()?;
            if !self.targets.contains(observation) {
                let found = format!("a policy for {observation}, which is no target");
                return wrong(
                    "labels.observations",
                    found,
                    "observations among labels.targets",
                );
            }
        }
        Ok(())
    }
}

impl From<LabelProblem> for Settings {
    fn from(problem: LabelProblem) -> Self {
        let all = problem.targets == Observation::ALL;
        Self {
            uncertainty: problem.uncertainty,
            blank: problem.blank,
            targets: (!all).then_some(problem.targets),
            seed: problem.seed,
            table: problem.table,
            observations: problem.observations,
        }
    }
}

impl TryFrom<Settings> for LabelProblem {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self> {
        let mut problem = Self::new(settings.uncertainty, settings.blank).with_seed(settings.seed);
        problem.table = settings.table;
        if let Some(targets) = settings.targets {
            problem = problem.with_targets(&targets)?;
        }
        for (observation, policy) in settings.observations {
            problem = problem.with_policy(observation, policy)?;
        }
        problem.check()?;
        Ok(problem)
    }
}
