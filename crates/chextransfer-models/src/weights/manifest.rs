//! The list of known checkpoints, `weights-manifest.toml`, one row a file.

use serde::Deserialize;

use crate::{Architecture, Error, Result};

/// Every checkpoint that this release knows, in the order of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The rows.
    #[serde(rename = "checkpoint")]
    pub checkpoints: Vec<Checkpoint>,
}

/// One checkpoint file: where it comes from, what it is, how its pictures are prepared.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Unique name, `<architecture>.<source>_<data>`.
    pub id: String,
    /// What it fills.
    pub architecture: Architecture,
    /// Who trained it.
    pub source: String,
    /// Where it can be had.
    pub url: String,
    /// Its file name.
    pub file: String,
    /// How the content is known.
    pub pin: Pin,
    /// Outputs of its head.
    pub classes: usize,
    /// Trainable parameters.
    pub parameters: usize,
    /// How a picture is prepared for it.
    pub preprocessing: Preprocessing,
    /// ImageNet validation accuracy in percent, as its source states it.
    pub top1: f64,
}

/// What is known of a file's SHA-256; nothing here is guessed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pin {
    /// All 64 digits.
    Sha256(String),
    /// The first digits, which torchvision puts into the file name.
    Sha256Prefix(String),
}

/// How a picture becomes a network's input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
            let parameters = row
                .architecture
                .spec()
                .with_classes(row.classes)?
                .parameters();
            if row.parameters != parameters {
                return wrong(format!(
                    "parameters = {}, counted {parameters}",
                    row.parameters
                ));
            }
            if let Some(what) = row.pin.defect(&row.file) {
                return wrong(what);
            }
        }
        Ok(manifest)
    }
}

impl Pin {
    /// Whether a file of this digest is the pinned one, as far as the pin says.
    pub fn admits(&self, sha256: &str) -> bool {
        match self {
            Self::Sha256(whole) => sha256 == whole,
            Self::Sha256Prefix(prefix) => sha256.starts_with(prefix),
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
            // torchvision writes the first digits between the last `-` and the extension.
            pin => {
                let tag = file.rsplit_once('-')?.1.split('.').next()?;
                let (Self::Sha256(known) | Self::Sha256Prefix(known)) = pin;
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
id = "resnet18.tv_in1k"
architecture = "resnet18"
source = "torchvision"
url = "https://example.org/resnet18-f37072fd.pth"
file = "resnet18-f37072fd.pth"
pin.sha256-prefix = "f37072fd"
classes = 1000
parameters = 11689512
top1 = 69.758
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
