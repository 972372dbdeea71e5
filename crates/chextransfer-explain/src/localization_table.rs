//! Localisation of several networks on the same pictures, with intervals over studies.

use std::collections::BTreeMap;
use std::fmt;

use chextransfer_metrics::{Bootstrap, Distribution, Units};

use crate::localization::THRESHOLDS;
use crate::{Error, Localization, Result};

/// One finding in one picture, and how well the map of each network finds it.
#[derive(Debug, Clone)]
pub struct LocalizedFinding {
    /// What resampling draws: the study.
    pub study: String,
    /// The observation.
    pub observation: String,
    /// One score a network, in the table's order.
    pub scores: Vec<Localization>,
}

/// What is measured of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalizationMetric {
    /// [`Localization::hit`].
    HitRate,
    /// [`Localization::iou`] at the threshold of the observation and network.
    Iou,
    /// [`Localization::iou_area`].
    IouArea,
    /// [`Localization::energy`].
    Energy,
    /// [`Localization::energy_area`].
    EnergyArea,
}

impl LocalizationMetric {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::HitRate,
        Self::Iou,
        Self::IouArea,
        Self::Energy,
        Self::EnergyArea,
    ];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HitRate => "hit rate",
            Self::Iou => "IoU",
            Self::IouArea => "IoU area",
            Self::Energy => "energy",
            Self::EnergyArea => "energy area",
        }
    }

    fn of(self, score: &Localization, threshold: usize) -> f64 {
        match self {
            Self::HitRate => score.hit,
            Self::Iou => score.iou[threshold],
            Self::IouArea => score.iou_area(),
            Self::Energy => score.energy,
            Self::EnergyArea => score.energy_area(),
        }
    }
}

/// A mean over findings with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its interval by the bootstrap; `None` without replicates.
    pub interval: Option<[f64; 2]>,
}

/// One network on the findings of one observation, or on the mean over observations.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalizationCell {
    /// The network's own value.
    pub value: Estimate,
    /// Minus the first network's, on the same replicates; `None` for the first.
    pub difference: Option<Estimate>,
}

/// The findings of one observation.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalizationRow {
    /// The observation; `None` for the mean over all of them.
    pub observation: Option<String>,
    /// How many findings there are.
    pub findings: usize,
    /// By metric as in [`LocalizationMetric::ALL`], then one cell a network.
    pub cells: Vec<Vec<LocalizationCell>>,
}

/// Networks against each other on the same findings, by observation.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalizationTable {
    /// The networks' names.
    pub networks: Vec<String>,
    /// One row an observation, and the mean over them last.
    pub rows: Vec<LocalizationRow>,
    bootstrap: Bootstrap,
}

/// For each observation and network the threshold of [`Localization::iou`] to measure at: its place in
/// [`THRESHOLDS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IouThresholds(BTreeMap<(String, usize), usize>);

/// The threshold of what has none of its own: one half.
const HALF: usize = 9;

impl IouThresholds {
    /// The thresholds at which the mean IoU over these findings is highest, the lower of equal ones: to be chosen on other
    /// pictures than those that are then measured, as CheXlocalize does on its validation set. An observation without
    /// findings keeps one half.
    pub fn best(findings: &[LocalizedFinding]) -> Self {
        let mut sums: BTreeMap<(String, usize), [f64; THRESHOLDS.len()]> = BTreeMap::new();
        for finding in findings {
            for (network, score) in finding.scores.iter().enumerate() {
                let sum = sums
                    .entry((finding.observation.clone(), network))
                    .or_insert([0.0; THRESHOLDS.len()]);
                for (sum, iou) in sum.iter_mut().zip(score.iou) {
                    *sum += iou;
                }
            }
        }
        let highest = |sums: [f64; THRESHOLDS.len()]| {
            let mut best = HALF;
            for (place, sum) in sums.iter().enumerate().rev() {
                if *sum >= sums[best] {
                    best = place;
                }
            }
            best
        };
        Self(
            sums.into_iter()
                .map(|(key, sums)| (key, highest(sums)))
                .collect(),
        )
    }

    /// The threshold of an observation and a network.
    pub fn get(&self, observation: &str, network: usize) -> f32 {
        THRESHOLDS[self.place(observation, network)]
    }

    fn place(&self, observation: &str, network: usize) -> usize {
        self.0
            .get(&(observation.to_owned(), network))
            .copied()
            .unwrap_or(HALF)
    }
}

