//! Maps drawn over radiographs.

use std::io::{BufWriter, Write};
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use ndarray::ArrayView2;

use crate::map::not_empty;
use crate::{Error, Result, upsample};

/// Strongest share of the colour, so that the anatomy stays visible under it.
const OPACITY: f32 = 0.6;
/// Width of the gap between two pictures, as a divisor of the picture's width.
const GAP: u32 = 64;

/// A map as colour over a grey radiograph: where it is 0 the radiograph is as it was, and the higher
/// it is the more the colour covers.
///
/// # Shapes
/// Radiograph `[height, width]`, brightness in 0 to 1; map of any size, intensity in 0 to 1, stretched to
/// the radiograph bilinearly.
///
/// # Errors
/// [`Error::OutOfRange`] for a brightness or intensity that is not in 0 to 1, such as that of a map on
/// [`Scale::Raw`](crate::Scale::Raw), and [`Error::Empty`] when there is no pixel.
pub fn overlay(radiograph: ArrayView2<f32>, map: ArrayView2<f32>) -> Result<RgbImage> {
    check("radiograph", radiograph)?;
    check("map", map)?;
    let (height, width) = radiograph.dim();
    let map = upsample(map, [height, width])?;
    Ok(picture(radiograph, |row, column, grey| {
        let heat = map[[row, column]];
        // Turbo's hues stay apart over dark lungs and bright bones alike; maps that start at black or
        // end near white are lost on one of them.
        let color = colorous::TURBO.eval_continuous(f64::from(heat)).as_array();
        let share = heat * OPACITY;
        color.map(|channel| {
            (grey * (1.0 - share) * 255.0 + f32::from(channel) * share).round() as u8
        })
    }))
}

/// The radiograph on the left, and on the right with the map over it.
///
/// # Shapes
/// As [`overlay`]; the picture is twice as wide and a gap.
///
/// # Errors
/// As [`overlay`].
pub fn side_by_side(radiograph: ArrayView2<f32>, map: ArrayView2<f32>) -> Result<RgbImage> {
    let right = overlay(radiograph, map)?;
    let left = picture(radiograph, |_, _, grey| [(grey * 255.0).round() as u8; 3]);
    let (width, height) = right.dimensions();
    let gap = (width / GAP).max(1);
    let mut both = RgbImage::from_pixel(2 * width + gap, height, Rgb([255; 3]));
    image::imageops::replace(&mut both, &left, 0, 0);
    image::imageops::replace(&mut both, &right, i64::from(width + gap), 0);
    Ok(both)
}

/// Writes a picture as PNG, whole or not at all.
///
/// # Errors
/// [`Error::Write`]; then a file of this name is as it was before.
pub fn write_png(picture: &RgbImage, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut file = temporary_file().tempfile_in(folder)?;
        let mut buffered = BufWriter::new(file.as_file_mut());
        picture.write_to(&mut buffered, ImageFormat::Png)?;
        buffered.flush()?;
        drop(buffered);
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|cause| Error::Write {
        path: path.to_owned(),
        cause,
    })
}

/// A temporary file with the permissions of an ordinary one; left to itself, the crate makes files that only their owner
/// can read.
fn temporary_file() -> tempfile::Builder<'static, 'static> {
    #[allow(unused_mut)]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// A picture of the radiograph's size, each pixel from its row, column and brightness.
fn picture(radiograph: ArrayView2<f32>, pixel: impl Fn(usize, usize, f32) -> [u8; 3]) -> RgbImage {
    let (height, width) = radiograph.dim();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (row, column) = (y as usize, x as usize);
        Rgb(pixel(row, column, radiograph[[row, column]]))
    })
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
