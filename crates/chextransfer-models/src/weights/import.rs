//! Strict import of a checkpoint: every tensor of the network's body, or an error.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use burn::store::bridge::{deferred, from_data};
use burn::store::{ModuleSnapshot, PyTorchToBurnAdapter, burn_pack};
use burn::tensor::{DType, Shape, TensorData};

use super::container::{Container, Stored, StoredType};
use super::input_transform::StemAdaptation;
use super::{Dialect, Mismatch, Misshapen};
use crate::stem::StemSpec;
use crate::tensor_spec::TensorSpec;
use crate::{Error, Family, Network, NetworkSpec, Result};

/// What to do about the checkpoint's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// The head is loaded like any other tensor: the checkpoint must have the network's classes.
    Load,
    /// The network keeps its own head, and the checkpoint's is left out: the start of fine-tuning.
    LeaveOut,
}

/// How a checkpoint is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What to do about its head.
    pub head: Head,
    /// Whose names it uses; `None` for those that fit best.
    pub dialect: Option<Dialect>,
    /// Names of tensors of the file that no network has and nobody needs.
    pub ignore: Vec<String>,
}

impl From<Head> for Import {
    fn from(head: Head) -> Self {
        Self {
            head,
            dialect: None,
            ignore: Vec::new(),
        }
    }
}

/// What loading did, for provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReport {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Whose names it uses.
    pub dialect: Dialect,
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
    /// It belongs to the auxiliary classifier, which this network does without.
    Auxiliary,
    /// PyTorch's count of batches, which nothing reads.
    BatchCounter,
    /// It was to be ignored by name.
    Ignored,
}

