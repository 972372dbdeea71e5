//! One batch over two CPU replicas: gradients and training as on one device, and failures that end.
#![allow(clippy::unwrap_used)]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor};
use chextransfer_data::Batch;
use chextransfer_models::{Architecture, DeviceChoice, Network};
use chextransfer_train::{BatchLoss, DataParallel, Error, InProcess, Loss, Result, Shard};

const CLASSES: usize = 14;
const SIDE: usize = 32;

fn device() -> Device {
    DeviceChoice::Cpu.open().unwrap().autodiff()
}

/// Made-up images and labels; of the targets, `counts(image)` of every image count.
fn batch(images: usize, counts: impl Fn(usize) -> usize) -> Batch {
    let noise = |index: usize, salt: usize| {
        (index
            .wrapping_mul(0x9e37_79b9)
            .wrapping_add(salt * 77_777_777) as u32) as f32
            / 4.3e9
    };
    Batch {
        number: 0,
        indices: (0..images).collect(),
        side: SIDE,
        images: (0..images * SIDE * SIDE)
            .map(|index| noise(index, 1))
            .collect(),
        targets: (0..images * CLASSES)
            .map(|index| f32::from(noise(index, 2) > 0.6))
            .collect(),
        mask: (0..images * CLASSES)
            .map(|index| f32::from(index % CLASSES < counts(index / CLASSES)))
            .collect(),
        skipped: Vec::new(),
    }
}

fn objective(network: &Network, shard: &Shard) -> Result<BatchLoss> {
    let loss = Loss::binary(CLASSES);
    let logits = network.forward(shard.images.clone().repeat_dim(1, 3));
    Ok(BatchLoss {
        mean: loss.mean(logits, shard.targets.clone(), shard.mask.clone()),
        counted: loss.counted(&shard.counts),
    })
}

fn replicas(count: usize) -> DataParallel {
    DataParallel::new(&vec![device(); count], Box::new(InProcess), objective).unwrap()
}

/// A small network without dropout.
fn network(device: &Device) -> Network {
    let spec = Architecture::ResNet18.minus(3).unwrap();
    let spec = spec.with_classes(CLASSES).unwrap();
    spec.with_dropout(0.0).init(3, device)
}

/// With its normalisations frozen: they use the running statistics, whatever the shard.
fn normalized_alike(network: Network) -> Network {
    network.freeze_group(ParamGroup::from_predicate("norm"))
}

/// All gradients, or all parameters and statistics, one behind the other.
struct Flat<'a> {
    gradients: Option<&'a GradientsParams>,
    values: Vec<f32>,
}

impl ModuleVisitor for Flat<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            Some(gradients) => gradients.get::<D>(parameter.id),
            None => Some(parameter.val()),
        };
        if let Some(tensor) = tensor {
            self.values.extend(tensor.into_data().iter::<f32>());
        }
    }
}

fn flat(network: &Network, gradients: Option<&GradientsParams>) -> Vec<f32> {
    let mut flat = Flat {
        gradients,
        values: Vec::new(),
    };
    network.visit(&mut flat);
    flat.values
}

/// The norm of the difference relative to the norm.
fn deviation(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let pairs = found.iter().zip(expected);
    let difference = norm(&mut pairs.map(|(f, e)| f64::from(f - e)));
    difference / norm(&mut expected.iter().map(|&e| f64::from(e)))
}

/// Rounding: the sums are the same in another order.
const TOLERANCE: f64 = 1e-5;

#[test]
fn two_replicas_have_the_gradients_of_one_device_however_labels_are_spread() {
    let network = normalized_alike(network(&device()));
    let spreads: [fn(usize) -> usize; 3] = [
        |_| CLASSES,
        |image| image * 3 + 1,
        // The second shard, images 3 and 4, has nothing that counts.
        |image| if image < 3 { 5 } else { 0 },
    ];
    for (number, counts) in spreads.into_iter().enumerate() {
        let batch = batch(5, counts);
        let single = replicas(1).gradients(&network, &batch, 1).unwrap();
        let expected = flat(&network, Some(&single.gradients));
        assert!(expected.iter().any(|&gradient| gradient != 0.0));
        let mean = objective(&network, &Shard::new(&batch, &device()))
            .unwrap()
            .mean;
        assert_eq!(single.loss, mean.into_scalar::<f32>());

        let double = replicas(2).gradients(&network, &batch, 1).unwrap();
        assert!((double.loss / single.loss - 1.0).abs() < 1e-5);
        let found = deviation(&flat(&network, Some(&double.gradients)), &expected);
        assert!(found < TOLERANCE, "spread {number}: {found:.1e}");
    }
}

