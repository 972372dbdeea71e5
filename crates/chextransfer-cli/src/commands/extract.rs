//! `extract`: feature maps and logits of a tensor or a picture.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::TensorData;
use chextransfer_data::{Normalization, image::load_rgb};
use chextransfer_models::weights::{Head, head_classes, load, read_tensor, write_tensors};
use chextransfer_models::{Architecture, Channels, DeviceChoice};

use super::result_line;

/// The name of the tensor in the input file.
const INPUT: &str = "input";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Network, for example densenet121
    #[arg(long)]
    architecture: Architecture,
    /// Drop this many of its last blocks
    #[arg(long, default_value_t = 0)]
    minus: usize,
    /// A safetensors or PyTorch file under torchvision's or timm's names
    #[arg(long)]
    weights: PathBuf,
    /// A safetensors file with a tensor `input` [batch, 3 or 1, height, width], already normalised; or a JPEG or PNG,
    /// which is resized and normalised for ImageNet
    #[arg(long)]
    input: PathBuf,
    /// Side in pixels that a picture is resized and cropped to [default: the network's on ImageNet]
    #[arg(long)]
    image_size: Option<u32>,
    /// Where block_0, block_1, ... and, if the weights hold a head that fits, logits go
    #[arg(long)]
    output: PathBuf,
    /// cpu, cuda, cuda:N, rocm, vulkan, metal or wgpu, as `chextransfer devices` lists them
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let mut spec = (arguments.architecture.minus(arguments.minus)?).without_auxiliary();
    let is_tensor = arguments
        .input
        .extension()
        .is_some_and(|e| e == "safetensors");
    let images = if is_tensor {
        read_tensor(&arguments.input, INPUT)?
    } else {
        let side = arguments
            .image_size
            .unwrap_or(spec.architecture().input_size() as u32);
        let mut picture = load_rgb(&arguments.input, side, side)?;
        Normalization::IMAGENET.apply(&mut picture);
        TensorData::new(picture, [1, 3, side as usize, side as usize])
    };
    if images.shape().get(1) == Some(&1) {
        spec = spec.with_channels(Channels::Gray);
    }
    let classes = head_classes(&spec, &arguments.weights)?;
    let head = match classes {
        Some(classes) => {
            spec = spec.with_classes(classes)?;
            Head::Load
        }
        None => Head::LeaveOut,
    };
    let device = arguments.device.open()?;
    let (network, report) = load(spec.init(0, &device), &arguments.weights, head)?;
    let extraction = network.extract(&images, &device)?;

    let blocks = extraction.blocks.into_iter().enumerate();
    let mut tensors: Vec<_> = blocks
        .map(|(index, map)| (format!("block_{index}"), map))
        .collect();
    if classes.is_some() {
        tensors.push(("logits".to_owned(), extraction.logits));
    }
    let metadata = BTreeMap::from([
        ("network".to_owned(), spec.name()),
        ("weights_sha256".to_owned(), report.sha256),
        ("device".to_owned(), arguments.device.to_string()),
        (
            "chextransfer".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ]);
    write_tensors(&arguments.output, &tensors, &metadata)?;
    for (name, data) in &tensors {
        result_line!("{name:<10} {:?}", data.shape().to_vec());
    }
    Ok(())
}
