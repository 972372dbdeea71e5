//! Strict import of a safetensors file under torchvision's names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use burn::store::bridge::from_data;
use burn::store::{ModuleSnapshot, PyTorchToBurnAdapter};
use burn::tensor::{Bytes, DType, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::{Mismatch, Misshapen, sha256_hex, torchvision_key};
use crate::tensor_spec::TensorSpec;
use crate::{Error, Network, NetworkSpec, Result};

/// What to do about the checkpoint's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// The head is loaded like any other tensor: the checkpoint must have the network's classes.
    Load,
    /// The network keeps its own head, and the checkpoint's is left out: the start of fine-tuning.
    LeaveOut,
}

/// What loading did, for provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReport {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The checkpoint's tensors that are now in the network.
    pub applied: Vec<String>,
    /// The checkpoint's tensors that are not, and why.
    pub left_out: Vec<(String, LeftOut)>,
    /// Tensors that were converted to float32, with the type that they had.
    pub converted: Vec<(String, String)>,
}

/// Why a tensor of a checkpoint is not in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It belongs to a head that was to be left out.
    Head,
    /// It belongs to a block that truncation dropped.
    Truncated,
    /// PyTorch's count of batches, which nothing reads.
    BatchCounter,
}

/// Fills a network from a safetensors file under torchvision's names.
///
/// Every tensor of the network's body is filled, and with [`Head::Load`] the head as well. The file
/// may hold more only where the whole architecture does: what a truncated network dropped is left
/// out. Half and double precision is converted to float32.
///
/// # Errors
/// [`Error::WeightsUnreadable`], [`Error::WeightsMalformed`], or [`Error::WeightsMismatch`] with the
/// names of all tensors that are missing, unexpected or misshapen. The network is returned only when
/// all is well, so there is no half-filled one.
pub fn load(mut network: Network, path: &Path, head: Head) -> Result<(Network, LoadReport)> {
    // Read whole instead of mapped: digest and tensors then come from the same bytes, whatever
    // happens to the file meanwhile.
    let bytes = std::fs::read(path).map_err(|source| Error::WeightsUnreadable {
        path: path.to_owned(),
        source,
    })?;
    let malformed = |reason: String| Error::WeightsMalformed {
        path: path.to_owned(),
        reason,
    };
    let file = SafeTensors::deserialize(&bytes).map_err(|error| malformed(error.to_string()))?;
    let views: BTreeMap<String, TensorView> = file.iter().map(|(k, v)| (k.to_owned(), v)).collect();

    let spec = network.spec().clone();
    let wanted = wanted(&spec, head);
    let (left_out, mismatch) = compare(&spec, &wanted, &views, head);
    if !mismatch.is_empty() {
        return Err(Error::WeightsMismatch {
            path: path.to_owned(),
            network: spec.name(),
            mismatch: Box::new(mismatch),
        });
    }

    let mut report = LoadReport {
        path: path.to_owned(),
        sha256: sha256_hex(&bytes),
        applied: Vec::new(),
        left_out,
        converted: Vec::new(),
    };
    let mut tensors = Vec::new();
    for (key, tensor) in wanted {
        let view = &views[&key];
        let Some(dtype) = float_type(view) else {
            continue;
        };
        if dtype != DType::F32 {
            report
                .converted
                .push((key.clone(), view.dtype().to_string()));
        }
        let bytes = Bytes::from_bytes_vec(view.data().to_vec());
        let data = TensorData::from_bytes(bytes, view.shape().to_vec(), dtype).convert::<f32>();
        tensors.push(from_data(data, tensor.path, None));
        report.applied.push(key);
    }
    let only_head_untouched = |path: &String| head == Head::LeaveOut && path.starts_with("head.");
    let applied = network.apply(tensors, None, Some(Box::new(PyTorchToBurnAdapter)), true);
    let missing = applied.missing.iter().map(|(path, _)| path);
    let untouched: Vec<_> = missing.filter(|path| !only_head_untouched(path)).collect();
    if !applied.errors.is_empty() || !applied.unused.is_empty() || !untouched.is_empty() {
        return Err(malformed(format!(
            "its tensors could not be applied: {:?}, unused {:?}, untouched {untouched:?}",
            applied.errors, applied.unused
        )));
    }
    Ok((network, report))
}

/// The tensors to fill, by torchvision's name.
fn wanted(spec: &NetworkSpec, head: Head) -> Vec<(String, TensorSpec)> {
    let tensors = match head {
        Head::Load => spec.tensors(),
        Head::LeaveOut => spec.body_tensors(),
    };
    named(spec, tensors)
}

fn named(spec: &NetworkSpec, tensors: Vec<TensorSpec>) -> Vec<(String, TensorSpec)> {
    tensors
        .into_iter()
        .filter_map(|tensor| Some((torchvision_key(spec, &tensor.path)?, tensor)))
        .collect()
}

fn compare(
    spec: &NetworkSpec,
    wanted: &[(String, TensorSpec)],
    views: &BTreeMap<String, TensorView>,
    head: Head,
) -> (Vec<(String, LeftOut)>, Mismatch) {
    let mut mismatch = Mismatch::default();
    for (key, tensor) in wanted {
        match views.get(key) {
            None => mismatch.missing.push(key.clone()),
            Some(view) if view.shape() != tensor.shape => mismatch.misshapen.push(Misshapen {
                name: key.clone(),
                found: view.shape().to_vec(),
                expected: tensor.shape.clone(),
            }),
            Some(view) if float_type(view).is_none() => {
                mismatch
                    .mistyped
                    .push((key.clone(), view.dtype().to_string()));
            }
            Some(_) => {}
        }
    }

    let whole = spec.architecture().spec();
    let keys = |tensors| -> BTreeSet<String> {
        named(&whole, tensors)
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    };
    let (whole_body, whole_all) = (keys(whole.body_tensors()), keys(whole.tensors()));
    let wanted: BTreeSet<&String> = wanted.iter().map(|(key, _)| key).collect();
    let mut left_out = Vec::new();
    for key in views.keys().filter(|key| !wanted.contains(key)) {
        let reason = if key.ends_with(".num_batches_tracked") {
            LeftOut::BatchCounter
        } else if whole_body.contains(key) {
            LeftOut::Truncated
        } else if whole_all.contains(key) && head == Head::LeaveOut {
            LeftOut::Head
        } else {
            mismatch.unexpected.push(key.clone());
            continue;
        };
        left_out.push((key.clone(), reason));
    }
    (left_out, mismatch)
}

fn float_type(view: &TensorView) -> Option<DType> {
    match view.dtype() {
        safetensors::Dtype::F64 => Some(DType::F64),
        safetensors::Dtype::F32 => Some(DType::F32),
        safetensors::Dtype::F16 => Some(DType::F16),
        safetensors::Dtype::BF16 => Some(DType::BF16),
        _ => None,
    }
}
