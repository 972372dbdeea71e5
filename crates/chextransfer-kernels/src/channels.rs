//! Maps side by side, channel behind channel.

use rayon::prelude::*;

use crate::buffer::unwritten;

/// The maps of each image one behind the other; each is `[images, values]` with its number of values.
pub(crate) fn concatenate(images: usize, maps: &[(&[f32], usize)]) -> Vec<f32> {
    let total: usize = maps.iter().map(|(_, values)| values).sum();
    let mut result = unwritten(images * total);
    let images = result.par_chunks_mut(total.max(1)).enumerate();
    images.for_each(|(image, mut rest)| {
        for (map, values) in maps {
            let (into, behind) = rest.split_at_mut(*values);
            into.copy_from_slice(&map[image * values..][..*values]);
            rest = behind;
        }
    });
    result
}
