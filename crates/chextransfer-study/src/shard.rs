//! Which cells are whose, when several processes share a study.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// One of several parts of a study: `0/4` to `3/4`.
///
/// The division is a pure function of the study, so that processes that know nothing of each other agree on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// The whole study.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// The places of its cells, given each cell's cost: the most expensive goes first, each to the shard that has least so
    /// far (Graham, SIAM Journal on Applied Mathematics 17, 1969), so that shards take about as long.
    pub(crate) fn of_costs(self, costs: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..costs.len()).collect();
        order.sort_by(|&one, &other| costs[other].total_cmp(&costs[one]).then(one.cmp(&other)));
        let mut sums = vec![0.0; self.of];
        let mut own = Vec::new();
        for place in order {
            let mut least = 0;
            for (shard, sum) in sums.iter().enumerate() {
                if *sum < sums[least] {
                    least = shard;
                }
            }
            sums[least] += costs[place];
            if least == self.index {
                own.push(place);
            }
        }
        own.sort_unstable();
        own
    }

    pub(crate) fn is_whole(self) -> bool {
        self.of == 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            // More parts than a study has cells leave some empty; that many are a mistake.
            Some((index, of)) if index < of && of <= 100_000 => Ok(Self { index, of }),
            _ => Err(Error::Setting {
                setting: "shard",
                problem: format!(
                    "found `{text}`, expected INDEX/COUNT with an index from 0 to below the count, such as 0/4"
                ),
            }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shards_part_any_grid_into_about_equal_costs() {
        let costs: Vec<f64> = (0..44)
            .map(|cell| 1.0 + f64::from(cell * 37 % 11))
            .collect();
        for of in [1, 2, 3, 7, 44, 60] {
            let shards = (0..of).map(|index| Shard { index, of }.of_costs(&costs));
            let shards: Vec<_> = shards.collect();
            let mut all: Vec<usize> = shards.iter().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..44).collect::<Vec<_>>(), "each cell once in {of}");
            let sum = |shard: &Vec<usize>| shard.iter().map(|&cell| costs[cell]).sum::<f64>();
            let sums: Vec<f64> = shards.iter().map(sum).collect();
            let most = sums.iter().copied().fold(0.0, f64::max);
            let mean = costs.iter().sum::<f64>() / of as f64;
            assert!(most <= mean + 11.0, "{of}: {sums:?}");
        }
    }

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        assert_eq!("2/5".parse::<Shard>().unwrap().to_string(), "2/5");
        for wrong in ["5/5", "1", "a/b", "1/0", "-1/3", ""] {
            let message = wrong.parse::<Shard>().unwrap_err().to_string();
            assert!(message.contains("such as 0/4"), "{message}");
        }
    }
}
