//! What the backward pass computes again: that it is not kept, and that gradients are right all the same.
#![allow(clippy::unwrap_used)]

use burn::backend::Flex;
use burn::tensor::ops::{ConvOptions as BurnConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, Tolerance, activation, module};
use chextransfer_kernels::{
    Activation, ConvOptions, PoolKind, PoolOptions, batch_norm_train, channel_affine, conv2d,
    pool2d, scale_channels,
};

const CHANNELS: usize = 5;

fn tensor<const D: usize>(shape: [usize; D], seed: usize, device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let value = |index: usize| ((index * 31 + seed * 17) % 41) as f32 / 20.0 - 0.95;
    let values: Vec<f32> = (0..count).map(value).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Whether nothing else holds these values.
fn is_last(tensor: Tensor<4>) -> bool {
    tensor
        .inner()
        .try_into_primitive::<Flex>()
        .unwrap()
        .is_unique()
}

#[test]
fn cheap_results_are_not_kept() {
    let device = Device::flex().autodiff();
    let [map, weight] = [[2, CHANNELS, 6, 6], [CHANNELS, CHANNELS, 1, 1]]
        .map(|shape| tensor(shape, 1, &device).require_grad());
    let [factor, summand] = [2, 3].map(|seed| tensor([CHANNELS], seed, &device));
    let gates = tensor([2, CHANNELS], 4, &device);
    let convolve =
        |map: &Tensor<4>| conv2d(map.clone(), weight.clone(), None, ConvOptions::default());
    let normalize = || {
        let [factor, summand] = [&factor, &summand].map(|vector| vector.clone());
        batch_norm_train(convolve(&map), factor, summand, 1e-5, Activation::Relu).output
    };
    let affine = || {
        let [factor, summand] = [&factor, &summand].map(|vector| vector.clone());
        channel_affine(convolve(&map), factor, summand, Activation::Silu)
    };
    let cheap: [&dyn Fn() -> Tensor<4>; 4] = [
        &normalize,
        &affine,
        &|| scale_channels(normalize(), gates.clone()),
        &|| Activation::Hardswish.forward(convolve(&map)),
    ];
    for (index, result) in cheap.into_iter().enumerate() {
        let result = result();
        let behind = convolve(&result);
        assert!(is_last(result), "result {index}");
        assert!(weight.grad(&behind.sum().backward()).is_some());
    }
    // A convolution's is what they are computed of.
    let result = convolve(&map);
    let behind = convolve(&result);
    assert!(!is_last(result));
    drop(behind);
}

/// Which of the tensors have gradients.
type Tracked = [bool; 4];

/// The gradients of map, factors, summands and kernel, where they are tracked, behind a map that several operations use.
fn gradients(tracked: Tracked, fast: bool, device: &Device) -> Vec<TensorData> {
    let track = |tensor: Tensor<4>, tracked: bool| match tracked {
        true => tensor.require_grad(),
        false => tensor,
    };
    let leaves = [
        tensor([3, CHANNELS, 7, 9], 1, device),
        tensor([1, CHANNELS, 1, 1], 2, device) + 1.5,
        tensor([1, CHANNELS, 1, 1], 3, device),
        tensor([CHANNELS, CHANNELS, 3, 3], 4, device),
    ];
    let mut leaves = leaves.into_iter().zip(tracked);
    let [map, weight, bias, kernel] = std::array::from_fn(|_| {
        let (leaf, tracked) = leaves.next().unwrap();
        track(leaf.detach(), tracked)
    });
    let vector = |tensor: &Tensor<4>| tensor.clone().reshape([CHANNELS]);
    let (factor, summand) = (vector(&weight), vector(&bias));
    let normalized = match fast {
        true => batch_norm_train(map.clone(), factor, summand, 1e-5, Activation::Silu).output,
        false => {
            let normalized = module::batch_norm_train(map.clone(), factor, summand, 1e-5);
            activation::silu(normalized.output)
        }
    };
    let gates = normalized.clone().mean_dim(3).mean_dim(2);
    let gated = match fast {
        true => {
            let gates = gates.reshape([3, CHANNELS]);
            Activation::Sigmoid.forward(scale_channels(normalized.clone(), gates))
        }
        false => activation::sigmoid(normalized.clone() * gates),
    };
    let convolve = |map: &Tensor<4>| match fast {
        true => {
            let options = ConvOptions {
                padding: [1, 1],
                ..ConvOptions::default()
            };
            conv2d(map.clone(), kernel.clone(), None, options)
        }
        false => {
            let options = BurnConvOptions::new([1, 1], [1, 1], [1, 1], 1);
            module::conv2d(map.clone(), kernel.clone(), None, options)
        }
    };
    let pooled = match fast {
        true => {
            let options = PoolOptions {
                kind: PoolKind::Max,
                kernel: [3, 3],
                stride: [1, 1],
                padding: [1, 1],
            };
            pool2d(normalized.clone(), options)
        }
        false => {
            let options = MaxPoolOptions::new([3, 3])
                .with_stride([1, 1])
                .with_padding([1, 1]);
            module::max_pool2d(normalized.clone(), options)
        }
    };
    let output = convolve(&gated) * convolve(&normalized) + pooled * gated;
    let weights = tensor(output.dims(), 5, device);
    let gradients = (output * weights).sum().backward();
    let leaves = [map, weight, bias, kernel].into_iter().zip(tracked);
    leaves
        .filter(|(_, tracked)| *tracked)
        .map(|(leaf, _)| leaf.grad(&gradients).unwrap().into_data())
        .collect()
}

#[test]
fn gradients_are_those_of_the_composition_whatever_is_tracked() {
    let device = Device::flex().autodiff();
    for tracked in (1..16).map(|bits| [1, 2, 4, 8].map(|bit| bits & bit != 0)) {
        let expected = gradients(tracked, false, &device);
        for device in [device.clone(), device.clone().gradient_checkpointing()] {
            let found = gradients(tracked, true, &device);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                found.assert_approx_eq::<f32>(expected, Tolerance::rel_abs(1e-4, 1e-5));
            }
        }
    }
}