/// A power of two changes no digit.
#[test]
fn a_scaled_loss_has_the_same_gradients_on_one_device_and_on_two() {
    let network = normalized_alike(network(&device()));
    let batch = batch(4, |image| image + 3);
    for count in [1, 2] {
        let gradients = |scale: Option<f32>| {
            let mut replicas = replicas(count);
            scale
                .into_iter()
                .for_each(|scale| replicas.set_loss_scale(scale));
            let found = replicas.gradients(&network, &batch, 1).unwrap();
            (found.loss, flat(&network, Some(&found.gradients)))
        };
        assert_eq!(gradients(Some(1024.0)), gradients(None));
        let (loss, overflowing) = gradients(Some(f32::INFINITY));
        assert!(loss.is_finite() && overflowing.iter().all(|gradient| gradient.is_nan()));
    }
}

#[test]
fn a_batch_in_which_nothing_counts_has_loss_and_gradients_of_zero() {
    let network = network(&device());
    let found = replicas(2)
        .gradients(&network, &batch(4, |_| 0), 1)
        .unwrap();
    assert_eq!(found.loss, 0.0);
    let gradients = flat(&network, Some(&found.gradients));
    assert!(!gradients.is_empty() && gradients.iter().all(|&gradient| gradient == 0.0));
}

/// Both halves of the batch are the same, and so are their statistics.
#[test]
fn two_replicas_normalise_as_one_where_the_shards_are_alike() {
    let half = batch(3, |image| image + 4);
    let twice = |values: &[f32]| [values, values].concat();
    let whole = Batch {
        indices: (0..6).collect(),
        images: twice(&half.images),
        targets: twice(&half.targets),
        mask: twice(&half.mask),
        ..half
    };
    let network = network(&device());
    let gradients = |count| {
        let found = replicas(count).gradients(&network, &whole, 1).unwrap();
        flat(&network, Some(&found.gradients))
    };
    let found = deviation(&gradients(2), &gradients(1));
    assert!(found < TOLERANCE, "{found:.1e}");
}

#[test]
fn running_statistics_are_those_of_the_first_shard() {
    let whole = batch(5, |_| CLASSES);
    let first = chextransfer_train::shards(&whole, 2).remove(0);
    assert_eq!(first.indices.len(), 3);
    let after = |count, batch| {
        let network = network(&device());
        replicas(count).gradients(&network, batch, 1).unwrap();
        flat(&network.valid(), None)
    };
    assert_eq!(after(2, &whole), after(1, &first));
    assert_ne!(after(2, &whole), after(1, &whole));
}

/// Adam divides gradients by their own size, so that rounding in one near 0 becomes a step of its own: in
/// 1e-4 of the parameters, which is 1e-2 of the way that all of them go.
#[test]
fn five_steps_on_two_replicas_end_where_those_on_one_device_do() {
    let way = |count, mut optimizer: ModuleOptimizer| -> Vec<f32> {
        let mut network = normalized_alike(network(&device()));
        let replicas = replicas(count);
        let begin = flat(&network, None);
        for step in 0..5u64 {
            let batch = batch(4 + step as usize, |image| 2 + image);
            let found = replicas.gradients(&network, &batch, step).unwrap();
            network = optimizer.step(1e-3, network, found.gradients);
        }
        let end = flat(&network, None);
        end.iter()
            .zip(&begin)
            .map(|(end, begin)| end - begin)
            .collect()
    };
    let adam = || AdamConfig::new().with_epsilon(1e-8).init();
    let found = deviation(&way(2, adam()), &way(1, adam()));
    assert!(found < 5e-2, "Adam: {found:.1e}");
    let sgd = || SgdConfig::new().init();
    let found = deviation(&way(2, sgd()), &way(1, sgd()));
    assert!(found < 1e-3, "SGD: {found:.1e}");
}

