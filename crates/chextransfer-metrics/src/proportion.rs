//! Shares of counted rows, with intervals.

use serde::Serialize;

use crate::Undefined;
use crate::distributions::normal_quantile;

/// A share of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proportion {
    /// The share; `None` if there are no rows.
    pub value: Option<f64>,
    /// Why there is none, if there is none.
    pub undefined: Option<Undefined>,
    /// The rows that have what is counted.
    pub rows: u64,
    /// The rows that could have it.
    pub of: u64,
    /// The score interval (Wilson, Journal of the American Statistical Association 22, 1927), for rows that are
    /// independent; `None` if there are no rows.
    pub interval: Option<[f64; 2]>,
}

impl Proportion {
    /// `rows` of `of`, with an interval of this confidence, between 0 and 1; `otherwise` says why there is none where `of`
    /// is 0.
    pub(crate) fn new(rows: u64, of: u64, confidence: f64, otherwise: Undefined) -> Self {
        let value = (of > 0).then(|| rows as f64 / of as f64);
        Self {
            value,
            undefined: value.is_none().then_some(otherwise),
            rows,
            of,
            interval: value.map(|share| wilson(share, of as f64, confidence)),
        }
    }
}

fn wilson(share: f64, of: f64, confidence: f64) -> [f64; 2] {
    let squared = normal_quantile((1.0 + confidence) / 2.0).powi(2);
    let middle = share + squared / (2.0 * of);
    let half = (squared * (share * (1.0 - share) / of + squared / (4.0 * of * of))).sqrt();
    let scale = 1.0 + squared / of;
    // At shares of 0 and 1 the edge is exactly that, but for rounding.
    let low = if share == 0.0 {
        0.0
    } else {
        (middle - half) / scale
    };
    let high = if share == 1.0 {
        1.0
    } else {
        (middle + half) / scale
    };
    [low, high]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Expected: `scipy.stats.binomtest(rows, of).proportion_ci(0.95, method="wilson")` of SciPy 1.17.1.
    #[test]
    fn the_interval_is_that_of_scipy() {
        for (rows, of, expected) in [
            (8, 10, [0.4901624715366418, 0.9433178485456248]),
            (0, 7, [0.0, 0.35433043506668743]),
            (7, 7, [0.6456695649333126, 1.0]),
            (45, 200, [0.1726236971508913, 0.2877412323566053]),
        ] {
            let share = Proportion::new(rows, of, 0.95, Undefined::NoPositives);
            let found = share.interval.unwrap();
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{share:?}");
            }
            assert_eq!(share.value, Some(rows as f64 / of as f64));
        }
        let none = Proportion::new(0, 0, 0.95, Undefined::NoPositives);
        assert_eq!((none.value, none.interval), (None, None));
        assert_eq!(none.undefined, Some(Undefined::NoPositives));
    }
}
