//! The list of known checkpoints, `weights-manifest.toml`, one row a file.

use serde::{Deserialize, Serialize};

use super::{Dialect, Head, Import, LoadReport};
use crate::{Architecture, Channels, Error, NetworkSpec, Result};

/// Every checkpoint that this release knows, in the order of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The rows.
    #[serde(rename = "checkpoint")]
    pub checkpoints: Vec<Checkpoint>,
}

/// One checkpoint file: where it comes from, what it is, how its pictures are prepared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Checkpoint {
    /// Unique name, `<architecture>.<training>`; timm's are those of its hub.
    pub id: String,
    /// What it fills.
    pub architecture: Architecture,
    /// Whose names its tensors have.
    pub dialect: Dialect,
    /// Who publishes it.
    pub source: String,
    /// Where it can be had.
    pub url: String,
    /// Its file name.
    pub file: String,
    /// How the content is known.
    pub pin: Pin,
    /// Bytes, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Outputs of its head.
    pub classes: usize,
    /// Channels of the images that it takes.
    #[serde(default)]
    pub channels: Channels,
    /// Tensors of the file that are none of the network's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Trainable parameters; an auxiliary classifier's count where the file has one.
    pub parameters: usize,
    /// The epsilon of batch normalisation that it was trained with, where it is not the
    /// architecture's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_norm_epsilon: Option<f64>,
    /// ImageNet validation accuracy in percent, as its source states it.
    pub top1: f64,
    /// Licence of the publishing project; the terms of the training data apply as well.
    pub licence: String,
    /// How a picture is prepared for it.
    pub preprocessing: Preprocessing,
}

/// What is known of a file's SHA-256; nothing here is guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pin {
    /// All 64 digits.
    Sha256(String),
    /// The first digits, which torchvision puts into the file name.
    Sha256Prefix(String),
    /// Nothing yet: the digest of the first download counts from then on.
    FirstUse,
}

/// How a picture becomes a network's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Shorter side after resizing, in pixels.
    pub resize: usize,
    /// Side of the centre crop, in pixels.
    pub crop: usize,
    /// How pixels are interpolated.
    pub interpolation: Interpolation,
    /// Mean of red, green and blue in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
}

/// How resizing interpolates; both smooth before they shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// Two pixels an axis.
    Bilinear,
    /// Four pixels an axis.
    Bicubic,
}

