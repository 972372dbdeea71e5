//! The same network in another form.

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor};
use chextransfer_models::{Channels, Network, TensorKind};

use crate::subject::{SEED, cpu, relative_difference, same_bits};
use crate::tensors;

/// Sums in another order; the largest of all trials was 6.1e-6 (`inception_v4-minus1`).
const GRAY: f32 = 1e-5;
/// Normalisation multiplies weights instead of maps; the largest of all trials was 9.4e-6
/// (`inception_v4-minus1`).
const FOLDED: f32 = 3e-5;

/// A network that was saved and loaded has the bits that it had.
pub(crate) fn assert_saved_and_loaded_is_the_same(network: &Network, images: Tensor<4>) {
    let bytes = network.clone().into_record().into_bytes().unwrap();
    let other = network.spec().init(SEED + 1, &cpu().autodiff());
    let expected = tensors::digests(network);
    let random = |path: &str| path.ends_with("conv.weight");
    for (path, digest) in tensors::digests(&other) {
        assert!(
            !random(&path) || digest != expected[&path],
            "{path} is that of another seed"
        );
    }
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes.to_vec())).unwrap();
    let loaded = other.try_load_record(record).unwrap().valid();
    for (path, digest) in tensors::digests(&loaded) {
        assert_eq!(digest, expected[&path], "{path}, loaded against saved");
    }
    let logits = network.forward(images.clone());
    assert!(
        same_bits(&loaded.forward(images), &logits),
        "logits, loaded against saved"
    );
}

/// One channel has the logits of that channel three times.
pub(crate) fn assert_gray_is_replicated_colour(network: &Network, images: Tensor<4>) {
    let images = images.narrow(1, 0, 1);
    let gray = network.clone().into_gray();
    assert_eq!(gray.spec().channels(), Channels::Gray);
    tensors::assert_are_those_listed(&gray);
    let expected = network.forward(images.clone().repeat_dim(1, 3));
    let difference = relative_difference(&gray.forward(images), &expected);
    assert!(
        difference < GRAY,
        "one channel differs from three by {difference}"
    );
}

/// Folding takes every batch normalisation away and leaves the logits.
pub(crate) fn assert_folded_is_the_same(network: &Network, images: Tensor<4>) {
    let folded = network.clone().fold_batch_norm();
    tensors::assert_are_those_listed(&folded);
    let tensors = folded.spec().tensors();
    let statistics = tensors
        .iter()
        .filter(|tensor| tensor.kind == TensorKind::Statistic);
    assert_eq!(
        statistics.count(),
        0,
        "running statistics in a folded network"
    );
    assert_ne!(tensors::batch_norms(network), 0);
    assert_eq!(
        tensors::batch_norms(&folded),
        0,
        "batch normalisations in a folded network"
    );
    let expected = network.forward(images.clone());
    let difference = relative_difference(&folded.forward(images), &expected);
    assert!(difference < FOLDED, "folded logits differ by {difference}");
}
