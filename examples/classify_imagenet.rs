//! The five best ImageNet classes of pictures, prepared as the checkpoint wants them.
//!
//! ```text
//! chextransfer weights fetch mobilenet_v2
//! cargo run --release --example classify_imagenet -- mobilenet_v2 cat.jpg dog.png
//! ```
//!
//! The checkpoint is a name from `chextransfer weights list`; its file is looked for in our cache, the
//! Hugging Face and torch hub caches, or given with `--weights`.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::{Tensor, TensorData, activation::softmax};
use chextransfer::data::image::decode_rgb;
use chextransfer::data::{CropPosition, Draw, ImageRecipe, Interpolation, Normalization};
use chextransfer::models::DeviceChoice;
use chextransfer::models::weights::{self, Head, Manifest, WeightStore, imagenet_classes};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// A checkpoint's id, or an architecture for its default checkpoint
    checkpoint: String,
    /// JPEG or PNG files
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// The checkpoint's file, where it is not in a cache
    #[arg(long)]
    weights: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let manifest = Manifest::carried()?;
    let checkpoint = manifest.find(&arguments.checkpoint)?;
    let file = match arguments.weights {
        Some(file) => file,
        None => WeightStore::from_environment()?.require(checkpoint)?.path,
    };

    let device = DeviceChoice::Cpu.open()?;
    let network = checkpoint.spec()?.without_auxiliary().init(0, &device);
    let (network, _) = weights::load(network, &file, checkpoint.import(Head::Load))?;

    let prepare = &checkpoint.preprocessing;
    let recipe = ImageRecipe {
        resize: prepare.resize as u32,
        crop: prepare.crop as u32,
        position: CropPosition::Center,
        interpolation: match prepare.interpolation {
            weights::Interpolation::Bilinear => Interpolation::Bilinear,
            weights::Interpolation::Bicubic => Interpolation::Bicubic,
        },
        ..ImageRecipe::paper()
    };
    let normalization = Normalization {
        mean: prepare.mean,
        std: prepare.std,
    };

    for picture in arguments.pictures {
        let mut pixels = recipe.apply_rgb(&decode_rgb(&picture)?, Draw::default())?;
        normalization.apply(&mut pixels);
        let image = TensorData::new(pixels, [1, 3, prepare.crop, prepare.crop]);
        let logits = network.forward(Tensor::from_data(image, &device)); // [1, 1000]
        let probabilities = softmax(logits, 1).into_data();

        let mut ranked: Vec<_> = probabilities
            .iter::<f32>()
            .zip(imagenet_classes())
            .collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
        println!("{}", picture.display());
        for (probability, class) in &ranked[..5] {
            println!("  {:5.1} %  {class}", 100.0 * probability);
        }
    }
    Ok(())
}