#[test]
fn a_batch_smaller_than_the_number_of_devices_uses_some_of_them() {
    let network = normalized_alike(network(&device()));
    let batch = batch(2, |_| CLASSES);
    let gradients = |count| {
        let found = replicas(count).gradients(&network, &batch, 1).unwrap();
        flat(&network, Some(&found.gradients))
    };
    assert!(deviation(&gradients(3), &gradients(1)) < TOLERANCE);
}

/// All devices of a backend draw from one generator, and each has its turn.
#[test]
fn dropout_is_a_function_of_the_seed_and_differs_between_replicas() {
    let device = device();
    let spec = Architecture::ResNet18.minus(3).unwrap();
    let spec = spec.with_classes(CLASSES).unwrap().with_dropout(0.5);
    let network = normalized_alike(spec.init(3, &device));
    let half = batch(1, |_| CLASSES);
    let twice = |values: &[f32]| [values, values].concat();
    let whole = Batch {
        indices: vec![0, 1],
        images: twice(&half.images),
        targets: twice(&half.targets),
        mask: twice(&half.mask),
        ..half.clone()
    };
    let replicas = replicas(2);
    let loss = |batch, seed| replicas.gradients(&network, batch, seed).unwrap().loss;
    for _ in 0..3 {
        assert_eq!(loss(&whole, 7), loss(&whole, 7));
    }
    assert_ne!(loss(&whole, 7), loss(&whole, 8));
    // Were the second replica's draws the first one's, the mean would be that of one of them.
    assert_ne!(loss(&whole, 7), loss(&half, 7));
}

#[test]
fn replicas_compute_activations_again_where_the_devices_are_to() {
    let checkpointing = device().gradient_checkpointing();
    let whole = batch(4, |_| CLASSES);
    let gradients = |device: Device, count| {
        let network = normalized_alike(network(&device));
        let replicas =
            DataParallel::new(&vec![device; count], Box::new(InProcess), objective).unwrap();
        let found = replicas.gradients(&network, &whole, 1).unwrap();
        flat(&network, Some(&found.gradients))
    };
    let found = deviation(&gradients(checkpointing, 2), &gradients(device(), 1));
    assert!(found < TOLERANCE, "{found:.1e}");
}

/// What happens to the shard that holds this image.
fn failing(image: usize, panics: bool) -> DataParallel {
    let objective = move |network: &Network, shard: &Shard| {
        if shard.indices.contains(&image) {
            assert!(!panics, "no memory left");
            return Err(Error::NothingReadable {
                split: "its shard".to_owned(),
            });
        }
        objective(network, shard)
    };
    DataParallel::new(&[device(), device()], Box::new(InProcess), objective).unwrap()
}

#[test]
fn a_failing_shard_is_an_error_and_leaves_nobody_waiting() {
    // Of four images the first two are the first shard, on the calling thread.
    for (image, panics, expected) in [
        (
            3,
            true,
            "device 1 of the run, counted from 0, failed: no memory left",
        ),
        (3, false, "no image of its shard could be read"),
        (0, false, "no image of its shard could be read"),
    ] {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let network = network(&device());
            let replicas = failing(image, panics);
            let outcome = replicas.gradients(&network, &batch(4, |_| 1), 1);
            let message = outcome.err().map(|error| error.to_string());
            // The same replicas go on with a batch that does not fail: image 3 is not among two, and
            // the first one is among all.
            let works = image == 0 || replicas.gradients(&network, &batch(2, |_| 1), 1).is_ok();
            drop(replicas);
            sender.send((message, works)).unwrap();
        });
        let (message, works) = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(message.as_deref(), Some(expected));
        assert!(works);
    }
}

#[test]
fn devices_without_gradients_and_no_devices_are_errors() {
    let plain = DeviceChoice::Cpu.open().unwrap();
    for devices in [
        vec![],
        vec![plain],
        vec![device(), DeviceChoice::Cpu.open().unwrap()],
    ] {
        assert!(DataParallel::new(&devices, Box::new(InProcess), objective).is_err());
    }
    let empty = batch(0, |_| 0);
    assert!(
        replicas(2)
            .gradients(&network(&device()), &empty, 1)
            .is_err()
    );
}
