//! Do two quantities go together? Pearson's and Spearman's correlation, and the least-squares line.

use serde::Serialize;

use crate::distributions::{student_two_sided, student_two_sided_quantile};
use crate::{Error, Result, Undefined};

/// A correlation and the two-sided p-value of there being none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Correlation {
    /// From -1 to 1.
    pub coefficient: f64,
    /// By the t distribution with n - 2 degrees of freedom; exact for normal values, and good for ranks from ten values on.
    pub p_value: f64,
    /// Share of all orders of the second quantity whose correlation is at least as far from zero; `None` where they are
    /// too many to look at.
    pub exact_p_value: Option<f64>,
}

/// Most values whose orders are all looked at: 9! = 362,880 of them.
const MOST_FOR_EXACT: usize = 9;

/// Pearson's product-moment correlation of `x` `[n]` and `y` `[n]`; never with an exact p-value.
///
/// # Errors
///
/// If the lengths differ or a value is not finite. Inside: [`Undefined`] with less than three values, or if all of one
/// quantity are equal.
pub fn pearson(x: &[f64], y: &[f64]) -> Result<Result<Correlation, Undefined>> {
    check(x, y)?;
    Ok(correlation(x, y))
}

/// Spearman's rank correlation of `x` `[n]` and `y` `[n]`: Pearson's of the midranks, so that ties are allowed. Up to nine
/// values the p-value is given exactly too, by going through all orders, ties or not.
///
/// ```
/// use chextransfer_metrics::spearman;
///
/// let top_1 = [74.4, 76.1, 77.3, 69.8, 80.1];
/// let auc = [0.859, 0.859, 0.864, 0.862, 0.861];
/// let rho = spearman(&top_1, &auc)??;
/// assert!(rho.exact_p_value.is_some_and(|p| p > 0.05));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As for [`pearson`].
pub fn spearman(x: &[f64], y: &[f64]) -> Result<Result<Correlation, Undefined>> {
    check(x, y)?;
    let (x, y) = (doubled_midranks(x), doubled_midranks(y));
    let as_floats = |ranks: &[i64]| -> Vec<f64> { ranks.iter().map(|&rank| rank as f64).collect() };
    let exact = (x.len() <= MOST_FOR_EXACT).then(|| exact_p_value(&x, &y));
    Ok(
        correlation(&as_floats(&x), &as_floats(&y)).map(|rho| Correlation {
            exact_p_value: exact,
            ..rho
        }),
    )
}

/// The two-sided p-value of a correlation of `coefficient` between `n` pairs, by the t distribution.
///
/// # Errors
///
/// [`Undefined::TooFew`] below three pairs.
pub fn correlation_p_value(coefficient: f64, n: usize) -> Result<f64, Undefined> {
    if n < 3 {
        return Err(Undefined::TooFew);
    }
    let freedom = (n - 2) as f64;
    let unexplained = (1.0 + coefficient) * (1.0 - coefficient);
    Ok(student_two_sided(
        coefficient * (freedom / unexplained).sqrt(),
        freedom,
    ))
}

/// The straight line through points that minimises the sum of the squared vertical distances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Line {
    /// Change of y for one unit of x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// Standard error of the slope.
    pub slope_error: f64,
    /// Pearson's correlation and the p-value of a slope of zero.
    pub correlation: Correlation,
    points: usize,
    mean_x: f64,
    /// Sum of the squared distances of x from its mean.
    spread_x: f64,
    /// Standard deviation of the points about the line, over n - 2.
    residual: f64,
}

impl Line {
    /// The line through `x` `[n]` and `y` `[n]`.
    ///
    /// # Errors
    ///
    /// As for [`pearson`].
    pub fn through(x: &[f64], y: &[f64]) -> Result<Result<Self, Undefined>> {
        check(x, y)?;
        Ok(Self::fit(x, y))
    }