impl Manifest {
    /// The manifest that this release carries.
    ///
    /// # Errors
    /// [`Error::Manifest`]; a test keeps the carried one from having any.
    pub fn carried() -> Result<Self> {
        Self::parse(include_str!("../../weights-manifest.toml"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::Manifest`] with the row and what is wrong: an unknown field or architecture, a
    /// parameter count that is not the architecture's, a malformed digest, an id used twice.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| Error::Manifest {
            reason: error.to_string().trim().replace('\n', " "),
        })?;
        for (index, row) in manifest.checkpoints.iter().enumerate() {
            let wrong = |what: String| {
                Err(Error::Manifest {
                    reason: format!("row `{}`: {what}", row.id),
                })
            };
            if manifest.checkpoints[..index]
                .iter()
                .any(|other| other.id == row.id)
            {
                return wrong("this id stands twice".to_owned());
            }
            let parameters = [row.spec()?, row.spec()?.without_auxiliary()];
            let parameters = parameters.map(|spec| spec.parameters());
            if !parameters.contains(&row.parameters) {
                return wrong(format!(
                    "parameters = {}, counted {}",
                    row.parameters, parameters[0]
                ));
            }
            if let Some(what) = row.pin.defect(&row.file) {
                return wrong(what);
            }
        }
        Ok(manifest)
    }
}

impl Manifest {
    /// A row by its id, or an architecture's first by its name.
    ///
    /// # Errors
    /// [`Error::UnknownCheckpoint`] with the ids that there are.
    pub fn find(&self, name: &str) -> Result<&Checkpoint> {
        self.checkpoints
            .iter()
            .find(|row| row.id == name || row.architecture.name() == name)
            .ok_or_else(|| Error::UnknownCheckpoint {
                name: name.to_owned(),
                known: (self.checkpoints.iter())
                    .map(|row| row.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

impl Manifest {
    /// The row of an architecture that pins a file of this SHA-256.
    pub fn identify(&self, architecture: Architecture, sha256: &str) -> Option<&Checkpoint> {
        self.checkpoints
            .iter()
            .filter(|row| row.architecture == architecture && row.pin != Pin::FirstUse)
            .find(|row| row.pin.admits(sha256))
    }
}

impl Checkpoint {
    /// The whole network that the checkpoint was saved from.
    ///
    /// # Errors
    /// [`Error::NoClasses`] for a row with none.
    pub fn spec(&self) -> Result<NetworkSpec> {
        let spec = self.architecture.spec().with_classes(self.classes)?;
        let mut batch_norm = spec.batch_norm();
        batch_norm.epsilon = self.batch_norm_epsilon.unwrap_or(batch_norm.epsilon);
        Ok(spec
            .with_batch_norm(batch_norm)
            .with_channels(self.channels))
    }
}

impl Checkpoint {
    /// How its file is to be read.
    pub fn import(&self, head: Head) -> Import {
        Import {
            head,
            dialect: Some(self.dialect),
            ignore: self.ignore.clone(),
        }
    }

    /// Whether the file that was loaded is this one, as far as the row says.
    ///
    /// # Errors
    /// [`Error::WrongCheckpoint`].
    pub fn check(&self, report: &LoadReport) -> Result<()> {
        if self.pin.admits(&report.sha256) {
            return Ok(());
        }
        Err(Error::WrongCheckpoint {
            path: report.path.clone(),
            id: self.id.clone(),
            found: report.sha256.clone(),
        })
    }
}

impl Pin {
    /// Whether a file of this digest is the pinned one, as far as the pin says.
    pub fn admits(&self, sha256: &str) -> bool {
        match self {
            Self::Sha256(whole) => sha256 == whole,
            Self::Sha256Prefix(prefix) => sha256.starts_with(prefix),
            Self::FirstUse => true,
        }
    }

    fn defect(&self, file: &str) -> Option<String> {
        let digits = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        match self {
            Self::Sha256(whole) if whole.len() != 64 || !digits(whole) => {
                Some(format!("sha256 = `{whole}` is not 64 hexadecimal digits"))
            }
            Self::Sha256Prefix(prefix) if prefix.len() < 8 || !digits(prefix) => Some(format!(
                "sha256-prefix = `{prefix}` is not 8 or more hexadecimal digits"
            )),
            Self::FirstUse => None,
            // torchvision writes the first digits between the last `-` and the extension.
            pin => {
                let tag = file.rsplit_once('-')?.1.split('.').next()?;
                let (Self::Sha256(known) | Self::Sha256Prefix(known)) = pin else {
                    return None;
                };
                (digits(tag) && !known.starts_with(tag))
                    .then(|| format!("the file name says {tag}, the pin {known}"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ROW: &str = r#"
[[checkpoint]]
id = "resnet18.torchvision_v1"
architecture = "resnet18"
dialect = "torchvision"
source = "torchvision"
url = "https://example.org/resnet18-f37072fd.pth"
file = "resnet18-f37072fd.pth"
pin.sha256-prefix = "f37072fd"
classes = 1000
parameters = 11689512
top1 = 69.758
licence = "BSD-3-Clause"
preprocessing = { resize = 256, crop = 224, interpolation = "bilinear", mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }
"#;

    #[test]
    fn the_carried_manifest_is_sound_and_covers_every_architecture() {
        let manifest = Manifest::carried().unwrap();
        for architecture in Architecture::ALL {
            let has_row = |row: &Checkpoint| row.architecture == architecture;
            assert!(manifest.checkpoints.iter().any(has_row), "{architecture}");
        }
    }

    #[test]
    fn a_row_that_contradicts_itself_is_refused_by_name() {
        assert!(Manifest::parse(ROW).is_ok());
        for (from, to, expected) in [
            ("11689512", "11689513", "counted 11689512"),
            (
                "prefix = \"f37072fd\"",
                "prefix = \"a37072fd\"",
                "file name says f37072fd",
            ),
            ("prefix = \"f37072fd\"", "prefix = \"f370\"", "8 or more"),
            ("\"resnet18\"", "\"resnet19\"", "unknown architecture"),
            ("top1", "top_1", "unknown field"),
            (
                "dialect = \"torchvision\"",
                "dialect = \"keras\"",
                "unknown variant",
            ),
        ] {
            let message = Manifest::parse(&ROW.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(message.contains(expected), "{message}");
        }
        let twice = Manifest::parse(&ROW.repeat(2)).unwrap_err().to_string();
        assert!(twice.contains("stands twice"), "{twice}");
    }
}
