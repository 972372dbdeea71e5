//! Where a network looks: class activation maps, their pictures, and how well they find what is there.
//!
//! In go a [`Network`](chextransfer_models::Network), a batch of images and the classes to explain; out come
//! maps ([`ClassActivationMap`], `ndarray` arrays) by any [`Method`] at any block. From a map and its radiograph comes a
//! [`Sheet`], as PNG or SVG; from a map and a [`Mask`] a [`Localization`], and from many a [`LocalizationTable`] with
//! intervals.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `method` `explainer` `principal` | the six methods with their formulas; one forward pass and what is behind a block |
//! | `map` `window` | maps, scales, stretching; the part of a radiograph that the network saw |
//! | `overlay` `color` `contour` | a map as colours and as lines over a radiograph |
//! | `sheet` `svg` `font` | panels with captions and a legend, laid out once for PNG and SVG |
//! | `mask` `localization` `localization_table` | true places from PNG, COCO run lengths, boxes; hit rate, IoU, energy |
//!
//! ```
//! use burn::tensor::Tensor;
//! use chextransfer_explain::{Explainer, Method, Panel, Scale, Sheet, Window, grey_picture, overlay};
//! use chextransfer_models::{Architecture, DeviceChoice};
//! use ndarray::Array2;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("cardiomegaly.png");
//! let device = DeviceChoice::Cpu.open()?;
//! let network = Architecture::ResNet18.minus(2)?.with_classes(14)?.init(0, &device);
//! let images = Tensor::ones([1, 3, 64, 64], &device); // [batch, 3, height, width], normalised
//!
//! let maps = Explainer::new(&network, Method::GradCam)?.explain(images, &[2])?; // one class an image
//! assert_eq!(maps[0].values.dim(), (8, 8)); // without two blocks, one value for 8x8 pixels
//!
//! let radiograph = Array2::from_elem((64, 80), 0.5); // the whole radiograph as brightness from 0 to 1
//! let window = Window::centered_square([64, 80]); // what the network saw of it
//! let map = overlay(radiograph.view(), maps[0].scaled(Scale::MinMax).view(), window)?;
//! let sheet = Sheet {
//!     title: "Cardiomegaly".to_owned(),
//!     rows: vec![vec![Panel::new(grey_picture(radiograph.view())?), Panel::new(map)]],
//!     scale: Some("share of the map's highest value".to_owned()),
//!     ..Sheet::default()
//! };
//! sheet.write(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod color;
mod contour;
mod error;
mod explainer;
mod font;
mod localization;
mod localization_table;
mod map;
mod mask;
mod method;
mod overlay;
mod principal;
mod sheet;
mod svg;
mod window;

pub use contour::{Outline, contour};
pub use error::{Error, Result};
pub use explainer::Explainer;
pub use localization::{Localization, THRESHOLDS};
pub use localization_table::{
    Estimate, IouThresholds, LocalizationCell, LocalizationMetric, LocalizationRow,
    LocalizationTable, LocalizedFinding,
};
pub use map::{ClassActivationMap, Scale, upsample};
pub use mask::{BoundingBox, Mask, MasksByImage};
pub use method::Method;
pub use overlay::{grey_picture, overlay};
pub use sheet::{Panel, Sheet};
pub use window::Window;
