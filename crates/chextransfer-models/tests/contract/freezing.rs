//! Networks whose first blocks are frozen.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use chextransfer_models::{Architecture, Network, TensorKind};

use crate::gradients::{assert_learns, sensitivities, shifts_without_effect};
use crate::subject::{
    BATCH, CLASSES, SEED, cpu, image_size, images, repeatable, same_bits,
    with_biases_and_scales_perturbed,
};
use crate::tensors;

/// Whether the tensor at this path is frozen with the first `blocks` blocks.
fn is_frozen(path: &str, blocks: usize) -> bool {
    let block = path
        .strip_prefix("blocks.")
        .and_then(|rest| rest.split('.').next());
    path.starts_with("stem.") || block.is_some_and(|index| index.parse::<usize>().unwrap() < blocks)
}

fn trainable(network: &Network) -> BTreeSet<String> {
    #[derive(Default)]
    struct Trainable(BTreeSet<u64>);
    impl ModuleVisitor for Trainable {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            if parameter.is_require_grad() {
                self.0.insert(parameter.id.val());
            }
        }
    }
    let mut ids = Trainable::default();
    network.visit(&mut ids);
    let held = tensors::held(network).into_iter();
    held.filter(|(_, tensor)| ids.0.contains(&tensor.id.unwrap()))
        .map(|(path, _)| path)
        .collect()
}

/// What is frozen gets no gradient and keeps and uses its statistics; all else trains.
pub(crate) fn freezing(architecture: Architecture) {
    let device = cpu().autodiff();
    let spec = architecture
        .spec()
        .with_classes(CLASSES)
        .unwrap()
        .without_auxiliary();
    let blocks = spec.blocks().len();
    let [height, width] = image_size(architecture);
    let images = images([BATCH, 3, height, width], &device);

    let fresh = with_biases_and_scales_perturbed(repeatable(spec.clone()).init(SEED, &device));
    fresh.forward(images.clone());
    // Frozen as it comes from training: it uses the statistics of the step just taken.
    let straight = fresh
        .clone()
        .freeze_below(blocks)
        .forward_body(images.clone());
    let warm = fresh.valid();
    let expected = warm.forward_body(images.clone().inner());
    assert!(
        same_bits(&straight.inner(), &expected),
        "frozen behind a training step"
    );
    let network = || warm.clone().train();

    let parameters = spec.tensors().into_iter();
    let parameters: Vec<_> = parameters
        .filter(|tensor| tensor.kind == TensorKind::Parameter)
        .collect();
    for frozen in 0..=blocks {
        let expected = parameters
            .iter()
            .filter(|tensor| !is_frozen(&tensor.path, frozen));
        let expected: BTreeSet<_> = expected.map(|tensor| tensor.path.clone()).collect();
        let found = trainable(&network().freeze_below(frozen));
        assert_eq!(found, expected, "trainable with {frozen} blocks frozen");
    }

    let frozen = blocks / 2;
    let network = network().freeze_below(frozen);
    // Images with other statistics than those that the network has seen.
    let images = images * 1.5 + 0.25;
    let found = sensitivities(&network, network.forward(images.clone()));
    let mut without_effect = shifts_without_effect(&spec);
    without_effect.retain(|path| !is_frozen(path, frozen));
    assert_learns(&found, &without_effect);

    let maps = network.forward_features(images.clone());
    let evaluated = warm.forward_features(images.inner());
    for (index, (map, evaluated)) in maps
        .into_iter()
        .zip(&evaluated)
        .enumerate()
        .take(frozen + 1)
    {
        let same = same_bits(&map.inner(), evaluated);
        assert_eq!(
            same,
            index < frozen,
            "map {index} of training is that of evaluation"
        );
    }

    let (before, after) = (tensors::digests(&warm), tensors::digests(&network.valid()));
    for tensor in spec.tensors() {
        let path = tensor.path;
        let moves = tensor.kind == TensorKind::Statistic && !is_frozen(&path, frozen);
        assert_eq!(
            before[&path] != after[&path],
            moves,
            "{path} changed by a forward pass"
        );
    }
}
