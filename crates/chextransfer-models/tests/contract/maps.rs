//! Feature maps and logits in evaluation.

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, bridge};
use burn::tensor::Tensor;
use chextransfer_models::{Error, Network};

use crate::subject::{CLASSES, cpu, images, relative_difference, same_bits, values};

/// Rounding of matrix kernels, which tile another batch size in another order; the largest of all
/// trials was 2.6e-6 (`densenet201`).
const ROUNDING: f32 = 1e-5;

/// Every way to the maps and logits leads to the same bits, in the shapes that the spec declares.
pub(crate) fn assert_are_as_declared(network: &Network, images: Tensor<4>) {
    let [batch, _, height, width] = images.dims();
    let maps = network.forward_features(images.clone());
    let blocks = network.spec().blocks();
    assert_eq!(maps.len(), blocks.len());
    let declared = network.spec().describe([height, width]).unwrap();
    for (index, (map, summary)) in maps.iter().zip(&declared).enumerate() {
        let name = &summary.name;
        assert_eq!(*name, blocks[index].name);
        assert_eq!(blocks[index].layout.channels(), summary.channels, "{name}");
        let shape = [batch, summary.channels, summary.side[0], summary.side[1]];
        assert_eq!(map.dims(), shape, "map of {name}");
        assert!(
            values(map).iter().all(|value| value.is_finite()),
            "map of {name}"
        );
        // One pixel of the map is `reduction` pixels of the image: so many more give one more.
        let r = summary.reduction;
        let larger = network.spec().describe([height + r, width + r]).unwrap();
        assert_eq!(
            larger[index].side,
            summary.side.map(|side| side + 1),
            "reduction {r} of {name}"
        );
    }

    let last = maps.last().unwrap();
    let logits = network.forward(images.clone());
    assert_eq!(logits.dims(), [batch, CLASSES]);
    assert!(
        values(&logits).iter().all(|value| value.is_finite()),
        "{logits}"
    );
    let images_differ = !same_bits(
        &logits.clone().narrow(0, 0, 1),
        &logits.clone().narrow(0, 1, 1),
    );
    assert!(images_differ, "two images have the same logits: {logits}");
    // The map comes from a pass of its own, so this also says that evaluation is deterministic.
    assert!(
        same_bits(&network.forward_head(last.clone()), &logits),
        "head behind the last map"
    );
    assert!(
        same_bits(&network.forward_body(images.clone()), last),
        "body against the last map"
    );

    let names = [
        declared.last().unwrap(),
        &declared[0],
        declared.last().unwrap(),
    ];
    let names = names.map(|block| block.name.as_str());
    let named = network.forward_features_at(images.clone(), &names).unwrap();
    assert_eq!(named.len(), 3);
    for (found, expected) in named.iter().zip([last, &maps[0], last]) {
        assert!(same_bits(found, expected), "maps by the names {names:?}");
    }
    assert!(
        network
            .forward_features_at(images.clone(), &[])
            .unwrap()
            .is_empty()
    );
    let unknown = network
        .forward_features_at(images.clone(), &[names[0], "layer9"])
        .unwrap_err();
    let message = unknown.to_string();
    assert!(matches!(unknown, Error::UnknownBlock { .. }), "{message}");
    assert!(
        message.starts_with(&format!("{} has no block `layer9`", network.spec().name())),
        "{message}"
    );
    for block in blocks {
        assert!(
            message.contains(&block.name),
            "{message} does not list {}",
            block.name
        );
    }

    embedding_leads_to(network, &network.forward_embedding(images), &logits);
}

/// The last linear layer, computed here in double precision, makes the logits of the embedding.
fn embedding_leads_to(network: &Network, embedding: &Tensor<2>, logits: &Tensor<2>) {
    let head = network.spec().head();
    let features = head.hidden.map_or(head.features, |hidden| hidden.features);
    let [batch, _] = logits.dims();
    assert_eq!(embedding.dims(), [batch, features]);
    let tensors = network.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let find = |path: &str| {
        let tensor = tensors.iter().find(|tensor| tensor.name == path);
        let data = bridge::to_data(tensor.unwrap()).unwrap();
        data.iter::<f64>().collect::<Vec<_>>()
    };
    let (weight, bias) = (find("head.linear.weight"), find("head.linear.bias"));
    let expected: Vec<f64> = values(embedding)
        .chunks(features)
        .flat_map(|embedding| {
            let rows = weight.chunks(features).zip(&bias);
            let logit = |(row, bias): (&[f64], &f64)| {
                bias + row
                    .iter()
                    .zip(embedding)
                    .map(|(w, x)| w * f64::from(*x))
                    .sum::<f64>()
            };
            rows.map(logit).collect::<Vec<_>>()
        })
        .collect();
    let scale = expected
        .iter()
        .fold(0.0f64, |scale, logit| scale.max(logit.abs()));
    for (found, expected) in values(logits).into_iter().zip(expected) {
        let difference = (f64::from(found) - expected).abs() / scale;
        assert!(
            difference < f64::from(ROUNDING),
            "{found} instead of {expected} behind the embedding"
        );
    }
}

/// The smallest image that is admitted goes through, to maps of the declared sides.
pub(crate) fn assert_takes_the_smallest_image(network: &Network) {
    let refused = network.spec().describe([0, 0]);
    let minimum = match refused {
        Err(Error::InputTooSmall { minimum, .. }) => minimum,
        other => unreachable!("an image of no pixel gave {other:?}"),
    };
    let images = images([1, 3, minimum, minimum], &cpu());
    let maps = network.forward_features(images.clone());
    let declared = network.spec().describe([minimum; 2]).unwrap();
    for (map, block) in maps.iter().zip(&declared) {
        let shape = [1, block.channels, block.side[0], block.side[1]];
        assert_eq!(map.dims(), shape, "{} for {minimum}x{minimum}", block.name);
    }
    let logits = network.forward(images);
    assert!(
        values(&logits).iter().all(|value| value.is_finite()),
        "{minimum}x{minimum}: {logits}"
    );
}

/// An image has the logits that it has alone.
pub(crate) fn assert_do_not_depend_on_the_rest_of_the_batch(network: &Network, images: Tensor<4>) {
    let together = network.forward(images.clone());
    for index in 0..images.dims()[0] {
        let alone = network.forward(images.clone().narrow(0, index, 1));
        let difference = relative_difference(&alone, &together.clone().narrow(0, index, 1));
        assert!(
            difference < ROUNDING,
            "image {index} alone differs by {difference}"
        );
    }
}
