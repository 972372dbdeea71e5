//! Studies that are ready to run or to edit.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{NetworkName, StudyConfig};
use crate::{Error, Result};

/// A `study.toml` that is carried along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyMade {
    /// The paper's sixteen networks and the twelve truncations of its Table 2, on CheXpert.
    Paper,
    /// Small networks on phantoms: minutes, and no file is needed.
    Toy,
    /// The pretraining boost on the radiographs of a folder, for networks whose weights are at hand.
    Sample,
}

impl ReadyMade {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Toy, Self::Sample];

    /// `paper`, `toy` or `sample`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Toy => "toy",
            Self::Sample => "sample",
        }
    }

    /// Its `study.toml`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Paper => include_str!("../../studies/paper.toml"),
            Self::Toy => include_str!("../../studies/toy.toml"),
            Self::Sample => include_str!("../../studies/sample.toml"),
        }
    }

    /// Its `study.toml` with another dataset, and other files of weights: the networks that have one are then the study's.
    ///
    /// # Errors
    /// [`Error::Setting`] where the study makes its own data or weights, or a path is no Unicode.
    pub fn with(
        self,
        data: Option<&Path>,
        weights: &BTreeMap<NetworkName, PathBuf>,
    ) -> Result<String> {
        let mut text = self.text().to_owned();
        if let Some(data) = data {
            let line = format!("folder = {}", quoted("data", data)?);
            text = self.replaced(&text, "data", "folder = ", &line)?;
        }
        if !weights.is_empty() {
            let names: Vec<_> = weights.keys().map(|name| format!("\"{name}\"")).collect();
            let line = format!("networks = [{}]", names.join(", "));
            text = match self {
                Self::Sample => self.replaced(&text, "weights", "networks = ", &line)?,
                Self::Paper | Self::Toy => text,
            };
            let mut files = String::from("[weights.files]");
            for (network, file) in weights {
                files += &format!("\n{network} = {}", quoted("weights", file)?);
            }
            text = match text.split_once("[weights.files]") {
                Some((before, after)) => {
                    let behind = after.split_once("\n\n").map_or("", |(_, behind)| behind);
                    format!("{before}{files}\n\n{behind}")
                }
                None => format!("{text}\n{files}\n"),
            };
        }
        StudyConfig::parse(&text).map_err(|problem| Error::Setting {
            setting: "study",
            problem,
        })?;
        Ok(text)
    }

    /// The text with the line that begins so replaced.
    fn replaced(
        self,
        text: &str,
        setting: &'static str,
        begin: &str,
        line: &str,
    ) -> Result<String> {
        if !text.lines().any(|old| old.starts_with(begin)) {
            return Err(Error::Setting {
                setting,
                problem: format!("the study `{self}` makes its own"),
            });
        }
        let lines = text.lines().map(|old| match old.starts_with(begin) {
            true => line,
            false => old,
        });
        Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
    }
}

/// A path as a TOML string.
fn quoted(setting: &'static str, path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| Error::Setting {
        setting,
        problem: format!("found {}, expected a path in Unicode", path.display()),
    })?;
    Ok(toml::Value::from(text).to_string())
}

impl fmt::Display for ReadyMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ReadyMade {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|study| study.name() == name);
        found.ok_or_else(|| Error::Setting {
            setting: "study",
            problem: format!("unknown study `{name}`; expected paper, toy or sample"),
        })
    }
}
