//! The measurement behind the audit's thresholds: how far apart different radiographs are, and how near the altered
//! copies of one.
//!
//! `cargo run --example audit_thresholds -- FOLDER` reads every image of a CheXpert-style folder and prints the extremes
//! of hash distance and correlation over all pairs, then over pairs of an image and its altered copy (every tenth image),
//! and how many frontal views, upright and inverted, are called inverted.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use chextransfer_data::audit::{
    INVERTED_BELOW, MAX_DISTANCE, MIN_CORRELATION, PerceptualHash, PerceptualHasher, Thumbnail,
};
use chextransfer_data::image::{Samples, decode_grey};
use chextransfer_data::{CheXpert, View};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, resize};
use image::{DynamicImage, GrayImage};

struct Looked {
    path: String,
    patient: String,
    view: Option<View>,
    thumbnail: Thumbnail,
    hash: PerceptualHash,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("give a CheXpert-style folder")?;
    let dataset = CheXpert::open(&folder)?;
    let hasher = PerceptualHasher::new();
    let mut images = Vec::new();
    let scratch = tempfile::tempdir()?;
    let mut copies: Vec<(&str, Vec<(u32, f64)>)> = Vec::new();
    for &split in dataset.splits() {
        let records = dataset.split(split)?;
        for record in records.records() {
            let file = records.image_path(record);
            let thumbnail = Thumbnail::of(&decode_grey(&file)?)?;
            let hash = hasher.hash(&thumbnail);
            if images.len() % 10 == 0 {
                for (place, (name, copy)) in altered(&grey(&file)?).into_iter().enumerate() {
                    let file = scratch.path().join("copy.jpg");
                    std::fs::write(&file, copy)?;
                    let other = Thumbnail::of(&decode_grey(&file)?)?;
                    let pair = (
                        hash.distance(hasher.hash(&other)),
                        thumbnail.correlation(&other),
                    );
                    match copies.get_mut(place) {
                        Some((_, pairs)) => pairs.push(pair),
                        None => copies.push((name, vec![pair])),
                    }
                }
            }
            images.push(Looked {
                path: record.path.clone(),
                patient: record.patient.clone(),
                view: record.view,
                thumbnail,
                hash,
            });
        }
    }
    different(&images);
    for (name, mut pairs) in copies {
        let found = |&(d, c): &(u32, f64)| d <= MAX_DISTANCE && c >= MIN_CORRELATION;
        let count = pairs.iter().filter(|pair| found(pair)).count();
        let lowest = pairs.iter().map(|p| p.1).fold(1.0, f64::min);
        pairs.sort_by_key(|pair| pair.0);
        let (middle, most) = (pairs[pairs.len() / 2].0, pairs[pairs.len() - 1].0);
        println!(
            "{name:<24} distance median {middle:>3}, most {most:>3}; correlation at least {lowest:.4}; found {count} of {}",
            pairs.len()
        );
    }
    inversions(&images);
    Ok(())
}

fn different(images: &[Looked]) {
    let mut nearest: Vec<(u32, f64, usize, usize)> = Vec::new();
    let mut likest: Vec<(u32, f64, usize, usize)> = Vec::new();
    let mut pairs = 0_u64;
    for (i, one) in images.iter().enumerate() {
        for (j, other) in images.iter().enumerate().skip(i + 1) {
            pairs += 1;
            let pair = (
                one.hash.distance(other.hash),
                one.thumbnail.correlation(&other.thumbnail),
                i,
                j,
            );
            if pair.0 <= 52 {
                nearest.push(pair);
            }
            if pair.1 >= 0.95 {
                likest.push(pair);
            }
        }
    }
    println!("{} images, {pairs} pairs", images.len());
    nearest.sort_by_key(|pair| pair.0);
    likest.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (name, list) in [("nearest hashes", nearest), ("highest correlation", likest)] {
        println!("{name}:");
        for (distance, correlation, i, j) in list.into_iter().take(8) {
            let (one, other) = (&images[i], &images[j]);
            let patients = if one.patient == other.patient {
                "one patient"
            } else {
                "two patients"
            };
            println!(
                "  {distance:>3} {correlation:.4} {patients}: {} {}",
                one.path, other.path
            );
        }
    }
}

fn inversions(images: &[Looked]) {
    let mut likeness: Vec<(f64, &str)> = images
        .iter()
        .filter(|image| image.view == Some(View::Frontal))
        .map(|image| (image.thumbnail.chest_likeness(), image.path.as_str()))
        .collect();
    likeness.sort_by(|a, b| a.0.total_cmp(&b.0));
    let called = |sign: f64| {
        let below = likeness.iter().filter(|(l, _)| sign * l < INVERTED_BELOW);
        below.count()
    };
    println!(
        "{} frontal views: {} called inverted as they are, {} when inverted; the lowest likenesses:",
        likeness.len(),
        called(1.0),
        called(-1.0)
    );
    for (value, path) in likeness.iter().take(6) {
        println!("  {value:.3} {path}");
    }
}

fn grey(file: &Path) -> Result<GrayImage, Box<dyn Error>> {
    let image = decode_grey(file)?;
    let samples = match image.samples() {
        Samples::Bits8(samples) => samples.clone(),
        Samples::Bits16(samples) => samples.iter().map(|&v| (v / 257) as u8).collect(),
    };
    Ok(GrayImage::from_raw(image.width(), image.height(), samples).ok_or("too few samples")?)
}

/// Copies as they arise when a dataset is encoded, scaled, developed or cut anew.
fn altered(image: &GrayImage) -> Vec<(&'static str, Vec<u8>)> {
    let (width, height) = image.dimensions();
    let sized = |factor: f64| {
        let side = |n: u32| ((f64::from(n) * factor) as u32).max(1);
        resize(image, side(width), side(height), FilterType::CatmullRom)
    };
    let toned = |tone: &dyn Fn(f64) -> f64| {
        let mut image = image.clone();
        for pixel in image.iter_mut() {
            *pixel = (255.0 * tone(f64::from(*pixel) / 255.0)).clamp(0.0, 255.0) as u8;
        }
        image
    };
    let cut = |share: f64| {
        let (x, y) = (
            (share * f64::from(width)) as u32,
            (share * f64::from(height)) as u32,
        );
        crop_imm(image, x, y, width - 2 * x, height - 2 * y).to_image()
    };
    let mut marked = image.clone();
    for (x, y) in (10..26).flat_map(|x| (10..26).map(move |y| (x, y))) {
        if x < width && y < height {
            marked.put_pixel(x, y, image::Luma([255]));
        }
    }
    vec![
        ("JPEG quality 50", jpeg(image, 50)),
        ("JPEG quality 20", jpeg(image, 20)),
        ("half the size", jpeg(&sized(0.5), 90)),
        ("double the size", jpeg(&sized(2.0), 90)),
        (
            "contrast x 0.8",
            jpeg(&toned(&|v| 0.5 + 0.8 * (v - 0.5)), 90),
        ),
        (
            "contrast x 1.3, clipped",
            jpeg(&toned(&|v| 0.5 + 1.3 * (v - 0.5)), 90),
        ),
        ("gamma 1.3", jpeg(&toned(&|v| v.powf(1.3)), 90)),
        ("marker of 16x16", jpeg(&marked, 90)),
        ("rim of 1 % cut off", jpeg(&cut(0.01), 90)),
        ("rim of 3 % cut off", jpeg(&cut(0.03), 90)),
    ]
}

fn jpeg(image: &GrayImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = DynamicImage::from(image.clone())
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality));
    bytes
}