    fn fit(x: &[f64], y: &[f64]) -> Result<Self, Undefined> {
        let correlation = correlation(x, y)?;
        let Moments {
            mean: [mean_x, mean_y],
            squares: [spread_x, _],
            product,
        } = Moments::of(x, y);
        let slope = product / spread_x;
        let intercept = mean_y - slope * mean_x;
        let squares = x
            .iter()
            .zip(y)
            .map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2));
        let residual = (squares.sum::<f64>() / (x.len() - 2) as f64).sqrt();
        Ok(Self {
            slope,
            intercept,
            slope_error: residual / spread_x.sqrt(),
            correlation,
            points: x.len(),
            mean_x,
            spread_x,
            residual,
        })
    }

    /// y of the line at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }

    /// The interval of the line itself, the mean of y, at `x` and `confidence` (between 0 and 1): drawn over all x, the band
    /// of the figure (Draper and Smith, Applied Regression Analysis, 1998, section 3.1). It holds at each x by itself.
    pub fn band(&self, x: f64, confidence: f64) -> [f64; 2] {
        let t = student_two_sided_quantile(1.0 - confidence, (self.points - 2) as f64);
        let leverage = 1.0 / self.points as f64 + (x - self.mean_x).powi(2) / self.spread_x;
        let half = t * self.residual * leverage.sqrt();
        [self.at(x) - half, self.at(x) + half]
    }
}

/// Means, and sums of squares and products about them.
struct Moments {
    mean: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

impl Moments {
    fn of(x: &[f64], y: &[f64]) -> Self {
        let mean = [x, y].map(|values| values.iter().sum::<f64>() / values.len() as f64);
        let (mut squares, mut product) = ([0.0; 2], 0.0);
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (x - mean[0], y - mean[1]);
            squares[0] += x * x;
            squares[1] += y * y;
            product += x * y;
        }
        Self {
            mean,
            squares,
            product,
        }
    }
}

fn correlation(x: &[f64], y: &[f64]) -> Result<Correlation, Undefined> {
    let constant = |values: &[f64]| values.iter().all(|&value| value == values[0]);
    if x.len() < 3 {
        return Err(Undefined::TooFew);
    }
    if constant(x) || constant(y) {
        return Err(Undefined::Constant);
    }
    let Moments {
        squares: [x_squares, y_squares],
        product,
        ..
    } = Moments::of(x, y);
    let coefficient = (product / x_squares.sqrt() / y_squares.sqrt()).clamp(-1.0, 1.0);
    Ok(Correlation {
        coefficient,
        p_value: correlation_p_value(coefficient, x.len())?,
        exact_p_value: None,
    })
}

/// Twice the midrank of each value, a whole number.
fn doubled_midranks(values: &[f64]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        for &place in tied {
            ranks[place] = (2 * below + tied.len() + 1) as i64;
        }
        below += tied.len();
    }
    ranks
}

/// Share of the orders of `y` whose sum of products with `x` is at least as far from its mean over all orders.
fn exact_p_value(x: &[i64], y: &[i64]) -> f64 {
    let mean = x.iter().sum::<i64>() * y.iter().sum::<i64>();
    let count = x.len() as i64;
    let distance = |y: &[i64]| {
        let sum: i64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
        (count * sum - mean).abs()
    };
    let observed = distance(y);
    let (mut as_far, mut orders) = (0_u64, 0_u64);
    // Heap's algorithm (The Computer Journal 6, 1963): every order, one swap apart.
    let mut y = y.to_vec();
    let mut swaps = vec![0; y.len()];
    let mut position = 0;
    loop {
        orders += 1;
        as_far += u64::from(distance(&y) >= observed);
        while position < y.len() && swaps[position] >= position {
            swaps[position] = 0;
            position += 1;
        }
        if position == y.len() {
            return as_far as f64 / orders as f64;
        }
        y.swap(
            position,
            if position % 2 == 0 {
                0
            } else {
                swaps[position]
            },
        );
        swaps[position] += 1;
        position = 0;
    }
}

fn check(x: &[f64], y: &[f64]) -> Result<()> {
    crate::scored_labels::check_lengths(x, y, "second values")?;
    for values in [x, y] {
        if let Some(row) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::Value {
                what: "value",
                row,
                found: values[row],
                expected: "a finite number",
            });
        }
    }
    Ok(())
}
