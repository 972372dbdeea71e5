//! The cells of a study: which network, from which start, on how many patients, with which seed.

use std::fmt;

use chextransfer_models::Architecture;

use crate::config::{Initialization, NetworkName, StudyConfig};

/// One run of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The network's architecture.
    pub architecture: Architecture,
    /// How many of its last blocks are dropped.
    pub minus: usize,
    /// Whether it starts from the study's weights, and not from random ones.
    pub pretrained: bool,
    /// Share of the training patients, above 0 to 1; 1 for the main tables.
    pub fraction: f64,
    /// Seed of everything that is drawn in the run, and of the choice of patients.
    pub seed: u64,
}

impl Cell {
    /// The name of its run's folder, such as `densenet121-minus1.pretrained.f100.s0`: `f` is the share of the training
    /// patients in percent, `s` the seed.
    pub fn id(&self) -> String {
        let start = match self.pretrained {
            true => "pretrained",
            false => "random",
        };
        let (network, percent) = (self.network(), percent(self.fraction));
        format!("{network}.{start}.f{percent}.s{}", self.seed)
    }

    /// The network, such as `densenet121-minus1`.
    pub fn network(&self) -> String {
        network_name(self.architecture, self.minus)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.id())
    }
}

/// Every cell: the networks in their order, each from every start, on every share of the patients, with every seed; then
/// the truncations on the largest share. What is asked for twice is there once.
pub(crate) fn cells(config: &StudyConfig) -> Vec<Cell> {
    let mut largest = config.fractions.clone();
    largest.sort_by(|one, other| other.total_cmp(one));
    largest.truncate(1);
    let truncations = config.truncations.iter().flat_map(|(architecture, cuts)| {
        cuts.iter().map(|&minus| NetworkName {
            architecture: *architecture,
            minus,
        })
    });
    let networks = config
        .networks
        .iter()
        .map(|network| (*network, &config.initializations, &config.fractions));
    let truncations =
        truncations.map(|network| (network, &config.truncated_initializations, &largest));
    let mut cells: Vec<Cell> = Vec::new();
    for (network, initializations, fractions) in networks.chain(truncations) {
        for initialization in initializations {
            for &fraction in fractions {
                for &seed in &config.seeds {
                    let cell = Cell {
                        architecture: network.architecture,
                        minus: network.minus,
                        pretrained: *initialization == Initialization::Pretrained,
                        fraction,
                        seed,
                    };
                    if !cells.contains(&cell) {
                        cells.push(cell);
                    }
                }
            }
        }
    }
    cells
}

/// `densenet121`, or without its last block `densenet121-minus1`.
pub(crate) fn network_name(architecture: Architecture, minus: usize) -> String {
    match minus {
        0 => architecture.name().to_owned(),
        minus => format!("{architecture}-minus{minus}"),
    }
}

/// A share in percent without what binary fractions add: 7 for 0.07.
pub(crate) fn percent(fraction: f64) -> String {
    let text = format!("{:.6}", fraction * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_network_start_share_and_seed() {
        let cell = Cell {
            architecture: Architecture::DenseNet121,
            minus: 1,
            pretrained: true,
            fraction: 1.0,
            seed: 0,
        };
        assert_eq!(cell.id(), "densenet121-minus1.pretrained.f100.s0");
        let other = Cell {
            minus: 0,
            pretrained: false,
            fraction: 0.07,
            seed: 3,
            ..cell
        };
        assert_eq!(other.id(), "densenet121.random.f7.s3");
        assert_eq!(percent(0.005), "0.5");
    }
}
