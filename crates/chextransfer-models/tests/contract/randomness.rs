//! Dropout and stochastic depth.

use burn::module::Module;
use burn::tensor::Tensor;
use chextransfer_models::{Architecture, BlockLayout, NetworkSpec};

use crate::subject::{CLASSES, SEED, cpu, image_size, images, repeatable, same_bits};

/// Images enough that no two draws of the whole network agree by chance.
const IMAGES: usize = 4;

/// Training drops features and branches where the spec says so, evaluation never.
pub(crate) fn is_for_training_alone(architecture: Architecture) {
    let device = cpu().autodiff();
    let spec = architecture
        .spec()
        .with_classes(CLASSES)
        .unwrap()
        .without_auxiliary();
    let [height, width] = image_size(architecture);
    let images = images([IMAGES, 3, height, width], &device);
    let is_residual = |block: &chextransfer_models::BlockSpec| {
        matches!(block.layout, BlockLayout::InvertedResidual(_))
    };
    let has_depth = spec.blocks().iter().any(is_residual);

    let still = repeatable(spec);
    let repeats = |spec: &NetworkSpec, frozen: usize| {
        let network = spec.init(SEED, &device);
        let network = if frozen > 0 {
            network.freeze_below(frozen)
        } else {
            network
        };
        let run = || -> [Tensor<2>; 2] {
            [
                network.forward(images.clone()),
                network.forward_embedding(images.clone()),
            ]
        };
        let ([logits, embedding], [again, embedding_again]) = (run(), run());
        (
            same_bits(&logits, &again),
            same_bits(&embedding, &embedding_again),
        )
    };
    assert_eq!(
        repeats(&still, 0),
        (true, true),
        "logits, embedding: nothing random"
    );
    let dropout = still.clone().with_dropout(0.5);
    assert_eq!(
        repeats(&dropout, 0),
        (false, true),
        "logits, embedding: dropout"
    );
    let depth = still.clone().with_stochastic_depth(0.9);
    let same = !has_depth;
    assert_eq!(
        repeats(&depth, 0),
        (same, same),
        "logits, embedding: stochastic depth"
    );
    let frozen = still.blocks().len();
    assert_eq!(
        repeats(&depth, frozen),
        (true, true),
        "logits, embedding: frozen stochastic depth"
    );

    let evaluate = |spec: NetworkSpec| {
        let network = spec.init(SEED, &device);
        network.forward(images.clone());
        network.valid().forward(images.clone().inner())
    };
    let random = still.clone().with_dropout(0.9);
    let expected = evaluate(still);
    assert!(
        same_bits(&evaluate(random), &expected),
        "evaluation with dropout"
    );
    // Stochastic depth changes the statistics that evaluation uses, so both start from the same.
    let device = cpu();
    let evaluate = |spec: &NetworkSpec| spec.init(SEED, &device).forward(images.clone().inner());
    let none = depth.clone().with_stochastic_depth(0.0);
    assert!(
        same_bits(&evaluate(&depth), &evaluate(&none)),
        "evaluation with stochastic depth"
    );
}
