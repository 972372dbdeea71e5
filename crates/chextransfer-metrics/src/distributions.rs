//! Tails and quantiles of the normal and of Student's t distribution, to 1e-12 of themselves however far out.

use std::f64::consts::{FRAC_PI_2, PI, SQRT_2};

use statrs::function::erf::erfc_inv;

/// Probability of a standard normal value of at most `z`.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    // `statrs` has it too, but to ten digits only.
    let tail = upper_tail(z.abs(), normal_density);
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// The value that a standard normal one stays below with probability `p`.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let rough = -SQRT_2 * erfc_inv(2.0 * p);
    if !rough.is_finite() || rough == 0.0 {
        return rough;
    }
    // One of Newton's steps doubles the digits.
    let tail = if rough < 0.0 { p } else { 1.0 - p };
    let excess = upper_tail(rough.abs(), normal_density) - tail;
    (rough.abs() + excess / normal_density(rough)).copysign(rough)
}

/// Probability that a value of Student's t distribution lies at least as far from zero as `t`.
pub(crate) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    match t.is_infinite() {
        true => 0.0,
        // Where t is 0 the sum may round to a little more than one.
        false => (2.0 * upper_tail(t.abs(), student_density(freedom))).min(1.0),
    }
}

/// The distance from zero that a value of Student's t distribution exceeds with probability `p`, above 0 and below 1.
pub(crate) fn student_two_sided_quantile(p: f64, freedom: f64) -> f64 {
    // The tail is convex and heavier than the normal one: Newton's steps from the normal quantile never overshoot.
    let density = student_density(freedom);
    let mut t = normal_quantile(1.0 - p / 2.0);
    for _ in 0..200 {
        let step = (upper_tail(t, &density) - p / 2.0) / density(t);
        t += step;
        if step <= 1e-15 * t {
            break;
        }
    }
    t
}

fn normal_density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * PI).sqrt()
}

fn student_density(freedom: f64) -> impl Fn(f64) -> f64 {
    let height = gamma_ratio(freedom / 2.0) / (PI * freedom).sqrt();
    move |t| height * (-(freedom + 1.0) / 2.0 * (t * t / freedom).ln_1p()).exp()
}

/// Integral of a density from `start` to infinity, by the double exponential rule (Takahasi and Mori, Publications of the
/// Research Institute for Mathematical Sciences 9, 1974): its points lie on all scales at once, so that a tail far out is
/// as exact as the middle.
fn upper_tail(start: f64, density: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let terms = (-160..=160).map(|point| {
        let x = f64::from(point) * STEP;
        let distance = (FRAC_PI_2 * x.sinh()).exp();
        density(start + distance) * distance * FRAC_PI_2 * x.cosh()
    });
    terms.sum::<f64>() * STEP
}

/// Gamma(a + 1/2) / Gamma(a), for `a` above 0.
fn gamma_ratio(a: f64) -> f64 {
    // The asymptotic series in 1/a (Tricomi and Erdelyi, Pacific Journal of Mathematics 1, 1951) is exact to a double from
    // here on; below, Gamma(a + 1) = a Gamma(a) leads up to it.
    const LARGE: f64 = 64.0;
    const SERIES: [f64; 7] = [
        1.0,
        -1.0 / 8.0,
        1.0 / 128.0,
        5.0 / 1024.0,
        -21.0 / 32768.0,
        -399.0 / 262_144.0,
        869.0 / 4_194_304.0,
    ];
    let (mut a, mut product) = (a, 1.0);
    while a < LARGE {
        product *= a / (a + 0.5);
        a += 1.0;
    }
    let series = SERIES.iter().rev().fold(0.0, |sum, term| sum / a + term);
    product * a.sqrt() * series
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `[arguments..., value]` from SciPy.
    fn scipy(key: &str) -> Vec<Vec<f64>> {
        let reference = include_str!("../tests/reference/statistics.json");
        let reference: serde_json::Value = serde_json::from_str(reference).unwrap();
        serde_json::from_value(reference[key].clone()).unwrap()
    }

    /// Of themselves: tails are small numbers.
    #[track_caller]
    fn assert_close(found: f64, expected: f64, tolerance: f64, of: &[f64]) {
        let difference = (found - expected).abs() / expected.abs().max(1e-300);
        assert!(difference <= tolerance, "{of:?}: {found:e} {difference:e}");
    }

    #[test]
    fn the_normal_distribution_is_scipys() {
        for of in scipy("normal_cdf") {
            assert_close(normal_cdf(of[0]), of[1], 1e-12, &of);
        }
        for of in scipy("normal_quantile") {
            let found = normal_quantile(of[0]);
            assert!(
                (found - of[1]).abs() <= 1e-13 * of[1].abs().max(1.0),
                "{of:?}: {found}"
            );
        }
    }

    #[test]
    fn students_t_is_scipys() {
        for of in scipy("student") {
            assert_close(student_two_sided(of[0], of[1]), of[2], 1e-13, &of);
        }
        for of in scipy("student_quantile") {
            assert_close(student_two_sided_quantile(of[0], of[1]), of[2], 1e-13, &of);
        }
        assert_eq!(student_two_sided(0.0, 5.0), 1.0);
        assert_eq!(student_two_sided(f64::INFINITY, 5.0), 0.0);
    }
}
