//! Changes of grey values in 0 to 1; what leaves the range is brought back to its end.

/// torchvision's `adjust_brightness`: `factor * value`.
pub(super) fn adjust_brightness(image: &mut [f32], factor: f32) {
    for value in image {
        *value = (*value * factor).clamp(0.0, 1.0);
    }
}

/// torchvision's `adjust_contrast`: `factor * value + (1 - factor) * mean`.
pub(super) fn adjust_contrast(image: &mut [f32], factor: f32) {
    let sum: f64 = image.iter().map(|&value| f64::from(value)).sum();
    let mean = (sum / image.len().max(1) as f64) as f32;
    for value in image {
        *value = (factor * *value + (1.0 - factor) * mean).clamp(0.0, 1.0);
    }
}

/// torchvision's `adjust_gamma` with gain 1: `value ^ gamma`.
pub(super) fn adjust_gamma(image: &mut [f32], gamma: f32) {
    for value in image {
        *value = value.powf(gamma).clamp(0.0, 1.0);
    }
}
