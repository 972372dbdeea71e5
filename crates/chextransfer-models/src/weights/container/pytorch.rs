//! PyTorch checkpoints, through a reader that executes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::DType;
use pytorch_reader::{DType as TorchType, PytorchReader};

use super::{Stored, StoredType, malformed};
use crate::Result;

/// Keys under which programs save a network's tensors beside other things.
const WRAPPERS: [&str; 2] = ["state_dict.", "model_state_dict."];
/// What PyTorch's wrappers for several devices put before every name.
const PARALLEL: &str = "module.";

/// Whether these are the first bytes of a zip, of a pickle, or of the tar of PyTorch 0.1.
pub(super) fn starts(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || bytes.first() == Some(&0x80)
        || bytes.starts_with(b"sys_info")
}

pub(super) fn open(path: &Path) -> Result<BTreeMap<String, Stored>> {
    let reader = PytorchReader::new(path).map_err(|error| malformed(path, error))?;
    let mut tensors: BTreeMap<String, Stored> = reader
        .into_tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let (_, dtype, shape, read) = tensor.into_parts();
            (name, Stored::new(stored_type(dtype), shape, read))
        })
        .collect();
    for wrapper in WRAPPERS {
        if tensors.keys().any(|name| name.starts_with(wrapper)) {
            tensors = without_prefix(tensors, wrapper);
        }
    }
    if !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(PARALLEL)) {
        tensors = without_prefix(tensors, PARALLEL);
    }
    Ok(tensors)
}

/// The tensors under a prefix, without it.
fn without_prefix(tensors: BTreeMap<String, Stored>, prefix: &str) -> BTreeMap<String, Stored> {
    tensors
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor)))
        .collect()
}

fn stored_type(dtype: TorchType) -> StoredType {
    match dtype {
        TorchType::F64 => StoredType::Float(DType::F64),
        TorchType::F32 => StoredType::Float(DType::F32),
        TorchType::F16 => StoredType::Float(DType::F16),
        TorchType::BF16 => StoredType::Float(DType::BF16),
        TorchType::I64 => StoredType::Other("I64"),
        TorchType::I32 => StoredType::Other("I32"),
        TorchType::I16 => StoredType::Other("I16"),
        TorchType::I8 => StoredType::Other("I8"),
        TorchType::U64 => StoredType::Other("U64"),
        TorchType::U32 => StoredType::Other("U32"),
        TorchType::U16 => StoredType::Other("U16"),
        TorchType::U8 => StoredType::Other("U8"),
        TorchType::Bool => StoredType::Other("BOOL"),
    }
}
