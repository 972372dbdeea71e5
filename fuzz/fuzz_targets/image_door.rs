//! Any bytes as an image: an error or an image, never a panic. See `README.md` beside it.
#![no_main]

use std::sync::LazyLock;

use chextransfer_data::image::decode_grey;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("image");
    std::fs::write(&path, bytes).expect("it can be written");
    if let Ok(image) = decode_grey(&path) {
        let pixels = image.width() as usize * image.height() as usize;
        assert_eq!(image.samples().len(), pixels);
    }
});
