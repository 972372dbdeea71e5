//! Where a network looks: class activation maps and their pictures.
//!
//! In go a [`Network`](chextransfer_models::Network), a batch of images and the classes to explain; out come
//! Grad-CAM maps ([`ClassActivationMap`], `ndarray` arrays), and from a map and its radiograph a
//! picture ([`overlay()`], [`side_by_side`], [`write_png`]).
//!
//! ```
//! use burn::tensor::Tensor;
//! use chextransfer_explain::{GradCam, Scale, side_by_side, write_png};
//! use chextransfer_models::{Architecture, DeviceChoice};
//! use ndarray::Array2;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("cardiomegaly.png");
//! let device = DeviceChoice::Cpu.open()?;
//! let network = Architecture::ResNet18.minus(2)?.with_classes(14)?.init(0, &device);
//! let images = Tensor::ones([1, 3, 64, 64], &device); // [batch, 3, height, width], normalised
//!
//! let maps = GradCam::new(&network).explain(images, &[2])?; // one class an image
//! assert_eq!(maps[0].values.dim(), (8, 8)); // without two blocks, one value for 8x8 pixels
//!
//! let radiograph = Array2::from_elem((64, 64), 0.5); // the same image as brightness from 0 to 1
//! let picture = side_by_side(radiograph.view(), maps[0].scaled(Scale::MinMax).view())?;
//! write_png(&picture, path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod grad_cam;
mod map;
mod overlay;

pub use error::{Error, Result};
pub use grad_cam::GradCam;
pub use map::{ClassActivationMap, Scale, upsample};
pub use overlay::{overlay, side_by_side, write_png};
