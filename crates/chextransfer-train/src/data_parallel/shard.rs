//! Cutting a batch into shards, and putting them where they are computed.

use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_data::Batch;

/// A batch, or a part of one, on the device that computes it.
#[derive(Debug, Clone)]
pub struct Shard {
    /// The rows of the split, in the order of the images: `[n]`.
    pub indices: Vec<usize>,
    /// `[n, 1, side, side]` grey values in 0 to 1, not normalised.
    pub images: Tensor<4>,
    /// `[n, outputs]` targets.
    pub targets: Tensor<2>,
    /// `[n, outputs]`: 1 where the target counts, 0 where it is masked.
    pub mask: Tensor<2>,
    /// The mask once more, on the host.
    pub counts: Vec<f32>,
}

impl Shard {
    /// Copies a batch to a device.
    pub fn new(batch: &Batch, device: &Device) -> Self {
        let (count, side) = (batch.indices.len(), batch.side);
        let outputs = batch.mask.len() / count.max(1);
        let labels = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [count, outputs]);
            Tensor::from_data(data, device)
        };
        let grey = TensorData::new(batch.images.clone(), [count, 1, side, side]);
        Self {
            indices: batch.indices.clone(),
            images: Tensor::from_data(grey, device),
            targets: labels(&batch.targets),
            mask: labels(&batch.mask),
            counts: batch.mask.clone(),
        }
    }
}

/// Cuts a batch into at most as many shards as there are devices, and copies each to its own.
pub(crate) fn place(batch: &Batch, devices: &[Device]) -> Vec<Shard> {
    if let ([device], false) = (devices, batch.indices.is_empty()) {
        return vec![Shard::new(batch, device)];
    }
    let shards = shards(batch, devices.len());
    let placed = shards.iter().zip(devices);
    placed
        .map(|(shard, device)| Shard::new(shard, device))
        .collect()
}

/// Cuts a batch into contiguous shards, at most so many: the first get one image more where they cannot
/// be equal, and none is empty, so a small batch has fewer.
///
/// What the batch skipped stays with the batch.
pub fn shards(batch: &Batch, replicas: usize) -> Vec<Batch> {
    let images = batch.indices.len();
    let count = replicas.min(images);
    if count == 0 {
        return Vec::new();
    }
    let (pixels, labels) = (batch.images.len() / images, batch.targets.len() / images);
    let mut start = 0;
    (0..count)
        .map(|rank| {
            let end = start + images / count + usize::from(rank < images % count);
            let shard = Batch {
                number: batch.number,
                indices: batch.indices[start..end].to_vec(),
                side: batch.side,
                images: batch.images[start * pixels..end * pixels].to_vec(),
                targets: batch.targets[start * labels..end * labels].to_vec(),
                mask: batch.mask[start * labels..end * labels].to_vec(),
                skipped: Vec::new(),
            };
            start = end;
            shard
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn batch(images: usize) -> Batch {
        let numbers = |each: usize| (0..images * each).map(|value| value as f32).collect();
        Batch {
            number: 3,
            indices: (10..10 + images).collect(),
            side: 2,
            images: numbers(4),
            targets: numbers(14),
            mask: numbers(14),
            skipped: Vec::new(),
        }
    }

    #[test]
    fn shards_are_the_batch_in_order_and_differ_by_one_image_at_most() {
        for (images, replicas, expected) in [
            (7, 3, vec![3, 2, 2]),
            (6, 2, vec![3, 3]),
            (2, 4, vec![1, 1]),
            (5, 1, vec![5]),
        ] {
            let whole = batch(images);
            let shards = shards(&whole, replicas);
            let sizes: Vec<_> = shards.iter().map(|shard| shard.indices.len()).collect();
            assert_eq!(sizes, expected);
            let joined = |part: fn(&Batch) -> &Vec<f32>| -> Vec<f32> {
                shards
                    .iter()
                    .flat_map(|shard| part(shard).clone())
                    .collect()
            };
            assert_eq!(joined(|shard| &shard.images), whole.images);
            assert_eq!(joined(|shard| &shard.targets), whole.targets);
            assert_eq!(joined(|shard| &shard.mask), whole.mask);
            let indices: Vec<_> = shards
                .iter()
                .flat_map(|shard| shard.indices.clone())
                .collect();
            assert_eq!(indices, whole.indices);
        }
    }

    #[test]
    fn an_empty_batch_has_no_shards() {
        assert!(shards(&batch(0), 2).is_empty());
    }
}
