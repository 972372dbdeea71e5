//! Maps drawn over radiographs.

use image::{GrayImage, Luma, Rgb, RgbImage};
use ndarray::ArrayView2;

use crate::color::blend;
use crate::map::not_empty;
use crate::{Error, Result, Window};

/// A map as colour over a grey radiograph, in the radiograph's resolution: where it is 0 the radiograph is as it was, and
/// the higher it is the more the colour covers.
///
/// # Shapes
/// Radiograph `[height, width]`, brightness in 0 to 1; map of any size, intensity in 0 to 1, stretched to the window
/// bilinearly.
///
/// # Errors
/// [`Error::OutOfRange`] for a brightness or intensity that is not in 0 to 1, such as that of a map on
/// [`Scale::Raw`](crate::Scale::Raw), [`Error::Empty`] when there is no pixel, and [`Error::Picture`] for a window that
/// is not inside the radiograph.
pub fn overlay(
    radiograph: ArrayView2<f32>,
    map: ArrayView2<f32>,
    window: Window,
) -> Result<RgbImage> {
    check("radiograph", radiograph)?;
    check("map", map)?;
    let (height, width) = radiograph.dim();
    let map = window.place(map, [height, width])?;
    Ok(RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let place = [y as usize, x as usize];
        Rgb(blend(radiograph[place], map[place]))
    }))
}

/// A radiograph as a picture.
///
/// # Errors
/// As [`overlay`].
pub fn grey_picture(radiograph: ArrayView2<f32>) -> Result<GrayImage> {
    check("radiograph", radiograph)?;
    let (height, width) = radiograph.dim();
    Ok(GrayImage::from_fn(width as u32, height as u32, |x, y| {
        Luma([(radiograph[[y as usize, x as usize]] * 255.0).round() as u8])
    }))
}

fn check(what: &'static str, values: ArrayView2<f32>) -> Result<()> {
    not_empty(what, values.dim())?;
    let outside = values
        .indexed_iter()
        .find(|(_, value)| !(0.0..=1.0).contains(*value));
    match outside {
        None => Ok(()),
        Some(((row, column), &found)) => Err(Error::OutOfRange {
            what,
            found,
            row,
            column,
        }),
    }
}
