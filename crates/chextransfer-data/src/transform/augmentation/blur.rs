//! Gaussian blur.

/// Below this deviation in pixels a Gaussian is a point.
const LEAST_SIGMA: f64 = 1e-2;

/// torchvision's `gaussian_blur`: a sampled and normalised Gaussian of `2 * radius(sigma) + 1` weights across and down,
/// the image being reflected at its border without repeating the last pixel.
pub(super) fn gaussian_blur(image: &mut [f32], side: usize, sigma: f64) {
    if sigma < LEAST_SIGMA || side < 2 {
        return;
    }
    let weights = weights(sigma, radius(sigma).min(side - 1));
    let mut line = Vec::new();
    for row in image.chunks_exact_mut(side) {
        reflect(row.iter().copied(), &weights, &mut line);
        for (column, value) in row.iter_mut().enumerate() {
            *value = convolved(&line[column..], &weights);
        }
    }
    for column in 0..side {
        let pixels = image.iter().skip(column).step_by(side).copied();
        reflect(pixels, &weights, &mut line);
        for row in 0..side {
            image[row * side + column] = convolved(&line[row..], &weights);
        }
    }
}

/// Three deviations hold 99.7 % of a Gaussian.
fn radius(sigma: f64) -> usize {
    (3.0 * sigma).ceil() as usize
}

fn weights(sigma: f64, radius: usize) -> Vec<f32> {
    let density = |place: usize| {
        let distance = place as f64 - radius as f64;
        (-0.5 * (distance / sigma).powi(2)).exp()
    };
    let densities: Vec<f64> = (0..=2 * radius).map(density).collect();
    let sum: f64 = densities.iter().sum();
    densities
        .iter()
        .map(|density| (density / sum) as f32)
        .collect()
}

/// Writes `pixels` into `line`, with their mirror image on either side as far as the weights reach.
fn reflect(pixels: impl Iterator<Item = f32>, weights: &[f32], line: &mut Vec<f32>) {
    let radius = weights.len() / 2;
    line.clear();
    line.resize(radius, 0.0);
    line.extend(pixels);
    let end = line.len();
    for distance in 1..=radius {
        line[radius - distance] = line[radius + distance];
        line.push(line[end - 1 - distance]);
    }
}

fn convolved(line: &[f32], weights: &[f32]) -> f32 {
    line.iter()
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum()
}
