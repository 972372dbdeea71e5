//! A network as a feature extractor: maps at blocks by name, and one vector an image.
//!
//! ```text
//! cargo run --release --example feature_extractor -- densenet121 densenet121.safetensors xray1.jpg xray2.jpg
//! ```
//!
//! Without arguments it draws two phantom radiographs and takes random weights.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use chextransfer::data::{CheXpert, Normalization, Split, image::load_rgb, phantom};
use chextransfer::models::weights::{Head, load};
use chextransfer::models::{Architecture, DeviceChoice};

const SIDE: u32 = 224;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next();
    let architecture: Architecture = name.as_deref().unwrap_or("resnet18").parse()?;
    let weights = arguments.next();
    let mut images: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    if images.is_empty() {
        images = phantom_radiographs(folder.path())?;
    }

    // Without its last block the network's vector is shorter and its map finer.
    let device = DeviceChoice::Cpu.open()?;
    let spec = architecture.minus(1)?;
    let mut network = spec.init(0, &device);
    if let Some(file) = weights {
        network = load(network, Path::new(&file), Head::LeaveOut)?.0;
    }
    let network = network.valid();

    let mut pixels = Vec::new();
    for path in &images {
        let mut image = load_rgb(path, SIDE, SIDE)?;
        Normalization::IMAGENET.apply(&mut image);
        pixels.extend(image);
    }
    let side = SIDE as usize;
    let batch = TensorData::new(pixels, [images.len(), 3, side, side]);
    let batch = Tensor::<4>::from_data(batch, &device);

    let names: Vec<&str> = spec
        .blocks()
        .iter()
        .map(|block| block.name.as_str())
        .collect();
    let maps = network.forward_features_at(batch.clone(), &names)?;
    for (name, map) in names.iter().zip(maps) {
        println!("{name:<12} {:?}", map.dims());
    }

    let vectors = network.forward_embedding(batch); // [images, features]
    let length = vectors.clone().powf_scalar(2.0).sum_dim(1).sqrt();
    let unit = vectors / length;
    let similarity = unit.clone().matmul(unit.transpose()); // [images, images]
    println!(
        "cosine similarity of the images' vectors:\n{}",
        similarity.into_data()
    );
    Ok(())
}

fn phantom_radiographs(folder: &Path) -> Result<Vec<PathBuf>> {
    let dataset = folder.join("phantom");
    let config = phantom::PhantomConfig {
        patients: 10,
        side: SIDE,
        ..Default::default()
    };
    phantom::generate(&config, &dataset, |_, _| ())?;
    let records = CheXpert::open(&dataset)?.split(Split::Train)?;
    let first = records.records().iter().take(2);
    Ok(first.map(|record| records.image_path(record)).collect())
}
