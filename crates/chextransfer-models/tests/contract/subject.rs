//! The networks and images of the trials.

use burn::store::ModuleSnapshot;
use burn::store::bridge::{from_data, into_data};
use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_models::layers::BatchNormSpec;
use chextransfer_models::{
    Architecture, BlockLayout, DeviceChoice, Family, Network, NetworkSpec, TensorKind,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// Seed of the initial weights.
pub(crate) const SEED: u64 = 7;
/// Outputs: few, and another number than ImageNet's.
pub(crate) const CLASSES: usize = 5;
/// Images of a batch.
pub(crate) const BATCH: usize = 3;

pub(crate) fn cpu() -> Device {
    DeviceChoice::Cpu.open().unwrap()
}

/// Height and width: not square, no multiple of any reduction, and large enough that the last map of
/// a training batch has several values for each channel.
pub(crate) fn image_size(architecture: Architecture) -> [usize; 2] {
    match architecture.family() {
        Family::InceptionV3 | Family::InceptionV4 => [107, 139],
        _ => [66, 98],
    }
}

/// Normal noise that depends on the seed alone: Burn's own generator is shared by all trials.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let normal = Normal::new(0.0, 1.0).unwrap();
    let random = ChaCha8Rng::seed_from_u64(seed);
    normal.sample_iter(random).take(count).collect()
}

/// Images as unlike each other as radiographs are: a few waves of the image's size, each image with a
/// brightness and a contrast of its own, and noise. Every third is coloured, the others grey.
///
/// Of noise alone every deep map would be nearly the same, and normalisation would blow its rounding
/// errors up.
pub(crate) fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let [_, channels, height, width] = shape;
    let area = height * width;
    let mut values = vec![0.0; shape.iter().product()];
    for (plane, values) in values.chunks_mut(area).enumerate() {
        let (image, channel) = (plane / channels, plane % channels);
        let source = if image % 3 == 2 {
            plane
        } else {
            plane - channel
        };
        let draw = noise(source as u64, 2 + 3 * 4 + area);
        let (draw, grain) = draw.split_at(2 + 3 * 4);
        let contrast = 1.0 + 0.5 * draw[1].tanh();
        for (index, value) in values.iter_mut().enumerate() {
            let (y, x) = (index / width, index % width);
            let (y, x) = (y as f32 / height as f32, x as f32 / width as f32);
            let waves = draw[2..].chunks(3);
            let waves: f32 = waves
                .map(|w| (6.0 * (w[0] * y + w[1] * x + w[2])).sin())
                .sum();
            *value = 0.5 * draw[0] + contrast * (0.5 * waves + 0.3 * grain[index]);
        }
    }
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The network without anything random in training, and whose running statistics are the last
/// batch's: one step in training gives them values of the right size.
pub(crate) fn repeatable(spec: NetworkSpec) -> NetworkSpec {
    let batch_norm = BatchNormSpec {
        momentum: 1.0,
        ..spec.batch_norm()
    };
    spec.with_dropout(0.0)
        .with_stochastic_depth(0.0)
        .with_batch_norm(batch_norm)
}

/// Moves biases and the scales and shifts of normalisation off their initial zeros and ones, so that
/// leaving one out shows.
///
/// A fresh network multiplies rounding errors layer by layer, as training does not let it. So most
/// values get past the rectifiers, or, where shortcuts would add all that up, the last scale of a
/// residual unit becomes small beside the shortcut.
pub(crate) fn with_biases_and_scales_perturbed(mut network: Network) -> Network {
    let spec = network.spec().clone();
    let vectors: Vec<_> = spec
        .tensors()
        .into_iter()
        .filter(|tensor| tensor.kind == TensorKind::Parameter && tensor.shape.len() == 1)
        .map(|tensor| tensor.path)
        .collect();
    let moved: Vec<_> = network
        .collect(None, None, true)
        .into_iter()
        .filter(|tensor| vectors.contains(&tensor.name))
        .enumerate()
        .map(|(index, tensor)| {
            let (path, id) = (tensor.name.clone(), tensor.param_id);
            let data = into_data(tensor).unwrap();
            let values = data
                .iter::<f32>()
                .zip(noise(index as u64, data.num_elements()));
            let (size, shift) = calming(&spec, &path);
            let moved = values.map(|(value, noise)| size * (value + shift + 0.2 * noise));
            let moved: Vec<f32> = moved.collect();
            from_data(TensorData::new(moved, data.shape().clone()), path, id)
        })
        .collect();
    let applied = network.apply(moved, None, None, true);
    assert_eq!(applied.applied.len(), vectors.len());
    assert!(applied.errors.is_empty(), "{:?}", applied.errors);
    network
}

/// Factor and summand of a scale or shift.
fn calming(spec: &NetworkSpec, path: &str) -> (f32, f32) {
    let shift = match spec.architecture().family() {
        Family::ResNet => {
            let last = spec.blocks().iter().find_map(|block| match &block.layout {
                BlockLayout::Residual(stage) => Some(stage.units[0].convolutions.len() - 1),
                _ => None,
            });
            let last = format!(".convolutions.{}.norm.weight", last.unwrap());
            return (if path.ends_with(&last) { 0.2 } else { 1.0 }, 0.0);
        }
        Family::InceptionV3 | Family::InceptionV4 => 1.5,
        _ => 0.5,
    };
    (
        1.0,
        if path.ends_with("norm.bias") {
            shift
        } else {
            0.0
        },
    )
}

/// The values of a tensor.
pub(crate) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().iter::<f32>().collect()
}

/// The largest difference, relative to the largest value expected.
pub(crate) fn relative_difference<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let largest = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0.0f32, |largest, value| largest.max(value.abs()))
    };
    let scale = largest(&mut expected.iter().copied());
    assert!(scale > 0.0, "nothing but zeros to compare with");
    let mut differences = found.iter().zip(&expected).map(|(a, b)| a - b);
    // A NaN anywhere must not be lost in the maximum.
    assert!(found.iter().chain(&expected).all(|value| value.is_finite()));
    largest(&mut differences) / scale
}

/// Whether two tensors agree to the last bit.
pub(crate) fn same_bits<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> bool {
    a.dims() == b.dims() && a.to_data().as_bytes() == b.to_data().as_bytes()
}
