//! Cross-entropy over the targets that count.

use std::ops::Range;

use burn::tensor::activation::{log_softmax, softplus};
use burn::tensor::{Device, Tensor};

use crate::{Error, Result};

/// The columns of a three-class target: negative, positive, uncertain.
const CLASSES: usize = 3;

/// What a run minimises: the mean cross-entropy of the targets that count. Plain data.
///
/// A binary target has one column, a logit of its own, and the loss of PyTorch's
/// `BCEWithLogitsLoss(pos_weight)`. A three-class target (the U-MultiClass policy of Irvin et al. 2019)
/// has three, negative, positive and uncertain, and that of `CrossEntropyLoss`.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    columns: Vec<Range<usize>>,
    pos_weight: Vec<f64>,
    label_smoothing: f64,
}

/// Neighbouring targets of one kind, which are computed together.
struct Group {
    targets: Range<usize>,
    columns: Range<usize>,
    classes: usize,
}

impl Loss {
    /// For targets of one column each.
    pub fn binary(targets: usize) -> Self {
        Self {
            columns: (0..targets).map(|column| column..column + 1).collect(),
            pos_weight: vec![1.0; targets],
            label_smoothing: 0.0,
        }
    }

    /// For targets with these columns, one or three each, side by side from column 0.
    ///
    /// # Errors
    /// [`Error::Columns`] for any other columns.
    pub fn new(columns: Vec<Range<usize>>) -> Result<Self> {
        let mut next = 0;
        for (target, found) in columns.iter().enumerate() {
            if found.start != next || ![1, CLASSES].contains(&found.len()) {
                return Err(Error::Columns {
                    target,
                    found: found.clone(),
                    next,
                });
            }
            next = found.end;
        }
        Ok(Self {
            pos_weight: vec![1.0; columns.len()],
            columns,
            label_smoothing: 0.0,
        })
    }

    /// Multiplies the loss of a positive by a weight of its target, as PyTorch's `pos_weight` does:
    /// negatives over positives makes both count alike.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there is one weight a target, finite and above 0, and 1 for
    /// three-class targets.
    pub fn with_pos_weight(mut self, pos_weight: Vec<f64>) -> Result<Self> {
        let fits = pos_weight.len() == self.columns.len()
            && pos_weight
                .iter()
                .zip(&self.columns)
                .all(|(&weight, columns)| {
                    weight.is_finite() && weight > 0.0 && (columns.len() == 1 || weight == 1.0)
                });
        if !fits {
            return Err(Error::Setting {
                setting: "pos_weight",
                found: format!("{pos_weight:?} for {} targets", self.columns.len()),
                expected: "one finite number above 0 a target, and 1 for three-class targets",
            });
        }
        self.pos_weight = pos_weight;
        Ok(self)
    }

    /// Moves targets towards the uniform distribution over their classes by this share s (Szegedy et
    /// al. 2016): y becomes y (1 - s) + s / classes, where a binary target has two.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is at least 0 and below 1.
    pub fn with_label_smoothing(mut self, share: f64) -> Result<Self> {
        if !(0.0..1.0).contains(&share) {
            return Err(Error::Setting {
                setting: "label_smoothing",
                found: share.to_string(),
                expected: "at least 0 and below 1",
            });
        }
        self.label_smoothing = share;
        Ok(self)
    }

    /// Columns of logits, targets and mask.
    pub fn outputs(&self) -> usize {
        self.columns.last().map_or(0, |last| last.end)
    }

