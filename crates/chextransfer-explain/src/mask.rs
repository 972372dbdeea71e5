//! Where a finding is: masks from pictures, COCO's run lengths or boxes.

use std::collections::BTreeMap;
use std::path::Path;

use image::{GrayImage, Luma};
use ndarray::{Array2, ArrayView2};

use crate::contour::marching_squares;
use crate::{Error, Outline, Result};

/// The pixels of a picture that belong to a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask(Array2<bool>);

/// A rectangle as datasets state them: `x` and `y` of its top left corner, width and height, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// CheXlocalize's file of masks: by picture, and by observation.
pub type MasksByImage = BTreeMap<String, BTreeMap<String, Mask>>;

/// The largest mask that is read, in pixels: the largest radiograph that is decoded.
const MAX_PIXELS: usize = 8_192 * 8_192;

impl Mask {
    /// From `[height, width]`, true where the finding is.
    ///
    /// # Errors
    /// [`Error::Mask`] when there is no pixel.
    pub fn new(pixels: Array2<bool>) -> Result<Self> {
        let (height, width) = pixels.dim();
        check_size([height, width])?;
        Ok(Self(pixels))
    }

    /// From a PNG whose pixels are 0 outside and anything else inside.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn read_png(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = || -> Result<GrayImage, Box<dyn std::error::Error + Send + Sync>> {
            let reader = image::ImageReader::open(path)?.with_guessed_format()?;
            Ok(reader.decode()?.into_luma8())
        };
        let picture = read().map_err(Error::file("read", path))?;
        let (width, height) = picture.dimensions();
        Self::new(Array2::from_shape_fn(
            (height as usize, width as usize),
            |(row, column)| picture.get_pixel(column as u32, row as u32).0[0] > 0,
        ))
    }

    /// From COCO's compressed run lengths (`counts` of pycocotools' `encode`) and its `size`, `[height, width]`.
    ///
    /// Runs go down the columns and alternate between outside and inside, outside first. From the third on a run is stored
    /// as its difference to the run two before; each number is written in groups of five bits, low ones first, as letters
    /// from `0` on, a sixth bit telling that more follow.
    ///
    /// # Errors
    /// [`Error::Mask`] with what is wrong and where.
    pub fn from_rle(counts: &str, [height, width]: [usize; 2]) -> Result<Self> {
        check_size([height, width])?;
        let mut pixels = Array2::from_elem((height, width), false);
        let total = height * width;
        let (mut filled, mut inside) = (0usize, false);
        for run in runs(counts)? {
            let end = usize::try_from(run)
                .ok()
                .and_then(|run| filled.checked_add(run));
            let end = end.filter(|&end| end <= total).ok_or_else(|| {
                Error::mask(format!(
                    "run {run} after {filled} pixels does not fit {height}x{width}"
                ))
            })?;
            if inside {
                for place in filled..end {
                    pixels[[place % height, place / height]] = true;
                }
            }
            filled = end;
            inside = !inside;
        }
        if filled != total {
            return Err(Error::mask(format!(
                "the runs add up to {filled} pixels, expected {total} for {height}x{width}"
            )));
        }
        Ok(Self(pixels))
    }

    /// As COCO's compressed run lengths.
    pub fn to_rle(&self) -> String {
        let mut runs: Vec<i64> = vec![0];
        let mut inside = false;
        for &pixel in self.0.t() {
            if pixel != inside {
                runs.push(0);
                inside = pixel;
            }
            if let Some(run) = runs.last_mut() {
                *run += 1;
            }
        }
        let mut counts = String::new();
        for (index, &run) in runs.iter().enumerate() {
            let mut rest = if index > 2 {
                run - runs[index - 2]
            } else {
                run
            };
            loop {
                let group = (rest & 0x1f) as u8;
                rest >>= 5;
                // The highest bit of the last group is the sign.
                let done = rest == if group & 0x10 == 0 { 0 } else { -1 };
                counts.push(char::from(b'0' + group + if done { 0 } else { 0x20 }));
                if done {
                    break;
                }
            }
        }
        counts
    }

    /// The pixels whose centres lie in one of these boxes, of a picture of `[height, width]`.
    ///
    /// # Errors
    /// [`Error::Mask`] for a box whose numbers are not finite or whose sides are not positive.
    pub fn from_boxes(boxes: &[BoundingBox], [height, width]: [usize; 2]) -> Result<Self> {
        check_size([height, width])?;
        for BoundingBox {
            x,
            y,
            width,
            height,
        } in boxes
        {
            let finite = [x, y, width, height]
                .into_iter()
                .all(|number| number.is_finite());
            if !finite || *width <= 0.0 || *height <= 0.0 {
                return Err(Error::mask(format!(
                    "found a box at x {x}, y {y} of width {width} and height {height}, expected finite numbers and positive sides"
                )));
            }
        }
        let within = |at: usize, start: f64, length: f64| {
            let centre = at as f64 + 0.5;
            start <= centre && centre < start + length
        };
        Ok(Self(Array2::from_shape_fn(
            (height, width),
            |(row, column)| {
                boxes
                    .iter()
                    .any(|b| within(row, b.y, b.height) && within(column, b.x, b.width))
            },
        )))
    }

    /// Reads CheXlocalize's segmentations: JSON of picture, observation, and COCO's `size` and `counts`.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Mask`] with picture and observation.
    pub fn read_chexlocalize(path: impl AsRef<Path>) -> Result<MasksByImage> {
        #[derive(serde::Deserialize)]
        struct RunLengths {
            size: [usize; 2],
            counts: String,
        }
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
        let pictures: BTreeMap<String, BTreeMap<String, RunLengths>> =
            serde_json::from_slice(&bytes).map_err(Error::file("read", path))?;
        let mut masks = MasksByImage::new();
        for (picture, observations) in pictures {
            for (observation, RunLengths { size, counts }) in observations {
                let mask = Self::from_rle(&counts, size).map_err(|error| {
                    Error::mask(format!(
                        "{}, {picture}, {observation}: {error}",
                        path.display()
                    ))
                })?;
                masks
                    .entry(picture.clone())
                    .or_default()
                    .insert(observation, mask);
            }
        }
        Ok(masks)
    }

    /// The pixels, `[height, width]`.
    pub fn pixels(&self) -> ArrayView2<'_, bool> {
        self.0.view()
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.0.nrows(), self.0.ncols()]
    }

    /// How many pixels belong to the finding.
    pub fn area(&self) -> usize {
        self.0.iter().filter(|pixel| **pixel).count()
    }

    /// The lines around the finding.
    pub fn outlines(&self) -> Vec<Outline> {
        marching_squares(self.0.mapv(|pixel| f32::from(u8::from(pixel))).view(), 0.5)
    }

    /// As a picture, 255 where the finding is.
    pub fn to_picture(&self) -> GrayImage {
        GrayImage::from_fn(self.0.ncols() as u32, self.0.nrows() as u32, |x, y| {
            Luma([if self.0[[y as usize, x as usize]] {
                255
            } else {
                0
            }])
        })
    }
}

