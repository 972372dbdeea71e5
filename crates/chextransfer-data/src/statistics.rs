//! What a split holds, counted from its table alone.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::{LabelCounts, Observation, Record, Sex, View};

/// Counts of a split's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitStatistics {
    /// Rows, which are images.
    pub rows: usize,
    /// Different patients.
    pub patients: usize,
    /// Different studies.
    pub studies: usize,
    /// Frontal images.
    pub frontal: usize,
    /// Lateral images; of the rest the view is not known.
    pub lateral: usize,
    /// Rows of women.
    pub female: usize,
    /// Rows of men; of the rest the sex is not known.
    pub male: usize,
    /// The labels of each observation, in the order of [`Observation::ALL`].
    #[serde(serialize_with = "by_observation")]
    pub labels: [LabelCounts; Observation::COUNT],
}

impl SplitStatistics {
    /// Counts `records`.
    pub fn of(records: &[Record]) -> Self {
        let count = |holds: fn(&Record) -> bool| records.iter().filter(|r| holds(r)).count();
        let distinct =
            |text: fn(&Record) -> &str| records.iter().map(text).collect::<BTreeSet<_>>().len();
        Self {
            rows: records.len(),
            patients: distinct(|record| &record.patient),
            studies: distinct(|record| &record.study),
            frontal: count(|record| record.view == Some(View::Frontal)),
            lateral: count(|record| record.view == Some(View::Lateral)),
            female: count(|record| record.sex == Sex::Female),
            male: count(|record| record.sex == Sex::Male),
            labels: LabelCounts::of(records),
        }
    }
}

fn by_observation<S: Serializer>(
    labels: &[LabelCounts; Observation::COUNT],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Observation::ALL.into_iter().zip(labels))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::phantom::{self, PhantomConfig};
    use crate::{CheXpert, Split};

    #[test]
    fn the_counts_of_a_phantom_split_are_those_of_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("phantom");
        let config = PhantomConfig {
            patients: 30,
            side: 32,
            ..PhantomConfig::default()
        };
        phantom::generate(&config, &root, |_, _| ()).unwrap();
        let train = CheXpert::open(&root).unwrap().split(Split::Train).unwrap();
        let statistics = SplitStatistics::of(train.records());

        let text = std::fs::read_to_string(root.join("train.csv")).unwrap();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        let containing = |part: &str| rows.iter().filter(|row| row.contains(part)).count();
        assert_eq!((statistics.rows, statistics.patients), (rows.len(), 21));
        assert_eq!(statistics.lateral, containing(",Lateral,"));
        assert_eq!(statistics.frontal + statistics.lateral, rows.len());
        assert_eq!(statistics.female, containing(",Female,"));
        assert_eq!(statistics.female + statistics.male, rows.len());
        let studies: BTreeSet<&str> = rows
            .iter()
            .filter_map(|r| Some(r.split_once("/view")?.0))
            .collect();
        assert_eq!(statistics.studies, studies.len());
        assert!(statistics.studies > 21);
        for (place, counts) in statistics.labels.iter().enumerate() {
            let cell = |text: &str| {
                let cells = rows.iter().filter_map(|row| row.split(',').nth(5 + place));
                cells.filter(|cell| *cell == text).count()
            };
            let found = [
                counts.positive,
                counts.negative,
                counts.uncertain,
                counts.blank,
            ];
            assert_eq!(
                found,
                ["1.0", "0.0", "-1.0", ""].map(cell),
                "{}",
                Observation::ALL[place]
            );
        }
    }
}
