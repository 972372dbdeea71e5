//! The contract of one architecture at one cut.

use burn::module::Module;
use chextransfer_models::Architecture;

use crate::subject::{
    BATCH, CLASSES, SEED, cpu, image_size, images, repeatable, same_bits,
    with_biases_and_scales_perturbed,
};
use crate::{conversions, gradients, maps, tensors};

pub(crate) fn contract(architecture: Architecture, k: usize) {
    let imagenet = architecture.minus(k).unwrap();
    let spec = imagenet
        .clone()
        .with_classes(CLASSES)
        .unwrap()
        .without_auxiliary();
    if k > 0 {
        tensors::assert_nests(&imagenet, &architecture.minus(k - 1).unwrap());
    }

    let training = cpu().autodiff();
    let fresh = repeatable(spec.clone()).init(SEED, &training);
    tensors::assert_are_those_listed(&fresh);
    tensors::assert_body_is_the_whole_ones(&fresh);
    let other_classes = spec.clone().with_classes(2).unwrap().init(SEED, &cpu());
    tensors::assert_body_is_the_whole_ones(&other_classes);

    let before = tensors::digests(&fresh);
    let network = with_biases_and_scales_perturbed(fresh);
    let [height, width] = image_size(architecture);
    let batch = images([BATCH, 3, height, width], &training);
    gradients::assert_every_parameter_learns(&network, network.forward(batch.clone()));

    let network = network.valid();
    gradients::assert_statistics_moved(&network, &before);

    let batch = batch.inner();
    maps::assert_are_as_declared(&network, batch.clone());
    maps::assert_do_not_depend_on_the_rest_of_the_batch(&network, batch.clone());
    maps::assert_takes_the_smallest_image(&network);
    conversions::assert_saved_and_loaded_is_the_same(&network, batch.clone());
    conversions::assert_gray_is_replicated_colour(&network, batch.clone().narrow(0, 0, 2));
    conversions::assert_folded_is_the_same(&network, batch.clone());

    let (logits, auxiliary) = network.forward_with_auxiliary(batch.clone());
    assert!(auxiliary.is_none());
    assert!(
        same_bits(&logits, &network.forward(batch)),
        "with and without asking for auxiliary logits"
    );
}