impl LocalizationTable {
    /// Means over the findings of each observation, and over observations, with intervals over the studies; differences to
    /// the first network on the same replicates.
    ///
    /// Rows stand in the order in which observations first appear.
    ///
    /// # Errors
    /// [`Error::Unequal`] without findings or when one has not a score for each network, [`Error::Metrics`] for settings of
    /// the bootstrap that are out of range.
    pub fn new(
        networks: Vec<String>,
        findings: &[LocalizedFinding],
        thresholds: &IouThresholds,
        bootstrap: &Bootstrap,
    ) -> Result<Self> {
        let other = findings
            .iter()
            .find(|finding| finding.scores.len() != networks.len());
        if let Some(finding) = other {
            return Err(Error::Unequal(format!(
                "found {} scores of {} in {}, expected one for each of {} networks",
                finding.scores.len(),
                finding.observation,
                finding.study,
                networks.len()
            )));
        }
        let mut observations: Vec<&str> = Vec::new();
        for finding in findings {
            if !observations.contains(&finding.observation.as_str()) {
                observations.push(&finding.observation);
            }
        }
        if observations.is_empty() || networks.is_empty() {
            return Err(Error::Unequal(
                "found no finding or no network, expected one at least".to_owned(),
            ));
        }
        let units = Units::named(findings.iter().map(|finding| finding.study.as_str()));
        let mut rows: Vec<_> = observations
            .iter()
            .map(|&observation| LocalizationRow {
                observation: Some(observation.to_owned()),
                findings: findings
                    .iter()
                    .filter(|f| f.observation == observation)
                    .count(),
                cells: Vec::new(),
            })
            .collect();
        rows.push(LocalizationRow {
            observation: None,
            findings: findings.len(),
            cells: Vec::new(),
        });
        for metric in LocalizationMetric::ALL {
            // Columns by observation, then by network.
            let mut columns = Vec::new();
            for observation in &observations {
                for network in 0..networks.len() {
                    let threshold = thresholds.place(observation, network);
                    let value = |finding: &LocalizedFinding| {
                        let counts = finding.observation == *observation;
                        counts.then(|| metric.of(&finding.scores[network], threshold))
                    };
                    columns.push(findings.iter().map(value).collect::<Vec<Option<f64>>>());
                }
            }
            let replicates = bootstrap.resample_means(&units, &columns)?;
            let cell = |columns: &[usize], first: &[usize]| -> Result<LocalizationCell> {
                let pairs: Vec<_> = first
                    .iter()
                    .zip(columns)
                    .map(|(first, own)| [*first, *own])
                    .collect();
                Ok(LocalizationCell {
                    value: estimate(&replicates.mean(columns), bootstrap)?,
                    difference: match first == columns {
                        true => None,
                        false => Some(estimate(&replicates.mean_difference(&pairs), bootstrap)?),
                    },
                })
            };
            let column =
                |observation: usize, network: usize| observation * networks.len() + network;
            let all = 0..observations.len();
            for (place, row) in rows.iter_mut().enumerate() {
                let of_row = if place < observations.len() {
                    place..place + 1
                } else {
                    all.clone()
                };
                let columns = |network| {
                    of_row
                        .clone()
                        .map(|o| column(o, network))
                        .collect::<Vec<_>>()
                };
                let cells = (0..networks.len()).map(|network| cell(&columns(network), &columns(0)));
                row.cells.push(cells.collect::<Result<_>>()?);
            }
        }
        Ok(Self {
            networks,
            rows,
            bootstrap: bootstrap.clone(),
        })
    }

    /// The cells of one metric, by row; one cell a network.
    pub fn metric(
        &self,
        metric: LocalizationMetric,
    ) -> impl Iterator<Item = (&LocalizationRow, &[LocalizationCell])> {
        let place = LocalizationMetric::ALL
            .iter()
            .position(|m| *m == metric)
            .unwrap_or(0);
        self.rows
            .iter()
            .map(move |row| (row, row.cells[place].as_slice()))
    }

    /// The table as CSV: one line a metric, observation and network.
    pub fn to_csv(&self) -> String {
        let mut csv = String::from(
            "Metric,Observation,Findings,Network,Mean,Low,High,Difference,Difference Low,Difference High\n",
        );
        for metric in LocalizationMetric::ALL {
            for (row, cells) in self.metric(metric) {
                let observation = row
                    .observation
                    .as_deref()
                    .unwrap_or("mean over observations");
                for (network, cell) in self.networks.iter().zip(cells) {
                    let numbers = |estimate: Option<&Estimate>| match estimate {
                        None => ",,".to_owned(),
                        Some(Estimate {
                            mean,
                            interval: None,
                        }) => format!("{mean},,"),
                        Some(Estimate {
                            mean,
                            interval: Some([low, high]),
                        }) => format!("{mean},{low},{high}"),
                    };
                    csv += &format!(
                        "{},{observation},{},\"{}\",{},{}\n",
                        metric.name(),
                        row.findings,
                        network.replace('"', "\"\""),
                        numbers(Some(&cell.value)),
                        numbers(cell.difference.as_ref())
                    );
                }
            }
        }
        csv
    }
}

fn estimate(distribution: &Distribution, bootstrap: &Bootstrap) -> Result<Estimate> {
    let mean = distribution
        .estimate
        .map_err(|undefined| Error::Unequal(undefined.to_string()))?;
    Ok(Estimate {
        mean,
        interval: distribution.interval(bootstrap),
    })
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.interval {
            None => f.pad(&format!("{:.3}", self.mean)),
            Some([low, high]) => f.pad(&format!("{:.3} ({low:.3}, {high:.3})", self.mean)),
        }
    }
}

