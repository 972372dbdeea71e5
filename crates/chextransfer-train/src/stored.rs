//! Weights and optimiser states as bytes that depend on nothing but their values.
//!
//! Burn names parameters by random numbers and writes optimiser states in the order of a hash table, so
//! two equal runs would leave different files. Here a parameter's number is a digest of its path, and
//! tensors are sorted: equal states have equal SHA-256.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::store::burn_pack::{Reader, Tensor, Writer};
use burn::tensor::Bytes;
use chextransfer_models::Network;
use chextransfer_models::weights::sha256_hex;

/// The weights and running statistics of an inference copy of a network.
pub(crate) fn network_bytes(network: &Network) -> Result<Vec<u8>, String> {
    let bytes = network.clone().into_record().into_bytes();
    in_order(bytes.map_err(text)?, |tensor| {
        tensor.param_id = Some(number(&tensor.name));
    })
}

/// A network with these weights in place of its own; its parameters get the numbers of their paths.
pub(crate) fn load_network(network: Network, bytes: &[u8]) -> Result<Network, String> {
    ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes.to_vec()))
        .and_then(|record| network.try_load_record(record))
        .map_err(text)
}

/// What an optimiser remembers of each parameter.
pub(crate) fn optimizer_bytes(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, String> {
    in_order(optimizer.into_bytes().map_err(text)?, |_| ())
}

/// An optimiser of the same settings with this memory.
pub(crate) fn load_optimizer(
    optimizer: ModuleOptimizer,
    bytes: &[u8],
) -> Result<ModuleOptimizer, String> {
    let bytes = Bytes::from_bytes_vec(bytes.to_vec());
    // Burn first puts the optimiser's state on its default device, whichever the run uses, and
    // panics where that device does not exist.
    catch_unwind(AssertUnwindSafe(|| optimizer.from_bytes(bytes)))
        .map_err(|_| {
            "Burn's default device is not usable; set BURN_DEVICE, for example to flex".to_owned()
        })?
        .map_err(text)
}

/// The same pack with its tensors by name.
fn in_order(bytes: Bytes, mut change: impl FnMut(&mut Tensor)) -> Result<Vec<u8>, String> {
    let reader = Reader::from_bytes(bytes).map_err(text)?;
    let (metadata, scalars) = (reader.metadata().clone(), reader.scalars().clone());
    let mut tensors = reader.into_tensors().map_err(text)?;
    tensors.iter_mut().for_each(&mut change);
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut writer = Writer::new(tensors);
    for (key, value) in &metadata {
        writer = writer.with_metadata(key, value);
    }
    for (key, value) in scalars {
        writer = writer.with_scalar(&key, value);
    }
    Ok(writer.into_bytes().map_err(text)?.to_vec())
}

/// The first eight bytes of the SHA-256 of a parameter's path.
fn number(path: &str) -> u64 {
    let digits = sha256_hex(path.as_bytes());
    let digits = digits
        .bytes()
        .take(16)
        .filter_map(|digit| char::from(digit).to_digit(16));
    digits.fold(0, |number, digit| number << 4 | u64::from(digit))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