/// Fills a network from a safetensors file or a PyTorch checkpoint (`.pth`, from which nothing is
/// executed) under torchvision's or timm's names.
///
/// Every tensor of the network's body is filled, and with [`Head::Load`] the head as well. The file
/// may hold more only where the whole architecture does: what a truncated network dropped is left
/// out. Half and double precision is converted to float32. A [`Gray`](crate::Channels::Gray) network
/// takes the sum of a colour checkpoint's first filters, and one for colour a third of a grey one's
/// for each. For `inception_v3`, torchvision's remapping of the input becomes part of the first
/// convolution, unless the names are said to be timm's or the file's metadata say `transform_input = "false"`: so every network of torchvision's takes images
/// normalised for ImageNet.
///
/// The file's values are read one tensor at a time.
///
/// # Errors
/// [`Error::WeightsUnreadable`], [`Error::WeightsMalformed`], or [`Error::WeightsMismatch`] with the
/// names of all tensors that are missing, unexpected or misshapen. The network is returned only when
/// all is well, so there is no half-filled one. [`Error::FoldedNetwork`] for a network that has no
/// batch normalisation any more.
pub fn load(
    mut network: Network,
    path: &Path,
    import: impl Into<Import>,
) -> Result<(Network, LoadReport)> {
    let spec = network.spec().clone();
    if spec.folded {
        return Err(Error::FoldedNetwork {
            network: spec.name(),
        });
    }
    let Import {
        head,
        dialect,
        ignore,
    } = import.into();
    let mut file = Container::open(path)?;
    modernise(&spec, &mut file.tensors);
    let ignored = ignore
        .into_iter()
        .filter_map(|name| Some((file.tensors.remove_entry(&name)?.0, LeftOut::Ignored)))
        .collect::<Vec<_>>();
    let dialect = dialect.unwrap_or_else(|| detect(&spec, &file.tensors));
    let wanted = wanted(&spec, dialect, head);
    let (mut left_out, mismatch) = compare(&spec, dialect, &wanted, &file.tensors, head);
    if !mismatch.is_empty() {
        return Err(Error::WeightsMismatch {
            path: path.to_owned(),
            network: spec.name(),
            mismatch: Box::new(mismatch),
        });
    }

    left_out.extend(ignored);
    let unreadable = |source| Error::WeightsUnreadable {
        path: path.to_owned(),
        source,
    };
    let first = wanted.iter().find(|(_, tensor)| is_first_weight(tensor));
    let first = first.map(|(key, _)| &file.tensors[key]);
    let shape = first.map(|stored| stored.shape.clone()).unwrap_or_default();
    let first = first.map(Stored::floats).transpose().map_err(unreadable)?;
    let adaptation = StemAdaptation::new(&spec, dialect, &file.metadata, &shape);
    let adaptation = adaptation.map_err(|reason| Error::WeightsMalformed {
        path: path.to_owned(),
        reason,
    })?;

    let mut applied_names = Vec::new();
    let mut converted = Vec::new();
    let mut tensors = Vec::new();
    for (key, tensor) in wanted {
        let stored = file.tensors[&key].clone();
        if stored.dtype != StoredType::Float(DType::F32) {
            converted.push((key.clone(), stored.dtype.to_string()));
        }
        applied_names.push(key);
        if tensor.path.starts_with(StemSpec::FIRST) {
            let mut values = stored.floats().map_err(unreadable)?;
            adaptation.apply(&tensor.path, &mut values, first.as_deref().unwrap_or(&[]));
            let data = TensorData::new(values, tensor.shape);
            tensors.push(from_data(data, tensor.path, None));
        } else {
            let shape = Shape::from(tensor.shape);
            let declared = shape.clone();
            let values = move || match stored.floats() {
                Ok(values) => Ok(TensorData::new(values, declared.clone())),
                Err(error) => Err(burn_pack::Error::ValidationError(error.to_string())),
            };
            tensors.push(deferred(tensor.path, DType::F32, shape, None, values));
        }
    }
    let kept = |path: &String| head == Head::LeaveOut && NetworkSpec::is_classifier(path);
    let applied = network.apply(tensors, None, Some(Box::new(PyTorchToBurnAdapter)), true);
    let missing = applied.missing.iter().map(|(path, _)| path);
    let untouched: Vec<_> = missing.filter(|path| !kept(path)).collect();
    if !applied.errors.is_empty() || !applied.unused.is_empty() || !untouched.is_empty() {
        return Err(Error::WeightsMalformed {
            path: path.to_owned(),
            reason: format!(
                "its tensors could not be applied: {:?}, unused {:?}, untouched {untouched:?}",
                applied.errors, applied.unused
            ),
        });
    }
    let report = LoadReport {
        path: path.to_owned(),
        sha256: file.sha256()?,
        dialect,
        applied: applied_names,
        left_out,
        converted,
    };
    Ok((network, report))
}

/// The outputs of the head in a checkpoint for this network: `None` where the file has no head, or
/// one that sees other features, as a whole network's head does for a truncated one.
///
/// # Errors
/// [`Error::WeightsUnreadable`] and [`Error::WeightsMalformed`].
pub fn head_classes(spec: &NetworkSpec, path: &Path) -> Result<Option<usize>> {
    let file = Container::open(path)?;
    let mut head = spec.tensors();
    head.retain(|tensor| tensor.path == "head.linear.weight");
    let found = named(spec, detect(spec, &file.tensors), head)
        .into_iter()
        .find_map(|(key, tensor)| match *file.tensors.get(&key)?.shape {
            [classes, features] if features == tensor.shape[1] => Some(classes),
            _ => None,
        });
    Ok(found)
}

/// Old DenseNet checkpoints call `norm1` `norm.1`, and so on: torchvision before 0.3.
fn modernise(spec: &NetworkSpec, tensors: &mut BTreeMap<String, Stored>) {
    if spec.architecture().family() != Family::DenseNet {
        return;
    }
    *tensors = std::mem::take(tensors)
        .into_iter()
        .map(|(name, stored)| {
            let modern = ["norm.1.", "norm.2.", "conv.1.", "conv.2."]
                .into_iter()
                .find(|old| name.contains("denselayer") && name.contains(old))
                .map(|old| name.replace(old, &format!("{}.", old.replace('.', ""))));
            (modern.unwrap_or(name), stored)
        })
        .collect();
}

