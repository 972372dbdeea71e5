//! The second classifier of `inception_v3`.

use std::collections::BTreeSet;

use burn::module::Module;
use burn::tensor::Tensor;
use chextransfer_models::{Architecture, Error, Network};

use crate::gradients::{Sensitivities, assert_learns, sensitivities};
use crate::subject::{
    CLASSES, SEED, cpu, images, repeatable, same_bits, values, with_biases_and_scales_perturbed,
};
use crate::tensors;

/// As high as training admits, and wide enough that the normalisations of the classifier see two
/// places of the map.
const IMAGE: [usize; 2] = [299, 347];
/// Index of `Mixed_6e`, whose map the classifier sees.
const SEEN: usize = 7;

pub(crate) fn of_inception_v3() {
    let with = |architecture: &Architecture| architecture.spec().auxiliary().is_some();
    let with: Vec<_> = Architecture::ALL.into_iter().filter(with).collect();
    assert_eq!(with, [Architecture::InceptionV3]);
    let spec = Architecture::InceptionV3
        .spec()
        .with_classes(CLASSES)
        .unwrap();
    assert_eq!(
        spec.blocks()[spec.auxiliary().unwrap().block].name,
        "Mixed_6e"
    );
    assert!(spec.clone().minus(1).unwrap().auxiliary().is_none());
    image_sizes();

    let device = cpu().autodiff();
    let fresh = repeatable(spec.clone()).init(SEED, &device);
    tensors::assert_are_those_listed(&fresh);
    let whole = tensors::whole(Architecture::InceptionV3);
    let held = tensors::digests(&fresh);
    let body = spec.body_tensors();
    assert_eq!(
        body.len() + 4,
        held.len(),
        "tensors of the body and of two linear layers"
    );
    for tensor in body {
        assert_eq!(held[&tensor.path], whole[&tensor.path], "{}", tensor.path);
    }

    let network = with_biases_and_scales_perturbed(fresh);
    let images = images([2, 3, IMAGE[0], IMAGE[1]], &device);
    assert_eq!(Network::AUXILIARY_LOSS_WEIGHT, 0.4);
    let (logits, auxiliary) = network.forward_with_auxiliary(images.clone());
    let auxiliary = auxiliary.unwrap();
    let shape = [2, CLASSES];
    assert_eq!((logits.dims(), auxiliary.dims()), (shape, shape));

    // One loss at a time: fresh auxiliary logits are a hundredth of the main ones.
    let behind = sensitivities(&network, auxiliary);
    assert_exactly_these_learn(behind, "auxiliary", |path| {
        let before = |block: usize| path.starts_with(&format!("blocks.{block}."));
        path.starts_with("stem.") || path.starts_with("auxiliary.") || (0..=SEEN).any(before)
    });
    let behind = sensitivities(&network, network.forward(images.clone()));
    assert_exactly_these_learn(behind, "main", |path| !path.starts_with("auxiliary."));

    in_evaluation(&network.valid(), images.inner());
}

/// Inference takes smaller images than training does.
fn image_sizes() {
    let spec = Architecture::InceptionV3.spec();
    assert!(spec.check_training_image([299, 299]).is_ok());
    assert!(spec.describe([75, 75]).is_ok());
    let refused = spec.check_training_image([298, 400]).unwrap_err();
    assert!(
        matches!(refused, Error::InputTooSmall { minimum: 299, .. }),
        "{refused}"
    );
    let refused = refused.to_string();
    assert!(refused.contains("auxiliary convolution"), "{refused}");
    assert!(
        spec.without_auxiliary()
            .check_training_image([75, 75])
            .is_ok()
    );
}

/// The parameters that the logits depend on learn, and no others get a gradient.
fn assert_exactly_these_learn(
    mut found: Sensitivities,
    logits: &str,
    depends: impl Fn(&str) -> bool,
) {
    for (path, sensitivity) in &found {
        assert_eq!(
            sensitivity.is_some(),
            depends(path),
            "{path} behind the {logits} logits"
        );
    }
    found.retain(|path, _| depends(path));
    assert_learns(&found, &BTreeSet::new());
}

/// The main logits do not know of the second classifier, and folding drops it.
fn in_evaluation(network: &Network, images: Tensor<4>) {
    let logits = network.forward(images.clone());
    let (main, auxiliary) = network.forward_with_auxiliary(images.clone());
    let auxiliary = auxiliary.unwrap();
    assert!(
        same_bits(&main, &logits),
        "main logits beside the auxiliary ones"
    );
    assert!(
        values(&auxiliary).iter().all(|value| value.is_finite()),
        "{auxiliary}"
    );
    assert!(!same_bits(&main, &auxiliary));

    let folded = network.clone().fold_batch_norm();
    assert!(folded.spec().auxiliary().is_none());
    tensors::assert_are_those_listed(&folded);
    assert!(folded.forward_with_auxiliary(images).1.is_none());
}