    /// The mean over the targets that count; where none does, 0, and so are the gradients.
    ///
    /// A target counts where its mask is 1, in every column of a three-class one.
    ///
    /// # Shapes
    /// logits, targets and mask `[batch, outputs]`; the loss `[1]`. Targets are 0 to 1, those of a
    /// three-class target one-hot over its columns.
    pub fn mean(&self, logits: Tensor<2>, targets: Tensor<2>, mask: Tensor<2>) -> Tensor<1> {
        let device = logits.device();
        let batch = logits.dims()[0];
        let mut sum = Tensor::zeros([1], &device);
        let mut counted = Tensor::zeros([1], &device);
        for group in self.groups() {
            let columns = |all: &Tensor<2>| all.clone().slice([0..batch, group.columns.clone()]);
            let (logits, targets, mask) = (columns(&logits), columns(&targets), columns(&mask));
            let targets = self.smoothed(targets, group.classes);
            let elements = match group.classes {
                CLASSES => {
                    let shape = [batch, group.targets.len(), CLASSES];
                    let logarithms = log_softmax(logits.reshape(shape), 2);
                    (logarithms.reshape(targets.shape()) * targets).neg()
                }
                _ => self.binary_elements(logits, targets, &group, &device),
            };
            sum = sum + (elements * mask.clone()).sum();
            let columns_a_target = group.columns.len() / group.targets.len();
            counted = counted + mask.sum() / columns_a_target as f64;
        }
        sum / counted.clamp_min(1.0)
    }

    /// How many targets a mask on the host lets count.
    ///
    /// # Shapes
    /// `[batch, outputs]`, row by row.
    pub fn counted(&self, mask: &[f32]) -> f64 {
        let rows = mask.chunks_exact(self.outputs().max(1));
        rows.flat_map(|row| {
            self.columns
                .iter()
                .map(|columns| f64::from(row[columns.start]))
        })
        .sum()
    }

    /// `-p y log s(x) - (1 - y) log(1 - s(x))`, s the sigmoid and p the weight of positives. Softplus
    /// overflows for no logit, and has no kink: the gradient is right at a logit of 0 too.
    fn binary_elements(
        &self,
        logits: Tensor<2>,
        targets: Tensor<2>,
        group: &Group,
        device: &Device,
    ) -> Tensor<2> {
        let weights = &self.pos_weight[group.targets.clone()];
        let mut positive = targets.clone() * softplus(logits.clone().neg(), 1.0);
        if weights.iter().any(|&weight| weight != 1.0) {
            let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
            positive = positive * Tensor::<1>::from_floats(&weights[..], device).unsqueeze::<2>();
        }
        positive + targets.neg().add_scalar(1.0) * softplus(logits, 1.0)
    }

    fn smoothed(&self, targets: Tensor<2>, classes: usize) -> Tensor<2> {
        match self.label_smoothing {
            0.0 => targets,
            share => targets * (1.0 - share) + share / classes as f64,
        }
    }

