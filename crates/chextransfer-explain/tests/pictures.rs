//! Overlays and sheets, as pixels and as files.
#![allow(clippy::unwrap_used)]

use chextransfer_explain::{Panel, Sheet, Window, contour, grey_picture, overlay};
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

/// Two panels, one of them with every kind of line, a long caption and a legend.
fn sheet() -> Sheet {
    let (grey, map) = (radiograph(320, 400), hot_at(7, 2));
    let window = Window::centered_square([320, 400]);
    let colored = overlay(grey.view(), map.view(), window).unwrap();
    let original = Panel {
        caption: vec!["patient00001/study1/view1_frontal.jpg".to_owned()],
        ..Panel::new(grey_picture(grey.view()).unwrap())
    };
    let explained = Panel {
        contours: contour(map.view(), 0.5, window).unwrap(),
        truth: vec![vec![[100.0, 200.0], [200.0, 200.0], [150.0, 260.0]]],
        window: Some(window),
        caption: vec![
            "Pleural Effusion: 0.87".to_owned(),
            "label: positive & certain <1>".to_owned(),
        ],
        ..Panel::new(colored)
    };
    Sheet {
        title: "densenet121-minus1".to_owned(),
        rows: vec![vec![original, explained]],
        scale: Some("share of the map's highest value".to_owned()),
        contour: Some("half of the highest value".to_owned()),
        truth: Some("where the finding is".to_owned()),
        notes: vec!["Grad-CAM".to_owned()],
        widest_panel: None,
    }
}

#[test]
fn an_overlay_is_colored_where_the_map_is_hot() {
    let picture = overlay(
        radiograph(80, 120).view(),
        hot_at(7, 2).view(),
        Window::whole([80, 120]),
    )
    .unwrap();
    assert_eq!(picture.dimensions(), (120, 80));
    let (x, y, _) = picture
        .enumerate_pixels()
        .map(|(x, y, _)| (x, y, colorfulness(&picture, x, y)))
        .max_by_key(|(_, _, colorfulness)| *colorfulness)
        .unwrap();
    // The centre of row 7 of 10 is at 7.5 tenths of the height, that of column 2 at 2.5 of the width.
    assert!(
        x.abs_diff(30) < 12 && y.abs_diff(60) < 8,
        "most colourful at {x}, {y}"
    );
    assert!(
        colorfulness(&picture, 110, 5) < 4,
        "coloured where the map is dark"
    );
}

#[test]
fn nothing_is_colored_outside_the_window() {
    let (grey, window) = (radiograph(64, 96), Window::centered_square([64, 96]));
    let picture = overlay(grey.view(), Array2::ones((2, 2)).view(), window).unwrap();
    for (x, y, pixel) in picture.enumerate_pixels() {
        let original = (grey[[y as usize, x as usize]] * 255.0).round() as u8;
        let inside = (16..80).contains(&x);
        assert_eq!(pixel.0 != [original; 3], inside, "{x}, {y}");
    }
}

#[test]
fn a_dark_map_leaves_the_radiograph_as_it_is() {
    let grey = radiograph(16, 24);
    let dark = Array2::zeros((2, 2));
    let picture = overlay(grey.view(), dark.view(), Window::whole([16, 24])).unwrap();
    let original = grey_picture(grey.view()).unwrap();
    for (x, y, pixel) in picture.enumerate_pixels() {
        assert_eq!(pixel.0, [original.get_pixel(x, y).0[0]; 3]);
        assert_eq!(
            pixel.0[0],
            (grey[[y as usize, x as usize]] * 255.0).round() as u8
        );
    }
}

#[test]
fn a_sheet_shows_the_radiograph_in_its_own_resolution() {
    let sheet = sheet();
    assert_eq!(sheet.panel_width(), 400);
    let picture = sheet.to_image().unwrap();
    let original = grey_picture(radiograph(320, 400).view()).unwrap();
    // The gap is a twentieth of a panel; where the panel begins below the title is looked for.
    let at = |top: u32| {
        (0..400).step_by(7).all(|x| {
            let pixels = (0..320)
                .step_by(11)
                .map(|y| (y, picture.get_pixel(20 + x, top + y).0));
            pixels.clone().count() == 30
                && pixels
                    .into_iter()
                    .all(|(y, pixel)| pixel == [original.get_pixel(x, y).0[0]; 3])
        })
    };
    assert!(
        (20..120).any(at),
        "the radiograph was not found pixel by pixel"
    );
}