fn check_size([height, width]: [usize; 2]) -> Result<()> {
    match height.checked_mul(width) {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(Error::mask(format!(
            "found size {height}x{width}, expected 1 to {MAX_PIXELS} pixels"
        ))),
    }
}

/// The run lengths of COCO's letters.
fn runs(counts: &str) -> Result<Vec<i64>> {
    let mut runs: Vec<i64> = Vec::new();
    let (mut number, mut shift) = (0i64, 0);
    for (place, letter) in counts.bytes().enumerate() {
        let bits = match letter {
            b'0'..=b'o' => i64::from(letter - b'0'),
            _ => {
                return Err(Error::mask(format!(
                    "found byte {letter:#04x} at {place}, expected `0` to `o`"
                )));
            }
        };
        // Seven groups hold more than any mask has pixels.
        if shift > 30 {
            return Err(Error::mask(format!(
                "the number that ends at {place} is too long"
            )));
        }
        number |= (bits & 0x1f) << shift;
        shift += 5;
        if bits & 0x20 == 0 {
            if bits & 0x10 != 0 {
                number |= -1 << shift;
            }
            if runs.len() > 2 {
                number += runs[runs.len() - 2];
            }
            runs.push(number);
            (number, shift) = (0, 0);
        }
    }
    match shift {
        0 => Ok(runs),
        _ => Err(Error::mask("the last number is cut off")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `pycocotools.mask.encode`, version 2.0.11.
    #[test]
    fn run_lengths_are_those_of_pycocotools() {
        let mut pixels = Array2::from_elem((7, 5), false);
        for row in 1..4 {
            pixels[[row, 1]] = true;
            pixels[[row, 2]] = true;
        }
        pixels[[5, 4]] = true;
        pixels.row_mut(6).fill(true);
        let mask = Mask::new(pixels).unwrap();
        assert_eq!(mask.to_rle(), "61121NO21N40O1");
        assert_eq!(Mask::from_rle("61121NO21N40O1", [7, 5]).unwrap(), mask);
    }

    #[test]
    fn an_ellipse_of_pycocotools_has_its_area_and_place() {
        let counts = r"XV\1m0m8<F8H8I6J6J6K4K6K4L4M2M4L4M2M4M2M4M2N2N2N2N2N2N2N2N2N2N2N2N2O0O2N2O0O2O0O2O0O2O0O2O0O2O000O2O00000O2O000000000000000000000000000000000001N1000001N10001N101N101N101N101N101N2N101N2N2N2N2N2N2N2N2N2N2N2N2N3L3N3L3N3L4L3N3L4L5J5L5J6J6J7H8H:Dn_X1";
        let mask = Mask::from_rle(counts, [320, 390]).unwrap();
        let expected = Array2::from_shape_fn((320, 390), |(row, column)| {
            ((row as f64 - 150.0) / 80.0).powi(2) + ((column as f64 - 200.0) / 60.0).powi(2) < 1.0
        });
        assert_eq!(mask.area(), 15_041);
        assert_eq!(mask.pixels(), expected);
        assert_eq!(mask.to_rle(), counts);
    }

    #[test]
    fn broken_run_lengths_are_errors_that_say_what_is_wrong() {
        for (counts, expected) in [
            ("6112", "add up to"),
            ("a1", "does not fit"),
            ("6112`", "cut off"),
            ("61 21", "byte 0x20 at 2"),
            ("oooooooooooooo", "too long"),
            ("N", "run -2"),
            ("", "add up to 0"),
        ] {
            let message = Mask::from_rle(counts, [7, 5]).unwrap_err().to_string();
            assert!(message.contains(expected), "{counts}: {message}");
        }
        for size in [[0, 5], [usize::MAX, 2], [100_000, 100_000]] {
            assert!(Mask::from_rle("0", size).is_err());
        }
    }

    #[test]
    fn a_box_holds_the_pixels_whose_centres_it_holds() {
        let b = BoundingBox {
            x: 1.0,
            y: 0.4,
            width: 2.0,
            height: 1.2,
        };
        let mask = Mask::from_boxes(&[b], [3, 4]).unwrap();
        #[rustfmt::skip]
        let expected = ndarray::array![
            [false, true, true, false],
            [false, true, true, false],
            [false, false, false, false],
        ];
        assert_eq!(mask.pixels(), expected);
        for wrong in [
            BoundingBox { width: 0.0, ..b },
            BoundingBox { x: f64::NAN, ..b },
        ] {
            assert!(Mask::from_boxes(&[wrong], [3, 4]).is_err());
        }
    }

    #[test]
    fn masks_come_back_from_a_picture_and_from_chexlocalizes_json() {
        let folder = tempfile::tempdir().unwrap();
        let mask = Mask::from_rle("61121NO21N40O1", [7, 5]).unwrap();
        let path = folder.path().join("mask.png");
        mask.to_picture().save(&path).unwrap();
        assert_eq!(Mask::read_png(&path).unwrap(), mask);

        let path = folder.path().join("masks.json");
        let json = r#"{"patient1_study1_view1_frontal": {"Edema": {"size": [7, 5], "counts": "61121NO21N40O1"}}}"#;
        std::fs::write(&path, json).unwrap();
        let masks = Mask::read_chexlocalize(&path).unwrap();
        assert_eq!(masks["patient1_study1_view1_frontal"]["Edema"], mask);
        std::fs::write(&path, json.replace("[7, 5]", "[7, 6]")).unwrap();
        let message = Mask::read_chexlocalize(&path).unwrap_err().to_string();
        assert!(
            message.contains("masks.json, patient1_study1_view1_frontal, Edema"),
            "{message}"
        );
        assert!(Mask::read_png(&path).is_err() && Mask::read_png("absent.png").is_err());
    }
}
