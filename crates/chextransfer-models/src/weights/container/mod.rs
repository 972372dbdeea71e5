//! Files of named tensors, whatever their format; opened without reading a value.

mod pytorch;
mod safetensors;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use burn::tensor::{Bytes, DType, TensorData};

use super::digest::sha256_of;
use crate::{Error, Result};

/// A file of named tensors.
pub(super) struct Container {
    pub(super) path: PathBuf,
    /// Length and time of change when it was opened.
    state: (u64, Option<SystemTime>),
    /// What a safetensors file says about itself.
    pub(super) metadata: HashMap<String, String>,
    pub(super) tensors: BTreeMap<String, Stored>,
}

/// A tensor whose values are still in the file.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) dtype: StoredType,
    pub(super) shape: Vec<usize>,
    read: Arc<Reader>,
}

type Reader = dyn Fn() -> std::io::Result<Vec<u8>> + Send + Sync;

/// The type of a stored tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredType {
    /// Floating point, which can become float32.
    Float(DType),
    /// Anything else, by its name in the file's format.
    Other(&'static str),
}

impl Container {
    /// Opens a safetensors file or a PyTorch checkpoint (zip, legacy or tar; nothing in it is
    /// executed), told apart by their first bytes.
    ///
    /// # Errors
    /// [`Error::WeightsUnreadable`] and [`Error::WeightsMalformed`]; no size that the file declares
    /// is allocated before the file is known to hold it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let unreadable = |source| Error::WeightsUnreadable {
            path: path.to_owned(),
            source,
        };
        let state = state_of(path).map_err(unreadable)?;
        let mut start = Vec::new();
        let opened = File::open(path).map_err(unreadable)?;
        opened.take(9).read_to_end(&mut start).map_err(unreadable)?;
        // A safetensors file starts with the header's length and the header's brace.
        let (metadata, tensors) = if start.get(8) == Some(&b'{') || !pytorch::starts(&start) {
            safetensors::open(path)?
        } else {
            (HashMap::new(), pytorch::open(path)?)
        };
        Ok(Self {
            path: path.to_owned(),
            state,
            metadata,
            tensors,
        })
    }

    /// SHA-256 of the whole file, as 64 hexadecimal digits; to be asked for when all is read.
    ///
    /// # Errors
    /// [`Error::WeightsUnreadable`], also when the file changed since it was opened.
    pub(super) fn sha256(&self) -> Result<String> {
        let digest = || {
            let digest = sha256_of(&self.path)?;
            if state_of(&self.path)? != self.state {
                return Err(std::io::Error::other("it changed while it was read"));
            }
            Ok(digest)
        };
        digest().map_err(|source| Error::WeightsUnreadable {
            path: self.path.clone(),
            source,
        })
    }
}

impl Stored {
    fn new(
        dtype: StoredType,
        shape: Vec<usize>,
        read: impl Fn() -> std::io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            dtype,
            shape,
            read: Arc::new(read),
        }
    }

    /// The values as float32.
    pub(super) fn floats(&self) -> std::io::Result<Vec<f32>> {
        let StoredType::Float(dtype) = self.dtype else {
            return Err(std::io::Error::other("it holds no floating-point numbers"));
        };
        let bytes = Bytes::from_bytes_vec((self.read)()?);
        let data = TensorData::try_from_bytes(bytes, self.shape.clone(), dtype)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(data.iter::<f32>().collect())
    }
}

impl std::fmt::Display for StoredType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Float(dtype) => write!(f, "{dtype:?}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

fn state_of(path: &Path) -> std::io::Result<(u64, Option<SystemTime>)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}

fn malformed(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::WeightsMalformed {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