#[test]
fn a_sheet_of_thumbnails_is_as_narrow_as_asked() {
    let thumbnails = Sheet {
        widest_panel: Some(100),
        ..sheet()
    };
    assert_eq!(thumbnails.panel_width(), 100);
    let picture = thumbnails.to_image().unwrap();
    assert_eq!(picture.width(), 2 * 100 + 3 * 5);
    assert!(thumbnails.to_svg().unwrap().len() < sheet().to_svg().unwrap().len());
}

#[test]
fn text_is_drawn_below_the_panels_and_reaches_over_no_panel_and_no_border() {
    let with = sheet().to_image().unwrap();
    let mut bare = sheet();
    for panel in bare.rows.iter_mut().flatten() {
        for line in &mut panel.caption {
            // As wide as before, but without letters: nothing is drawn.
            *line = String::new();
        }
    }
    let without = bare.to_image().unwrap();
    assert!(
        with.height() > without.height() + 30,
        "captions take no room"
    );
    let dark = |picture: &RgbImage, x: u32, y: u32| {
        picture
            .get_pixel(x, y)
            .0
            .iter()
            .all(|channel| *channel < 100)
    };
    let ink = |columns: std::ops::Range<u32>, rows: std::ops::Range<u32>| {
        columns
            .flat_map(|x| rows.clone().map(move |y| (x, y)))
            .filter(|(x, y)| dark(&with, *x, *y))
            .count()
    };
    let (width, height) = with.dimensions();
    // The panels end above row 390, their captions below row 480, where the legend begins.
    for panel in [20..420, 440..840] {
        let letters = ink(panel.clone(), 390..440);
        assert!(
            letters > 400,
            "{letters} dark pixels below the panel at {panel:?}"
        );
    }
    // Between the captions there is nothing, and nothing at the sheet's borders.
    assert_eq!(ink(422..439, 0..440), 0);
    for columns in [0..18, width - 18..width] {
        assert_eq!(ink(columns.clone(), 0..height), 0, "{columns:?}");
    }
}

#[test]
fn a_sheet_is_the_same_picture_as_png_and_as_svg() {
    let folder = tempfile::tempdir().unwrap();
    let (png, svg) = (
        folder.path().join("sheet.png"),
        folder.path().join("sheet.svg"),
    );
    let sheet = sheet();
    sheet.write(&png).unwrap();
    sheet.write(&svg).unwrap();
    assert_eq!(
        image::open(&png).unwrap().into_rgb8(),
        sheet.to_image().unwrap()
    );
    let text = std::fs::read_to_string(&svg).unwrap();
    for expected in [
        "@font-face",
        "positive &amp; certain &lt;1&gt;",
        "data:image/png;base64,",
        "where the finding is",
        "stroke-dasharray",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    // Every picture is in the file in full resolution.
    assert_eq!(text.matches("<image ").count(), 2);
    // The same bytes for the same sheet.
    assert_eq!(sheet.to_svg().unwrap(), text);
    let message = sheet
        .write(folder.path().join("sheet.jpg"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "unknown kind of picture `jpg`; expected one of: png, svg"
    );
    assert!(Sheet::default().to_svg().is_err());
}

#[test]
fn values_that_are_no_brightness_are_errors_that_name_the_place() {
    let grey = radiograph(4, 4);
    let window = Window::whole([4, 4]);
    let raw = array![[0.0, 0.5], [7.5, 0.0]];
    let message = overlay(grey.view(), raw.view(), window)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the map holds 7.5 in row 1, column 0, expected 0 to 1"
    );
    let mut broken = grey.clone();
    broken[[2, 3]] = f32::NAN;
    let message = grey_picture(broken.view()).unwrap_err().to_string();
    assert!(
        message.starts_with("the radiograph holds NaN in row 2, column 3"),
        "{message}"
    );
    assert!(overlay(Array2::zeros((0, 4)).view(), grey.view(), window).is_err());
    assert!(overlay(grey.view(), Array2::zeros((4, 0)).view(), window).is_err());
    assert!(overlay(grey.view(), grey.view(), Window::whole([5, 4])).is_err());
}

#[test]
fn a_sheet_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = sheet();
    let absent = folder.path().join("absent").join("sheet.svg");
    let message = sheet.write(&absent).unwrap_err().to_string();
    assert!(
        message.contains("cannot write") && message.contains("sheet.svg"),
        "{message}"
    );
    assert!(!message.contains('\n'));

    // A folder of the same name is in the way of the last step, the rename.
    let occupied = folder.path().join("occupied.svg");
    std::fs::create_dir(&occupied).unwrap();
    assert!(sheet.write(&occupied).is_err());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[cfg(unix)]
#[test]
fn others_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, ordinary) = (
        folder.path().join("sheet.svg"),
        folder.path().join("ordinary"),
    );
    std::fs::write(&ordinary, b"").unwrap();
    sheet().write(&path).unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&ordinary));
}
