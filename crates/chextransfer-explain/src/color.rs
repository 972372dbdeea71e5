//! The colours of a map over a radiograph.

/// Strongest share of the colour, so that the anatomy stays visible under it.
const OPACITY: f32 = 0.7;

/// A grey pixel under a map's intensity, both in 0 to 1.
///
/// Lightness grows evenly with the intensity (matplotlib's inferno), and so does the share of the colour: where a map is 0
/// the radiograph is as it was.
pub(crate) fn blend(grey: f32, intensity: f32) -> [u8; 3] {
    let color = colorous::INFERNO
        .eval_continuous(f64::from(intensity))
        .as_array();
    let share = intensity * OPACITY;
    color.map(|channel| (grey * (1.0 - share) * 255.0 + f32::from(channel) * share).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_intensity_changes_nothing_and_more_of_it_is_brighter_on_a_dark_lung() {
        assert_eq!(blend(0.5, 0.0), [128; 3]);
        let lightness = |intensity| {
            let [red, green, blue] = blend(0.1, intensity).map(f32::from);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let steps: Vec<f32> = (0..=10).map(|step| lightness(step as f32 / 10.0)).collect();
        assert!(
            steps.windows(2).skip(2).all(|pair| pair[0] < pair[1]),
            "{steps:?}"
        );
    }
}