impl fmt::Display for LocalizationTable {
    /// A block for each of hit rate, IoU at its threshold, and the areas under both curves; below them the mean difference
    /// to the first network.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |row: &LocalizationRow| match &row.observation {
            Some(observation) => format!("{observation} ({})", row.findings),
            None => "mean over observations".to_owned(),
        };
        let first = self
            .rows
            .iter()
            .map(|row| label(row).len())
            .max()
            .unwrap_or(0)
            .max(24);
        let wide = self
            .networks
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max(22);
        for metric in LocalizationMetric::ALL {
            write!(f, "{:first$}", metric.name())?;
            for network in &self.networks {
                write!(f, "  {network:>wide$}")?;
            }
            writeln!(f)?;
            for (row, cells) in self.metric(metric) {
                write!(f, "{:first$}", label(row))?;
                for cell in cells {
                    write!(f, "  {:>wide$}", cell.value)?;
                }
                writeln!(f)?;
            }
            if let Some((_, cells)) = self.metric(metric).last()
                && cells.len() > 1
            {
                write!(f, "{:first$}", "minus the first")?;
                for cell in cells {
                    match &cell.difference {
                        None => write!(f, "  {:>wide$}", "")?,
                        Some(difference) => write!(f, "  {difference:>wide$}")?,
                    }
                }
                writeln!(f)?;
            }
            writeln!(f)?;
        }
        write!(f, "{}", self.bootstrap)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn finding(study: &str, observation: &str, hits: [f64; 2]) -> LocalizedFinding {
        let score = |hit: f64| {
            let mut iou = [0.1; THRESHOLDS.len()];
            iou[3] = hit / 2.0;
            Localization {
                hit,
                iou,
                energy: hit / 4.0,
                energy_above: [hit; THRESHOLDS.len()],
            }
        };
        LocalizedFinding {
            study: study.into(),
            observation: observation.into(),
            scores: hits.map(score).to_vec(),
        }
    }

    fn findings() -> Vec<LocalizedFinding> {
        vec![
            finding("a", "Edema", [1.0, 1.0]),
            finding("a", "Edema", [0.0, 1.0]),
            finding("b", "Edema", [0.0, 0.0]),
            finding("b", "Fracture", [1.0, 1.0]),
            finding("c", "Edema", [1.0, 1.0]),
        ]
    }

    fn table(bootstrap: &Bootstrap) -> LocalizationTable {
        let networks = vec!["whole".to_owned(), "minus1".to_owned()];
        LocalizationTable::new(networks, &findings(), &IouThresholds::default(), bootstrap).unwrap()
    }

    #[test]
    fn means_are_over_the_findings_and_the_last_row_over_observations() {
        let table = table(&Bootstrap::default());
        let hits: Vec<_> = table.metric(LocalizationMetric::HitRate).collect();
        let means: Vec<Vec<f64>> = hits
            .iter()
            .map(|(_, cells)| cells.iter().map(|cell| cell.value.mean).collect())
            .collect();
        assert_eq!(means, [vec![0.5, 0.75], vec![1.0, 1.0], vec![0.75, 0.875]]);
        assert_eq!(hits[0].0.findings, 4);
        let difference = hits[0].1[1].difference.as_ref().unwrap();
        assert_eq!(difference.mean, 0.25);
        // Studies a, b, c: drawn without a the difference is 0, of a alone one half.
        assert_eq!(difference.interval, Some([0.0, 0.5]));
        assert!(hits[0].1[0].difference.is_none());
    }

    #[test]
    fn a_threshold_is_chosen_by_the_mean_iou_and_is_one_half_where_nothing_is_known() {
        let thresholds = IouThresholds::best(&findings());
        // One half of 1.0 at place 3 beats 0.1 everywhere.
        assert_eq!(thresholds.get("Edema", 0), THRESHOLDS[3]);
        assert_eq!(thresholds.get("Atelectasis", 1), 0.5);
    }

    #[test]
    fn the_table_prints_and_exports_every_cell() {
        let table = table(&Bootstrap::default());
        let text = table.to_string();
        for expected in [
            "hit rate",
            "Edema (4)",
            "minus the first",
            "0.875",
            "1000 bootstrap replicates of the studies",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert_eq!(table.to_csv().lines().count(), 1 + 5 * 3 * 2);
    }

    #[test]
    fn a_missing_score_is_an_error() {
        let networks = vec!["whole".to_owned()];
        let made = LocalizationTable::new(
            networks,
            &findings(),
            &IouThresholds::default(),
            &Bootstrap::NONE,
        );
        assert!(
            made.unwrap_err()
                .to_string()
                .contains("found 2 scores of Edema in a")
        );
        let none = LocalizationTable::new(
            vec!["x".to_owned()],
            &[],
            &IouThresholds::default(),
            &Bootstrap::NONE,
        );
        assert!(none.is_err());
    }
}