    fn groups(&self) -> impl Iterator<Item = Group> {
        let mut first = 0;
        self.columns
            .chunk_by(|one, next| one.len() == next.len())
            .filter_map(move |alike| {
                let targets = first..first + alike.len();
                first = targets.end;
                let (start, end) = (alike.first()?, alike.last()?);
                Some(Group {
                    targets,
                    columns: start.start..end.end,
                    classes: start.len().max(2),
                })
            })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chextransfer_models::DeviceChoice;

    fn cpu() -> Device {
        DeviceChoice::Cpu.open().unwrap()
    }

    fn gradient(
        loss: &Loss,
        logits: [[f32; 4]; 1],
        targets: [[f32; 4]; 1],
        mask: [[f32; 4]; 1],
    ) -> Vec<f32> {
        let device = cpu().autodiff();
        let logits = Tensor::<2>::from_floats(logits, &device).require_grad();
        let tensor = |values: [[f32; 4]; 1]| Tensor::<2>::from_floats(values, &device);
        let mean = loss.mean(logits.clone(), tensor(targets), tensor(mask));
        let gradient = logits.grad(&mean.backward()).unwrap();
        gradient.into_data().iter().collect()
    }

    /// Worked by hand: `ln(1 + e^-2)`, `0.5 + ln(1 + e^-0.5)`, 100, and 0 for logit 100, target 1.
    #[test]
    fn the_loss_is_the_mean_over_unmasked_elements_and_no_logit_overflows() {
        let device = cpu();
        let tensor = |values| Tensor::<2>::from_floats(values, &device);
        let logits = tensor([[2.0, 0.5, 7.0], [100.0, -3.0, 100.0]]);
        let targets = tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]);
        let mask = tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]);
        let loss = Loss::binary(3)
            .mean(logits, targets, mask)
            .into_scalar::<f32>();
        let expected = [
            (1.0 + (-2.0f64).exp()).ln(),
            0.5 + (1.0 + (-0.5f64).exp()).ln(),
            100.0,
            0.0,
        ];
        let expected = expected.iter().sum::<f64>() / 4.0;
        assert!(
            (f64::from(loss) - expected).abs() < 1e-5,
            "{loss} {expected}"
        );
    }

    #[test]
    fn masked_elements_have_no_gradient_and_a_wholly_masked_batch_has_loss_zero() {
        let loss = Loss::binary(4);
        let found = gradient(
            &loss,
            [[0.3, -1.2, 0.0, 50.0]],
            [[1.0; 4]],
            [[1.0, 0.0, 0.0, 0.0]],
        );
        let sigmoid = 1.0 / (1.0 + (-0.3f32).exp());
        assert!((found[0] - (sigmoid - 1.0)).abs() < 1e-6, "{found:?}");
        assert_eq!(found[1..], [0.0; 3]);

        let nothing = [[0.0; 4]];
        assert_eq!(gradient(&loss, [[9.0; 4]], [[1.0; 4]], nothing), [0.0; 4]);
        let device = cpu();
        let zeros = || Tensor::<2>::zeros([2, 4], &device);
        let mean = loss.mean(zeros(), zeros(), zeros()).into_scalar::<f32>();
        assert_eq!(mean, 0.0);
    }

    /// A head that starts at zero gives such logits.
    #[test]
    fn at_a_logit_of_zero_the_gradient_is_a_half_less_the_target() {
        let found = gradient(
            &Loss::binary(4),
            [[0.0; 4]],
            [[0.0, 1.0, 0.0, 1.0]],
            [[1.0; 4]],
        );
        assert_eq!(found, [0.125, -0.125, 0.125, -0.125]);
    }

    #[test]
    fn a_three_class_target_counts_once() {
        let loss = Loss::new(vec![0..3, 3..4]).unwrap();
        assert_eq!(loss.outputs(), 4);
        let mask = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(loss.counted(&mask), 3.0);
        // Equal logits: ln 3 for the three-class target, ln 2 for the binary one.
        let device = cpu();
        let targets = Tensor::<2>::from_floats([[0.0, 1.0, 0.0, 1.0]], &device);
        let ones = Tensor::<2>::ones([1, 4], &device);
        let mean = loss.mean(ones.zeros_like(), targets, ones);
        let expected = (3f32.ln() + 2f32.ln()) / 2.0;
        assert!((mean.into_scalar::<f32>() - expected).abs() < 1e-6);
    }

    #[test]
    fn columns_and_weights_that_do_not_fit_are_errors() {
        for columns in [
            vec![0..1, 1..3],
            vec![1..2, 2..3],
            vec![0..1, 2..3],
            vec![0..3, 0..3],
        ] {
            assert!(Loss::new(columns.clone()).is_err(), "{columns:?}");
        }
        let loss = Loss::new(vec![0..1, 1..4]).unwrap();
        for weights in [
            vec![2.0],
            vec![2.0, 2.0],
            vec![0.0, 1.0],
            vec![f64::NAN, 1.0],
        ] {
            assert!(loss.clone().with_pos_weight(weights).is_err());
        }
        assert!(loss.clone().with_pos_weight(vec![2.0, 1.0]).is_ok());
        for share in [-0.1, 1.0, f64::NAN] {
            assert!(loss.clone().with_label_smoothing(share).is_err());
        }
    }
}
