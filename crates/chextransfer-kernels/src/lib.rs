//! CPU fast paths for the operations that convolutional networks spend their time in.
//!
//! In: Burn tensors on any device. Out: the same as a composition of Burn's operations gives, differentiable, and on Burn's CPU
//! backend several times as fast ([`conv2d`], [`conv2d_affine`], [`batch_norm_train`], [`channel_affine`],
//! [`add_activate`], [`concatenate_channels`], [`pool2d`], [`global_average`], [`scale_channels`], [`Activation::forward`], [`adam_step`]). Everywhere else, for other types than float32, and without the cargo feature `cpu`, it is that composition.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `operations` | the public functions, each with its composition of Burn's operations |
//! | `flex` `autodiff` | the same on Burn's CPU backend, and their backward passes |
//! | `recomputation` | results that the backward pass computes again |
//! | `convolution` | convolutions and their gradients: products of packed windows, depthwise loops |
//! | `batch_norm` | normalisation with the activation behind it, affine maps of channels |
//! | `channels` | maps side by side |
//! | `adam` | a step of the optimiser |
//! | `pooling` | windows' maxima and means, means of whole maps |
//! | `matrix` | the two kernels that every product passes through; rows to columns |
//! | `activation` `scalar` | activation functions, of tensors and of one value |
//! | `workers` | many operations on one of the threads that share them out |
//! | `simd` `buffer` | vector instructions chosen at run time; memory for results |
//! | `allocator` | an allocator for programs that keeps what is freed (cargo feature `allocator`) |
//!
//! Results are the same on every run, and do not depend on the number of threads (rayon's; `RAYON_NUM_THREADS` sets it): no sum
//! is split by it. They do depend, within rounding, on the width of the processor's vectors. `CHEXTRANSFER_VECTORS=none` leaves vector
//! instructions unused, which is slow, and how what runs on other processors is tested.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use chextransfer_kernels::{Activation, ConvOptions, batch_norm_train, conv2d};
//!
//! let device = Device::flex().autodiff();
//! let map = Tensor::<4>::ones([2, 3, 8, 8], &device);
//! let weight = Tensor::<4>::ones([4, 3, 3, 3], &device).require_grad();
//! let output = conv2d(map, weight.clone(), None, ConvOptions { padding: [1, 1], ..ConvOptions::default() });
//! let [factor, summand] = [1.0, 0.0].map(|value| Tensor::<1>::full([4], value, &device));
//! let normalized = batch_norm_train(output, factor, summand, 1e-5, Activation::Relu);
//! assert_eq!(normalized.output.dims(), [2, 4, 8, 8]);
//! assert!(weight.grad(&normalized.output.sum().backward()).is_some());
//! ```

mod activation;
#[cfg(feature = "cpu")]
mod adam;
#[cfg(feature = "allocator")]
mod allocator;
mod operations;

#[cfg(feature = "cpu")]
mod autodiff;
#[cfg(feature = "cpu")]
mod batch_norm;
#[cfg(feature = "cpu")]
mod buffer;
#[cfg(feature = "cpu")]
mod channels;
#[cfg(feature = "cpu")]
mod convolution;
#[cfg(feature = "cpu")]
mod elementwise;
#[cfg(feature = "cpu")]
mod flex;
#[cfg(feature = "cpu")]
mod matrix;
#[cfg(feature = "cpu")]
mod pooling;
#[cfg(feature = "cpu")]
mod recomputation;
#[cfg(feature = "cpu")]
mod scalar;
#[cfg(feature = "cpu")]
mod simd;
mod workers;

pub use activation::Activation;
#[cfg(feature = "allocator")]
pub use allocator::KeepingAllocator;
pub use operations::{
    AdamStep, Affine, BatchNormalized, ConvOptions, PoolKind, PoolOptions, adam_step, add_activate,
    batch_norm_train, channel_affine, concatenate_channels, conv2d, conv2d_affine, global_average,
    pool2d, scale_channels,
};
pub use workers::on_workers;