/// The dialect in which the file has most of the network's tensors; the reference's in a tie.
fn detect(spec: &NetworkSpec, tensors: &BTreeMap<String, Stored>) -> Dialect {
    let known = |dialect: Dialect| {
        let names = named(spec, dialect, spec.body_tensors());
        names
            .iter()
            .filter(|(key, _)| tensors.contains_key(key))
            .count()
    };
    let reference = Dialect::reference(spec.architecture());
    let other = reference.other();
    if known(other) > known(reference) {
        other
    } else {
        reference
    }
}

/// Whether a tensor of the file has the shape of the network's, or one that becomes it.
fn fits(tensor: &TensorSpec, found: &[usize]) -> bool {
    let mut other = tensor.shape.clone();
    if is_first_weight(tensor) {
        other[1] = if tensor.shape[1] == 1 { 3 } else { 1 };
    } else if tensor.shape.len() == 2 {
        // timm's linear layers behind the pooling are 1x1 convolutions.
        other.extend([1, 1]);
    }
    found == tensor.shape || found == other
}

fn is_first_weight(tensor: &TensorSpec) -> bool {
    tensor.path.strip_prefix(StemSpec::FIRST) == Some(".conv.weight")
}

/// The tensors to fill, by the file's name.
fn wanted(spec: &NetworkSpec, dialect: Dialect, head: Head) -> Vec<(String, TensorSpec)> {
    let tensors = match head {
        Head::Load => spec.tensors(),
        Head::LeaveOut => spec.body_tensors(),
    };
    named(spec, dialect, tensors)
}

fn named(
    spec: &NetworkSpec,
    dialect: Dialect,
    tensors: Vec<TensorSpec>,
) -> Vec<(String, TensorSpec)> {
    let named = tensors.into_iter().map(|tensor| {
        // A tensor without a name in this dialect is missing under its own.
        let key = dialect.key(spec, &tensor.path);
        (key.unwrap_or_else(|| tensor.path.clone()), tensor)
    });
    named.collect()
}

fn compare(
    spec: &NetworkSpec,
    dialect: Dialect,
    wanted: &[(String, TensorSpec)],
    tensors: &BTreeMap<String, Stored>,
    head: Head,
) -> (Vec<(String, LeftOut)>, Mismatch) {
    let mut mismatch = Mismatch::default();
    for (key, tensor) in wanted {
        match tensors.get(key) {
            None => mismatch.missing.push(key.clone()),
            Some(stored) if !fits(tensor, &stored.shape) => mismatch.misshapen.push(Misshapen {
                name: key.clone(),
                found: stored.shape.clone(),
                expected: tensor.shape.clone(),
            }),
            Some(stored) if matches!(stored.dtype, StoredType::Other(_)) => {
                mismatch
                    .mistyped
                    .push((key.clone(), stored.dtype.to_string()));
            }
            Some(_) => {}
        }
    }

    let whole = spec.architecture().spec();
    let keys = |tensors| -> BTreeSet<String> {
        let named = named(&whole, dialect, tensors).into_iter();
        named.map(|(key, _)| key).collect()
    };
    let (whole_body, whole_all) = (keys(whole.body_tensors()), keys(whole.tensors()));
    let mut auxiliary = whole.tensors();
    auxiliary.retain(|tensor| tensor.path.starts_with("auxiliary.") && spec.auxiliary().is_none());
    let auxiliary = keys(auxiliary);
    let wanted: BTreeSet<&String> = wanted.iter().map(|(key, _)| key).collect();
    let mut left_out = Vec::new();
    for key in tensors.keys().filter(|key| !wanted.contains(key)) {
        let reason = if key.ends_with(".num_batches_tracked") {
            LeftOut::BatchCounter
        } else if auxiliary.contains(key) {
            LeftOut::Auxiliary
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
