//! A network as a checkpoint that torchvision or timm can load.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::store::bridge::into_data;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::TensorData;

use super::input_transform::METADATA as TRANSFORM_INPUT;
use super::{Dialect, write_tensors};
use crate::{Architecture, Error, Family, Network, Result};

/// Writes every tensor of a network under the names of another library, as a safetensors file.
///
/// Python loads it into that library's network with `strict=True`; a truncated network's into one
/// whose last stages are replaced by identities and whose head by a linear layer of the same name.
/// (torchvision's MNASNet wants to be told a version that no safetensors file holds:
/// `state._metadata = {"": {"version": 2}}`.) [`load`](super::load) gives the same bits back.
///
/// The metadata state the network, the constants of batch normalisation, and what is given; an `inception_v3` takes images normalised for ImageNet as
/// they come (`transform_input=False` in torchvision).
///
/// # Errors
/// [`Error::FoldedNetwork`], [`Error::NoName`] for a network that the other library does not have, and
/// [`Error::NotWritten`].
pub fn export(
    network: &Network,
    dialect: Dialect,
    path: &Path,
    metadata: BTreeMap<String, String>,
) -> Result<()> {
    let spec = network.spec();
    if spec.folded {
        return Err(Error::FoldedNetwork {
            network: spec.name(),
        });
    }
    let shapes: BTreeMap<String, Vec<usize>> = (spec.tensors().into_iter())
        .map(|tensor| (tensor.path, tensor.shape))
        .collect();
    // An inference copy has its running statistics up to date.
    let collected = network
        .valid()
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let mut tensors = collected
        .into_iter()
        .map(|tensor| {
            let place = tensor.name.clone();
            let name = dialect.key(spec, &place).ok_or_else(|| Error::NoName {
                network: spec.name(),
                dialect,
                tensor: place.clone(),
            })?;
            let data = into_data(tensor).map_err(|error| Error::NotWritten {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
            let mut shape = shapes[&place].clone();
            // timm's layer behind the pooling is a 1x1 convolution.
            let convolution = spec.architecture().family() == Family::MobileNetV3
                && dialect == Dialect::Timm
                && place == "head.hidden.weight";
            if convolution {
                shape.extend([1, 1]);
            }
            Ok((name, TensorData::new(data.iter::<f32>().collect(), shape)))
        })
        .collect::<Result<Vec<_>>>()?;
    tensors.sort_by(|one, other| one.0.cmp(&other.0));

    let mut all = metadata;
    all.extend([
        ("format".to_owned(), "pt".to_owned()),
        ("network".to_owned(), spec.name()),
        ("classes".to_owned(), spec.classes().to_string()),
        (
            "batch_norm_epsilon".to_owned(),
            spec.batch_norm().epsilon.to_string(),
        ),
        (
            "batch_norm_momentum".to_owned(),
            spec.batch_norm().momentum.to_string(),
        ),
    ]);
    if spec.architecture() == Architecture::InceptionV3 {
        all.insert(TRANSFORM_INPUT.to_owned(), "false".to_owned());
    }
    write_tensors(path, &tensors, &all)
}
