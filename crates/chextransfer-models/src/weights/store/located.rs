//! Where a checkpoint was found.

use std::fmt;
use std::path::PathBuf;

/// A checkpoint's file whose content has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Located {
    /// The file.
    pub path: PathBuf,
    /// Its digest, 64 hexadecimal digits.
    pub sha256: String,
    /// How it came to be there.
    pub origin: Origin,
    /// Files that were tried before this one and are something else.
    pub rejected: Vec<Rejected>,
    /// Why the digest of this first use could not be recorded, if it should have been.
    pub unrecorded: Option<String>,
}

/// The place of a verified file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Our own cache.
    Cache,
    /// A folder that the caller named.
    Folder(PathBuf),
    /// The Hugging Face hub's cache.
    HuggingFace,
    /// The torch hub's cache.
    TorchHub,
    /// Our own cache, just fetched from this address.
    Download(String),
}

/// A file under a checkpoint's name that is not the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The file.
    pub path: PathBuf,
    /// The digest found and the one expected, or why it could not be read.
    pub reason: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache => f.write_str("found in the cache"),
            Self::Folder(folder) => write!(f, "found in {}", folder.display()),
            Self::HuggingFace => f.write_str("found in the Hugging Face cache"),
            Self::TorchHub => f.write_str("found in the torch hub cache"),
            Self::Download(url) => write!(f, "fetched from {url}"),
        }
    }
}

/// One line: how it came, where it is, what it is.
impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "{}: {path}, SHA-256 {}", self.origin, self.sha256)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not used: {}", self.path.display(), self.reason)
    }
}
