//! A file of `tests/reference`, and how far a tensor is from what it says.

use std::collections::BTreeMap;

use chextransfer_models::Architecture;
use serde::Deserialize;

use crate::formula::uniform;

#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) architecture: Architecture,
    pub(crate) minus: usize,
    /// Whether the checkpoint remaps its input, as torchvision's pretrained `inception_v3` does.
    pub(crate) transform_input: bool,
    pub(crate) parameters: usize,
    pub(crate) gain: f64,
    pub(crate) image: [usize; 2],
    pub(crate) evaluation: Evaluation,
    pub(crate) training: Option<Training>,
    /// The largest deviations of torch's own float32: `maps`, `gradients`, `median_gradients`, ...
    pub(crate) float32: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
pub(crate) struct Evaluation {
    pub(crate) blocks: Vec<Block>,
    pub(crate) logits: Vec<f64>,
}

#[derive(Deserialize)]
pub(crate) struct Block {
    pub(crate) module: String,
    pub(crate) shape: [usize; 4],
    pub(crate) map: Sketch,
}

#[derive(Deserialize)]
pub(crate) struct Training {
    pub(crate) image: [usize; 2],
    pub(crate) draw: usize,
    pub(crate) logits: Vec<f64>,
    pub(crate) auxiliary: Option<Vec<f64>>,
    /// What the first forward pass adds to the running statistics.
    pub(crate) changes: BTreeMap<String, Sketch>,
    pub(crate) gradients: BTreeMap<String, Sketch>,
    /// Before and after each step of Adam.
    pub(crate) losses: Vec<f64>,
}

/// What is stored of a tensor: its Euclidean norm, its inner product with a direction of the formula's,
/// and elements at steps of the golden ratio. The inner product sees every element, and their order.
#[derive(Deserialize)]
pub(crate) struct Sketch(Vec<f64>);

impl Sketch {
    pub(crate) fn norm(&self) -> f64 {
        self.0[0]
    }

    /// The largest difference to a tensor, relative to its norm (at least `floor`), and for elements
    /// to their root mean square or to themselves.
    pub(crate) fn deviation(&self, tensor: &[f32], floor: f64) -> f64 {
        let [norm, along, elements @ ..] = self.0.as_slice() else {
            return f64::NAN;
        };
        let scale = norm.max(floor);
        let square = |value: &f32| f64::from(*value).powi(2);
        let found = tensor.iter().map(square).sum::<f64>().sqrt();
        let direction = uniform("direction", tensor.len());
        let products = direction
            .zip(tensor)
            .map(|(d, value)| d * f64::from(*value));
        let found_along: f64 = products.sum();
        // A 32-bit fraction of the length.
        let fraction = |i: u32| u64::from(i.wrapping_mul(0x9e37_79b9));
        let at: Vec<f32> = (1..)
            .take(elements.len())
            .map(|i| tensor[((fraction(i) * tensor.len() as u64) >> 32) as usize])
            .collect();
        largest([
            (found - norm).abs() / scale,
            // The elements of a direction have a variance of 1/3.
            (found_along - along).abs() * 3f64.sqrt() / scale,
            farthest(&at, elements, scale / (tensor.len() as f64).sqrt()),
        ])
    }
}

/// The largest difference of elements, relative to a typical one or to themselves.
fn farthest(found: &[f32], expected: &[f64], typical: f64) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    largest(pairs.map(|(found, expected)| {
        (f64::from(*found) - expected).abs() / typical.max(expected.abs())
    }))
}

/// The largest difference of logits, relative to their root mean square or to themselves.
pub(crate) fn logits_deviation(found: &[f32], expected: &[f64]) -> f64 {
    let squares: f64 = expected.iter().map(|value| value * value).sum();
    farthest(found, expected, (squares / expected.len() as f64).sqrt())
}

/// The largest number, and not a number where one is none.
fn largest(numbers: impl IntoIterator<Item = f64>) -> f64 {
    numbers.into_iter().fold(0.0, |most, number| {
        if most >= number || most.is_nan() {
            most
        } else {
            number
        }
    })
}

pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
