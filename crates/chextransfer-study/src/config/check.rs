//! A study's settings checked before any work starts.

use std::collections::BTreeSet;

use chextransfer_models::weights::Manifest;

use super::{DataSource, Initialization, StudyConfig, with_settings};
use crate::grid::percent;

type Result<T, E = String> = std::result::Result<T, E>;

/// What to set instead of a setting of runs that the study itself decides.
pub(super) fn set_elsewhere(setting: &str) -> Option<&'static str> {
    match setting {
        "architecture" | "minus" => Some("found in protocol, expected in networks and truncations"),
        "weights" | "checkpoint" => {
            Some("found in protocol, expected in [weights] and initializations")
        }
        "data" | "images" => Some("found in protocol, expected in [data]"),
        "seed" => Some("found in protocol, expected in seeds"),
        "image_size" => Some("found in protocol, expected beside title"),
        "labels" => Some("found in protocol, expected in [labels]"),
        "bootstrap_replicates" => Some("found in protocol, expected in [bootstrap]"),
        _ => None,
    }
}

impl StudyConfig {
    /// What is wrong in the settings, with the setting's name.
    pub(crate) fn check(&self) -> Result<()> {
        let expect = |holds: bool, setting: &str, found: String, expected: &str| match holds {
            true => Ok(()),
            false => Err(format!("{setting}: found {found}, expected {expected}")),
        };
        let (margin, image_size) = (self.margin, self.image_size);
        expect(
            !self.title.trim().is_empty(),
            "title",
            "nothing".into(),
            "a title",
        )?;
        expect(
            margin > 0.0 && margin < 1.0,
            "margin",
            margin.to_string(),
            "a difference of mean AUROC above 0 and below 1",
        )?;
        expect(
            image_size > 0,
            "image_size",
            image_size.to_string(),
            "a number of pixels above 0",
        )?;
        for fraction in &self.fractions {
            expect(
                *fraction > 0.0 && *fraction <= 1.0,
                "fractions",
                fraction.to_string(),
                "shares above 0 to 1",
            )?;
        }
        distinct(
            "networks",
            self.networks.iter().map(ToString::to_string),
            true,
        )?;
        distinct(
            "fractions",
            self.fractions.iter().map(|f| percent(*f) + " %"),
            true,
        )?;
        distinct("seeds", self.seeds.iter().map(ToString::to_string), true)?;
        for (setting, starts, needed) in [
            ("initializations", &self.initializations, true),
            (
                "truncated_initializations",
                &self.truncated_initializations,
                !self.truncations.is_empty(),
            ),
        ] {
            let names = starts.iter().map(|start| {
                match start {
                    Initialization::Pretrained => "pretrained",
                    Initialization::Random => "random",
                }
                .to_owned()
            });
            distinct(setting, names, needed)?;
        }
        for (architecture, cuts) in &self.truncations {
            let setting = format!("truncations.{architecture}");
            distinct(&setting, cuts.iter().map(ToString::to_string), true)?;
            let most = architecture.spec().blocks().len() - 1;
            for cut in cuts {
                let expected = format!("1 to {most} blocks");
                expect(
                    (1..=most).contains(cut),
                    &setting,
                    cut.to_string(),
                    &expected,
                )?;
            }
        }
        self.bootstrap
            .check()
            .map_err(|error| format!("bootstrap: {error}"))?;
        self.check_weights()?;
        for data in [
            Some(&self.data),
            self.weights.source.as_ref().map(|s| &s.data),
        ] {
            if let Some(DataSource::Phantom(phantom)) = data {
                let [train, valid, test] = phantom.splits;
                expect(
                    train > 0.0 && valid > 0.0 && test > 0.0,
                    "phantom.splits",
                    format!("{train}, {valid}, {test}"),
                    "a share above 0 for each of train, valid and test",
                )?;
            }
        }
        for cell in self.cells() {
            let config = self.train_config(&cell, "data".into())?;
            config
                .check()
                .map_err(|error| format!("{}: {error}", cell.network()))?;
            if let Some(source) = &self.weights.source
                && cell.pretrained
            {
                with_settings(&config, &source.protocol)
                    .and_then(|config| config.check().map_err(|error| error.to_string()))
                    .map_err(|problem| format!("weights.source.{problem}"))?;
            }
        }
        Ok(())
    }

    fn check_weights(&self) -> Result<()> {
        if self.weights.manifest.is_some() {
            return Ok(());
        }
        let manifest = Manifest::carried().map_err(|error| error.to_string())?;
        for (network, id) in &self.weights.checkpoints {
            let setting = format!("weights.checkpoints.{network}");
            let row = manifest
                .find(id)
                .map_err(|error| format!("{setting}: {error}"))?;
            if row.architecture != network.architecture {
                return Err(format!(
                    "{setting}: found {id} of {}, expected a checkpoint of {}",
                    row.architecture, network.architecture
                ));
            }
        }
        Ok(())
    }
}

/// Refuses what stands twice, and where something is needed, nothing.
fn distinct(setting: &str, names: impl Iterator<Item = String>, needed: bool) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            return Err(format!("{setting}: found {name} twice, expected it once"));
        }
    }
    match needed && seen.is_empty() {
        true => Err(format!("{setting}: found none, expected at least one")),
        false => Ok(()),
    }
}
