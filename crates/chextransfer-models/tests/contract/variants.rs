//! Networks that are described, not converted: they start as what conversion makes of the others.

use burn::module::Module;
use chextransfer_models::{Architecture, Channels};

use crate::subject::{
    BATCH, CLASSES, SEED, cpu, image_size, images, relative_difference, repeatable,
    with_biases_and_scales_perturbed,
};
use crate::{gradients, tensors};

pub(crate) fn of(architecture: Architecture) {
    let cut = architecture.spec().blocks().len() - 1;
    let spec = architecture
        .minus(cut)
        .unwrap()
        .with_classes(CLASSES)
        .unwrap();
    let device = cpu();

    let gray = spec
        .clone()
        .with_channels(Channels::Gray)
        .init(SEED, &device);
    tensors::assert_are_those_listed(&gray);
    let summed = spec.init(SEED, &device).into_gray();
    assert_eq!(gray.spec(), summed.spec());
    assert_eq!(tensors::digests(&gray), tensors::digests(&summed));
    let twice = tensors::digests(&summed.clone().into_gray());
    assert_eq!(twice, tensors::digests(&summed), "gray a second time");

    let training = cpu().autodiff();
    let gray = repeatable(summed.spec().clone()).init(SEED, &training);
    let gray = with_biases_and_scales_perturbed(gray);
    let [height, width] = image_size(architecture);
    let images = images([BATCH, 1, height, width], &training);
    gradients::assert_every_parameter_learns(&gray, gray.forward(images.clone()));
    // Folded as it comes from training, with the statistics of the step just taken.
    let folded = gray.clone().fold_batch_norm().valid();
    let expected = gray.valid().forward(images.clone().inner());
    let found = folded.forward(images.inner());
    let difference = relative_difference(&found, &expected);
    assert!(
        difference < 1e-4,
        "folded behind a training step differs by {difference}"
    );

    let folded = summed.fold_batch_norm();
    tensors::assert_are_those_listed(&folded.spec().init(SEED, &device));
    let twice = tensors::digests(&folded.clone().fold_batch_norm());
    assert_eq!(twice, tensors::digests(&folded), "folded a second time");
}
