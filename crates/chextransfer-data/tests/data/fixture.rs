//! Small datasets and image files made on the spot.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use chextransfer_data::{COLUMNS, CheXpert, Records, Split};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use tempfile::TempDir;

/// A picture with structure in both directions that differs from `salt` to `salt`.
pub(crate) fn picture(width: u32, height: u32, salt: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        Luma([((x * 3 + y * 2 + x * y / 16 + salt * 37) % 251) as u8])
    })
}

pub(crate) fn jpeg(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    image
        .into()
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 95))
        .unwrap();
    bytes
}

pub(crate) fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The header in CheXpert's order and one row for each entry of `labels`, which is the text of the 14 label cells.
pub(crate) fn csv(paths: &[String], labels: &str) -> String {
    let mut text = COLUMNS.join(",");
    for path in paths {
        text.push_str(&format!("\n{path},Female,61,Frontal,PA,{labels}"));
    }
    text.push('\n');
    text
}

pub(crate) const LABELS: &str = "0.0,,1.0,-1.0,,1.0,0.0,,-1.0,,1.0,,,";

pub(crate) fn row_path(index: usize) -> String {
    format!("CheXpert-v1.0/train/patient{index:05}/study1/view1_frontal.jpg")
}

/// A training split of `count` radiographs of differing sizes.
pub(crate) fn tree(count: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    let paths: Vec<String> = (0..count).map(row_path).collect();
    std::fs::write(folder.path().join("train.csv"), csv(&paths, LABELS)).unwrap();
    for index in 0..count {
        let salt = index as u32;
        write(
            &folder,
            index,
            &jpeg(picture(40 + salt % 7, 36 + salt % 5, salt)),
        );
    }
    folder
}

/// Puts the bytes where the row's radiograph is looked for.
pub(crate) fn write(folder: &TempDir, index: usize, bytes: &[u8]) {
    let file = image_file(folder.path(), index);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, bytes).unwrap();
}

pub(crate) fn image_file(root: &Path, index: usize) -> std::path::PathBuf {
    root.join(row_path(index).trim_start_matches("CheXpert-v1.0/"))
}

pub(crate) fn records(folder: &TempDir) -> Arc<Records> {
    let dataset = CheXpert::open(folder.path()).unwrap();
    Arc::new(dataset.split(Split::Train).unwrap())
}
