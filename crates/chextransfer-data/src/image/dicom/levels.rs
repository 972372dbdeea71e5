//! From stored values to grey levels: one table for all that the header asks for.

use super::header::{Header, VoiLut, Window, WindowFunction};
use crate::image::contract::Correction;
use crate::image::decode::VoiTransform;
use crate::image::plane::Samples;

/// The grey of every stored value, by its bits.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Levels {
    Bits8(Vec<u8>),
    Bits16(Vec<u16>),
}

/// The table for this header, with all that it corrects: sign, rescaling, values of interest, inversion.
///
/// It has 8 bits if none of its greys needs more.
pub(super) fn of_stored_values(
    header: &Header,
    voi: VoiTransform,
) -> Result<(Levels, Vec<Correction>), String> {
    let mut corrections = Vec::new();
    if (header.slope, header.intercept) != (1.0, 0.0) {
        corrections.push(Correction::Rescaled {
            slope: header.slope,
            intercept: header.intercept,
        });
    }
    let codes = 1_u32 << header.bits_stored;
    let values: Vec<f64> = (0..codes)
        .map(|code| {
            let value = if header.signed && code >= codes / 2 {
                f64::from(code) - f64::from(codes)
            } else {
                f64::from(code)
            };
            header.slope * value + header.intercept
        })
        .collect();

    let grey: Box<dyn Fn(f64) -> f64> = match (voi, &header.table, header.window) {
        (VoiTransform::FromFile, Some(table), _) => {
            corrections.push(Correction::LookedUp {
                entries: table.entries.len(),
            });
            Box::new(|value| table.grey(value))
        }
        (VoiTransform::FromFile, None, Some(window)) => {
            corrections.push(Correction::Windowed {
                function: window.function.name(),
                center: window.center,
                width: window.width,
            });
            Box::new(move |value| window.grey(value))
        }
        _ => {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Box::new(move |value| (value - least) / (greatest - least))
        }
    };
    let inverted = |grey: f64| if header.inverted { 1.0 - grey } else { grey };
    let greys: Vec<f64> = values.iter().map(|&value| inverted(grey(value))).collect();
    if header.inverted {
        corrections.push(Correction::Inverted);
    }
    if greys.iter().any(|grey| !(0.0..=1.0).contains(grey)) {
        return Err(format!(
            "rescale slope {} and intercept {} leave no grey levels",
            header.slope, header.intercept
        ));
    }
    Ok((Levels::of(&greys), corrections))
}

impl Levels {
    fn of(greys: &[f64]) -> Self {
        // The tolerance is that of f64 arithmetic.
        let whole = |grey: &f64| (grey * 255.0 - (grey * 255.0).round()).abs() < 1e-9;
        if greys.len() <= 256 && greys.iter().all(whole) {
            Self::Bits8(greys.iter().map(|g| (g * 255.0).round() as u8).collect())
        } else {
            let level = |g: &f64| (g * 65_535.0).round() as u16;
            Self::Bits16(greys.iter().map(level).collect())
        }
    }

    /// The samples of stored values; bits above those stored are ignored, overlays may stand there.
    pub(super) fn look_up(&self, stored: &[u16]) -> Samples {
        fn each<T: Copy>(table: &[T], stored: &[u16]) -> Vec<T> {
            let mask = table.len() - 1; // a power of two less one
            stored
                .iter()
                .map(|&value| table[usize::from(value) & mask])
                .collect()
        }
        match self {
            Self::Bits8(table) => Samples::Bits8(each(table, stored)),
            Self::Bits16(table) => Samples::Bits16(each(table, stored)),
        }
    }
}

impl WindowFunction {
    fn name(self) -> &'static str {
        match self {
            Self::Linear => "LINEAR",
            Self::LinearExact => "LINEAR_EXACT",
            Self::Sigmoid => "SIGMOID",
        }
    }
}

impl Window {
    /// PS3.3, C.11.2.1.2.1 (linear), C.11.2.1.3.1 (sigmoid) and C.11.2.1.3.2 (linear exact), for output from 0 to 1.
    fn grey(self, value: f64) -> f64 {
        let Self {
            function,
            center,
            width,
        } = self;
        match function {
            // A width of 1 is a threshold.
            WindowFunction::Linear if width == 1.0 => f64::from(value > center - 0.5),
            WindowFunction::Linear => {
                ((value - (center - 0.5)) / (width - 1.0) + 0.5).clamp(0.0, 1.0)
            }
            WindowFunction::LinearExact => ((value - center) / width + 0.5).clamp(0.0, 1.0),
            WindowFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
        }
    }
}

