//! The first principal component of a feature map, for Eigen-CAM.

use ndarray::{Array1, Array2, ArrayView2, Axis};

/// The centred rows of `values` `[places, channels]` along their first principal direction, `[places]`; zero where they
/// do not vary. Of the two signs the one that agrees with the channels' mean.
pub(crate) fn first_component(values: ArrayView2<f32>) -> Array1<f64> {
    let mut centred = values.mapv(f64::from);
    if let Some(mean) = centred.mean_axis(Axis(0)) {
        centred -= &mean;
    }
    let (places, channels) = centred.dim();
    let mut component = if places <= channels {
        // The direction seen from the places: of length one, so the singular value is put back.
        let gram = centred.dot(&centred.t());
        let direction = leading_eigenvector(&gram);
        let value = direction.dot(&gram.dot(&direction)).max(0.0);
        direction * value.sqrt()
    } else {
        centred.dot(&leading_eigenvector(&centred.t().dot(&centred)))
    };
    if component.dot(&centred.sum_axis(Axis(1))) < 0.0 {
        component.mapv_inplace(|value| -value);
    }
    component
}

/// The eigenvector of the largest eigenvalue of a positive semidefinite matrix, of length one; zero for a zero matrix.
///
/// Squaring a matrix squares the ratio of its eigenvalues, so a few squarings leave only the largest; scaled to trace one,
/// the trace of the square tells how near to that it is.
fn leading_eigenvector(matrix: &Array2<f64>) -> Array1<f64> {
    /// Eigenvalues that differ by one part in 2^30 are told apart; closer ones have no direction to speak of.
    const SQUARINGS: usize = 34;
    let trace = |matrix: &Array2<f64>| matrix.diag().sum();
    let size = trace(matrix);
    if size <= 0.0 {
        return Array1::zeros(matrix.nrows());
    }
    let mut power = matrix / size;
    for _ in 0..SQUARINGS {
        power = power.dot(&power);
        let left = trace(&power);
        power /= left;
        if 1.0 - left < 1e-14 {
            break;
        }
    }
    // Every column of what is left is a multiple of the vector; the longest is the least rounded.
    let longest = power
        .columns()
        .into_iter()
        .max_by(|a, b| a.dot(a).total_cmp(&b.dot(b)));
    let vector = longest.map_or_else(|| Array1::zeros(0), |column| column.to_owned());
    let length = vector.dot(&vector).sqrt();
    vector / length
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    /// The same numbers as places by channels and, transposed, as channels by places go through both products.
    #[test]
    fn the_component_of_points_on_a_line_is_their_place_on_it() {
        // (t, 2t, -2t) + (1, 5, 0): the direction has length 3, and t is -1, 0, 2, 3, centred -2, -1, 1, 2.
        let points = [-1.0f32, 0.0, 2.0, 3.0].map(|t| [1.0 + t, 5.0 + 2.0 * t, -2.0 * t]);
        let values = Array2::from_shape_fn((4, 3), |(place, channel)| points[place][channel]);
        let found = first_component(values.view());
        for (found, expected) in found.iter().zip([-6.0, -3.0, 3.0, 6.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
        let wide = Array2::from_shape_fn((4, 6), |(place, channel)| points[place][channel % 3]);
        let found = first_component(wide.view());
        for (found, expected) in found.iter().zip([-6.0, -3.0, 3.0, 6.0]) {
            assert!(
                (found - expected * 2f64.sqrt()).abs() < 1e-6,
                "{found} for {expected}"
            );
        }
    }

    #[test]
    fn what_does_not_vary_has_no_component() {
        assert_eq!(
            first_component(array![[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]].view()),
            Array1::<f64>::zeros(3)
        );
        assert_eq!(
            first_component(array![[3.0]].view()),
            Array1::<f64>::zeros(1)
        );
    }
}
