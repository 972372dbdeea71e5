//! Which part of a network learns how fast.

use std::collections::BTreeMap;

use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::ParamGroup;
use chextransfer_models::NetworkSpec;

use crate::{Error, Result};

/// The learning rates of a network's parts, before the schedule's factor.
#[derive(Debug, Clone)]
pub(crate) struct LearningRates {
    base: f64,
    /// The parts whose rate is another one.
    parts: Vec<(ParamGroup, f64)>,
}

impl LearningRates {
    /// Each part's own rate where `given` names one; otherwise `base`, times `decay` for every part
    /// between it and the head (Clark et al. 2020 and Bao et al. 2022 call it layer-wise decay): the
    /// last block has `base * decay`, the stem the least.
    ///
    /// # Errors
    /// [`Error::UnknownPart`].
    pub(crate) fn new(
        spec: &NetworkSpec,
        base: f64,
        decay: f64,
        given: &BTreeMap<String, f64>,
    ) -> Result<Self> {
        let known = parts(spec);
        if let Some(part) = given.keys().find(|part| !known.contains(part)) {
            return Err(Error::UnknownPart {
                part: part.clone(),
                network: spec.name(),
                parts: known.join(", "),
            });
        }
        let blocks = spec.blocks().len();
        let mut different = Vec::new();
        for (index, part) in known.iter().enumerate() {
            // stem, blocks, and then neck, auxiliary and head, which are equally near to the end.
            let distance = (blocks + 1).saturating_sub(index);
            let rate =
                (given.get(part).copied()).unwrap_or_else(|| base * decay.powf(distance as f64));
            if rate != base {
                let pattern = format!("^{}\\.", part.replace('.', "\\."));
                let group = ParamGroup::from_regex(&pattern).map_err(|error| Error::Setting {
                    setting: "learning_rates",
                    found: format!("{part}: {error:?}"),
                    expected: "a part of the network",
                })?;
                different.push((group, rate));
            }
        }
        Ok(Self {
            base,
            parts: different,
        })
    }

    /// Burn's form of all rates times a factor.
    pub(crate) fn times(&self, factor: f64) -> ModuleLearningRate {
        let rates = ModuleLrScheduler::new(self.base * factor);
        let mut rates = self.parts.iter().fold(rates, |rates, (group, rate)| {
            rates.with_group(group.clone(), rate * factor)
        });
        rates.step()
    }
}

/// The parts of a network by the names of its fields, first to last.
pub(crate) fn parts(spec: &NetworkSpec) -> Vec<String> {
    let blocks = (0..spec.blocks().len()).map(|index| format!("blocks.{index}"));
    let behind = ["neck", "auxiliary", "head"].map(str::to_owned);
    ["stem".to_owned()]
        .into_iter()
        .chain(blocks)
        .chain(behind)
        .filter(|part| {
            spec.tensors()
                .iter()
                .any(|tensor| tensor.path.starts_with(&format!("{part}.")))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chextransfer_models::Architecture;

    fn rate(rates: &LearningRates, path: &str) -> f64 {
        rates.times(1.0).lr_from_param(0.into(), Some(path))
    }

    #[test]
    fn rates_fall_from_the_head_to_the_stem_unless_one_is_given() {
        let spec = Architecture::ResNet18.minus(1).unwrap();
        assert_eq!(
            parts(&spec),
            ["stem", "blocks.0", "blocks.1", "blocks.2", "head"]
        );
        let given = BTreeMap::from([("blocks.1".to_owned(), 0.25)]);
        let rates = LearningRates::new(&spec, 1.0, 0.5, &given).unwrap();
        for (path, expected) in [
            ("head.linear.weight", 1.0),
            ("blocks.2.Residual.conv.weight", 0.5),
            ("blocks.1.Residual.conv.weight", 0.25),
            ("blocks.0.Residual.conv.weight", 0.125),
            ("stem.conv.weight", 0.0625),
        ] {
            assert_eq!(rate(&rates, path), expected, "{path}");
        }
        let halved = rates.times(0.5);
        assert_eq!(
            halved.lr_from_param(0.into(), Some("stem.conv.weight")),
            0.03125
        );
        assert_eq!(halved.base(), 0.5);
    }

    #[test]
    fn blocks_one_and_eleven_are_not_mixed_up() {
        let spec = Architecture::InceptionV4.spec();
        let given = BTreeMap::from([("blocks.1".to_owned(), 9.0)]);
        let rates = LearningRates::new(&spec, 1.0, 1.0, &given).unwrap();
        assert_eq!(rate(&rates, "blocks.1.conv.weight"), 9.0);
        assert_eq!(rate(&rates, "blocks.11.conv.weight"), 1.0);
    }

    #[test]
    fn a_part_that_is_not_there_is_an_error_with_those_that_are() {
        let spec = Architecture::ResNet18.minus(3).unwrap();
        let given = BTreeMap::from([("layer4".to_owned(), 1.0)]);
        let message = LearningRates::new(&spec, 1.0, 1.0, &given)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("layer4") && message.contains("stem, blocks.0, head"),
            "{message}"
        );
    }
}