impl VoiLut {
    fn grey(&self, value: f64) -> f64 {
        let place = (value - self.first).round().max(0.0) as usize;
        let entry = self.entries.get(place).or(self.entries.last());
        f64::from(entry.copied().unwrap_or(0)) / f64::from(self.maximum)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header(bits_stored: u16) -> Header {
        Header {
            columns: 1,
            rows: 1,
            bits_allocated: 16,
            bits_stored,
            signed: false,
            inverted: false,
            slope: 1.0,
            intercept: 0.0,
            window: None,
            table: None,
        }
    }

    fn table(header: &Header) -> Vec<u16> {
        match of_stored_values(header, VoiTransform::FromFile).unwrap().0 {
            Levels::Bits16(table) => table,
            Levels::Bits8(table) => table.into_iter().map(|v| u16::from(v) * 257).collect(),
        }
    }

    #[test]
    fn twelve_bits_keep_all_their_values() {
        let table = table(&header(12));
        assert_eq!((table[0], table[4_095]), (0, 65_535));
        assert!(table.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn eight_bits_are_unchanged_and_inverted_exactly() {
        let plain = header(8);
        let (levels, corrections) = of_stored_values(&plain, VoiTransform::FromFile).unwrap();
        assert_eq!(levels, Levels::Bits8((0..=255).collect()));
        assert!(corrections.is_empty());
        let inverted = Header {
            inverted: true,
            ..plain
        };
        let (levels, corrections) = of_stored_values(&inverted, VoiTransform::FromFile).unwrap();
        assert_eq!(levels, Levels::Bits8((0..=255).rev().collect()));
        assert_eq!(corrections, [Correction::Inverted]);
    }

    #[test]
    fn a_negative_slope_and_monochrome1_are_two_inversions() {
        let both = Header {
            inverted: true,
            slope: -1.0,
            intercept: 255.0,
            ..header(8)
        };
        assert_eq!(table(&both), table(&header(8)));
    }

    #[test]
    fn signed_values_are_in_order() {
        let signed = Header {
            signed: true,
            ..header(4)
        };
        let table = table(&signed);
        let ordered: Vec<u16> = (8..16).chain(0..8).map(|code| table[code]).collect();
        let expected: Vec<u16> = (0..16).map(|place| place * 4_369).collect();
        assert_eq!(ordered, expected);
    }

    #[test]
    fn windows_are_those_of_the_standard() {
        // PS3.3, C.11.2.1.2.1: centre 2,048 and width 4,096 map 0 to 4,095 on the whole range.
        let window = |function, center, width| Window {
            function,
            center,
            width,
        };
        let linear = window(WindowFunction::Linear, 2_048.0, 4_096.0);
        assert_eq!((linear.grey(0.0), linear.grey(4_095.0)), (0.0, 1.0));
        assert!((linear.grey(2_047.5) - 0.5).abs() < 1e-12);
        // The same section: centre 0, width 1 is a threshold at -0.5.
        let threshold = window(WindowFunction::Linear, 0.0, 1.0);
        assert_eq!((threshold.grey(-0.5), threshold.grey(0.0)), (0.0, 1.0));
        let exact = window(WindowFunction::LinearExact, 0.0, 100.0);
        assert_eq!(
            [exact.grey(-50.0), exact.grey(25.0), exact.grey(51.0)],
            [0.0, 0.75, 1.0]
        );
        let sigmoid = window(WindowFunction::Sigmoid, 10.0, 8.0);
        assert!((sigmoid.grey(12.0) - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-12);
    }

    #[test]
    fn a_window_comes_after_rescaling_and_only_if_asked_for() {
        let windowed = Header {
            slope: 2.0,
            intercept: -100.0,
            window: Some(Window {
                function: WindowFunction::LinearExact,
                center: 0.0,
                width: 100.0,
            }),
            ..header(8)
        };
        let table = table(&windowed);
        assert_eq!([table[25], table[50], table[75]], [0, 32_768, 65_535]);
        let (full, corrections) = of_stored_values(&windowed, VoiTransform::FullRange).unwrap();
        assert_eq!(full, Levels::Bits8((0..=255).collect()));
        assert_eq!(corrections.len(), 1);
    }

    #[test]
    fn a_voi_lut_is_looked_up_and_held_at_its_ends() {
        let looked_up = Header {
            table: Some(VoiLut {
                first: 2.0,
                maximum: 255,
                entries: vec![0, 51, 255],
            }),
            ..header(3)
        };
        let table = table(&looked_up);
        let expected = [0, 0, 0, 51, 255, 255, 255, 255].map(|v| v * 257);
        assert_eq!(table, expected);
    }
}
