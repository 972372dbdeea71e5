//! Overlays as files.
#![allow(clippy::unwrap_used)]

use chextransfer_explain::{overlay, side_by_side, write_png};
use image::RgbImage;
use ndarray::{Array2, array};

/// Lungs in a body, more or less.
fn radiograph(height: usize, width: usize) -> Array2<f32> {
    Array2::from_shape_fn((height, width), |(row, column)| {
        let y = row as f32 / height as f32 - 0.5;
        let x = column as f32 / width as f32 - 0.5;
        let lung = |center: f32| ((x - center) / 0.17).powi(2) + (y / 0.36).powi(2) < 1.0;
        let rib = 0.08 * ((y * 60.0 + x.abs() * 12.0).sin().max(0.0));
        let tissue = 0.75 - 0.5 * (x * x + y * y);
        let value = if lung(-0.22) || lung(0.22) {
            0.18 + rib
        } else {
            tissue
        };
        value + 0.02 * ((row * 7 + column * 13) % 5) as f32 / 5.0
    })
}

/// A map of 10x10 with one hot spot.
fn hot_at(row: usize, column: usize) -> Array2<f32> {
    Array2::from_shape_fn((10, 10), |(r, c)| {
        let distance = (r as f32 - row as f32).powi(2) + (c as f32 - column as f32).powi(2);
        (-distance / 4.0).exp()
    })
}

/// How far a pixel is from grey.
fn colorfulness(picture: &RgbImage, x: u32, y: u32) -> u8 {
    let channels = picture.get_pixel(x, y).0;
    channels.iter().max().unwrap() - channels.iter().min().unwrap()
}

#[test]
fn the_file_decodes_to_the_picture_and_is_colored_where_the_map_is_hot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overlay.png");
    let picture = overlay(radiograph(80, 120).view(), hot_at(7, 2).view()).unwrap();
    write_png(&picture, &path).unwrap();
    let read = image::open(&path).unwrap().into_rgb8();
    assert_eq!(read, picture);
    assert_eq!(read.dimensions(), (120, 80));

    let (x, y, _) = read
        .enumerate_pixels()
        .map(|(x, y, _)| (x, y, colorfulness(&read, x, y)))
        .max_by_key(|(_, _, colorfulness)| *colorfulness)
        .unwrap();
    // The centre of row 7 of 10 is at 7.5 tenths of the height, that of column 2 at 2.5 of the width.
    assert!(
        x.abs_diff(30) < 12 && y.abs_diff(60) < 8,
        "hottest at {x}, {y}"
    );
    assert!(
        colorfulness(&read, 110, 5) < 4,
        "coloured where the map is dark"
    );
}

#[test]
fn a_dark_map_leaves_the_radiograph_as_it_is() {
    let grey = radiograph(16, 24);
    let picture = overlay(grey.view(), Array2::zeros((2, 2)).view()).unwrap();
    for (x, y, pixel) in picture.enumerate_pixels() {
        let expected = (grey[[y as usize, x as usize]] * 255.0).round() as u8;
        assert_eq!(pixel.0, [expected; 3]);
    }
}

#[test]
fn side_by_side_shows_the_radiograph_alone_and_covered() {
    let (grey, map) = (radiograph(64, 64), hot_at(5, 5));
    let both = side_by_side(grey.view(), map.view()).unwrap();
    let right = overlay(grey.view(), map.view()).unwrap();
    let gap = both.width() - 2 * 64;
    assert_eq!(both.height(), 64);
    for (x, y, pixel) in right.enumerate_pixels() {
        assert_eq!(both.get_pixel(64 + gap + x, y), pixel);
        let expected = (grey[[y as usize, x as usize]] * 255.0).round() as u8;
        assert_eq!(both.get_pixel(x, y).0, [expected; 3]);
    }
}

#[test]
fn values_that_are_no_brightness_are_errors_that_name_the_place() {
    let grey = radiograph(4, 4);
    let raw = array![[0.0, 0.5], [7.5, 0.0]];
    let message = overlay(grey.view(), raw.view()).unwrap_err().to_string();
    assert_eq!(
        message,
        "the map holds 7.5 in row 1, column 0, expected 0 to 1"
    );
    let mut broken = grey.clone();
    broken[[2, 3]] = f32::NAN;
    let message = side_by_side(broken.view(), raw.view())
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("the radiograph holds NaN in row 2, column 3"),
        "{message}"
    );
    assert!(overlay(Array2::zeros((0, 4)).view(), grey.view()).is_err());
    assert!(overlay(grey.view(), Array2::zeros((4, 0)).view()).is_err());
}

#[test]
fn a_picture_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let picture = overlay(radiograph(8, 8).view(), hot_at(1, 1).view()).unwrap();
    let absent = folder.path().join("absent").join("overlay.png");
    let message = write_png(&picture, &absent).unwrap_err().to_string();
    assert!(
        message.contains("cannot write") && message.contains("overlay.png"),
        "{message}"
    );
    assert!(!message.contains('\n'));

    // A folder of the same name is in the way of the last step, the rename.
    let occupied = folder.path().join("occupied");
    std::fs::create_dir(&occupied).unwrap();
    assert!(write_png(&picture, &occupied).is_err());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[cfg(unix)]
#[test]
fn others_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, ordinary) = (
        folder.path().join("overlay.png"),
        folder.path().join("ordinary"),
    );
    std::fs::write(&ordinary, b"").unwrap();
    let picture = overlay(radiograph(8, 8).view(), hot_at(1, 1).view()).unwrap();
    write_png(&picture, &path).unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&ordinary));
}
