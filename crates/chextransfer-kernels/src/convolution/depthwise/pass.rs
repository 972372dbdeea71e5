//! The correlation of every channel of maps with its kernel.

use rayon::prelude::*;

use super::super::Epilogue;
use super::super::product::even;
use super::correlation::Correlation;
use super::slab::Slab;
use super::{BLOCK, CHANNELS};
use crate::Activation;
use crate::buffer::unwritten;
use crate::matrix::deinterleave;
use crate::simd::vectorized;

/// What results see of maps; `[rows, columns]`.
pub(super) struct Pass {
    pub(super) channels: usize,
    /// Sides of the maps and of the results.
    pub(super) map: [usize; 2],
    pub(super) results: [usize; 2],
    /// Places of a map from what one result of a phase sees to what the next sees.
    pub(super) step: [usize; 2],
    /// Places of the results from one of a phase to the next.
    pub(super) spread: [usize; 2],
    /// The place of a map that the first result's first tap sees.
    pub(super) first: [isize; 2],
    /// Places that a result sees.
    pub(super) reach: [usize; 2],
}

/// The results that see the same taps: every [`Pass::spread`]-th.
pub(super) struct Phase {
    pub(super) first: [usize; 2],
    pub(super) taps: Vec<Tap>,
}

/// A tap of a kernel.
pub(super) struct Tap {
    /// Which of a kernel's weights.
    pub(super) index: usize,
    /// Which of the places that a result sees.
    pub(super) place: [usize; 2],
}

/// A phase as it is computed.
struct Packed {
    first: [usize; 2],
    /// Of each tap, in places of a slab.
    offsets: Vec<usize>,
    /// Of each group and tap.
    weights: Vec<[f32; CHANNELS]>,
}

/// Memory of a task.
struct Scratch {
    seen: Slab,
    given: Vec<[f32; CHANNELS]>,
}

impl Pass {
    /// Correlates maps, `[images, channels, rows, columns]`, with kernels, `[channels, taps]`.
    pub(super) fn run(
        &self,
        phases: &[Phase],
        maps: &[f32],
        weight: &[f32],
        epilogue: &Epilogue<'_>,
    ) -> Vec<f32> {
        let channels = self.channels;
        let [area, results] = [self.map, self.results].map(|[height, width]| height * width);
        let phases: Vec<_> = phases
            .iter()
            .map(|phase| self.pack(phase, weight))
            .collect();
        let mut output = unwritten(maps.len() / area * results);
        let scratch = || {
            let rows = self.rows_of_band();
            let seen = (rows - 1) * self.step[0] + self.reach[0];
            Scratch {
                seen: Slab::new([seen, self.columns()]),
                given: vec![[0.0; CHANNELS]; rows * self.spread[0] * self.results[1]],
            }
        };
        // Each group is a task, if images are whole groups.
        let task = match channels.is_multiple_of(CHANNELS) {
            true => CHANNELS,
            false => channels,
        };
        output
            .par_chunks_mut(task * results)
            .zip(maps.par_chunks(task * area))
            .enumerate()
            .for_each_init(scratch, |scratch, (index, (output, maps))| {
                let first = index * task % channels / CHANNELS;
                let outputs = output.chunks_mut(CHANNELS * results);
                let groups = outputs.zip(maps.chunks(CHANNELS * area));
                for (group, (output, maps)) in (first..).zip(groups) {
                    self.run_group(&phases, group, maps, epilogue, scratch, output);
                }
            });
        output
    }

    fn run_group(
        &self,
        phases: &[Packed],
        group: usize,
        maps: &[f32],
        epilogue: &Epilogue<'_>,
        Scratch { seen, given }: &mut Scratch,
        output: &mut [f32],
    ) {
        let ([height, width], [down, right]) = (self.results, self.spread);
        let finish = epilogue.of_group(group * CHANNELS);
        let band = self.rows_of_band();
        for row in (0..self.grid(0)).step_by(band) {
            let top = (row * self.step[0]) as isize + self.first[0];
            seen.lay(maps, self.map, [top, self.first[1]]);
            let rows = row * down..height.min((row + band) * down);
            let given = &mut given[..rows.len() * width];
            for phase in phases {
                let [top, left] = phase.first;
                let results = [
                    rows.len().saturating_sub(top).div_ceil(down),
                    width.saturating_sub(left).div_ceil(right),
                ];
                if results.contains(&0) {
                    continue;
                }
                let taps = phase.offsets.len();
                let correlation = Correlation {
                    values: &seen.places,
                    step: [self.step[0] * self.columns(), self.step[1]],
                    offsets: &phase.offsets,
                    weights: &phase.weights[group * taps..][..taps],
                    finish,
                    results,
                    into: &mut given[top * width + left..],
                    into_step: [down * width, right],
                };
                correlation.compute();
            }
            let rest = epilogue.rest();
            if rest != Activation::Identity {
                vectorized(
                    #[inline(always)]
                    || rest.apply(given.as_flattened_mut()),
                );
            }
            deinterleave(given, output, height * width, rows.start * width);
        }
    }

    fn pack(&self, phase: &Phase, weight: &[f32]) -> Packed {
        let taps = phase.taps.len();
        let mut weights = vec![[0.0; CHANNELS]; self.channels.div_ceil(CHANNELS) * taps];
        let kernels = weight.chunks_exact(weight.len() / self.channels);
        for (channel, kernel) in kernels.enumerate() {
            let of_group = &mut weights[channel / CHANNELS * taps..];
            for (weights, tap) in of_group.iter_mut().zip(&phase.taps) {
                weights[channel % CHANNELS] = kernel[tap.index];
            }
        }
        let places = phase.taps.iter().map(|tap| tap.place);
        Packed {
            first: phase.first,
            offsets: places
                .map(|[row, column]| row * self.columns() + column)
                .collect(),
            weights,
        }
    }

    /// Places of a slab's row.
    fn columns(&self) -> usize {
        (self.grid(1) - 1) * self.step[1] + self.reach[1]
    }

    /// Results of a phase along an axis, at most.
    fn grid(&self, axis: usize) -> usize {
        self.results[axis].div_ceil(self.spread[axis])
    }

    /// Rows of a phase that are computed at once.
    fn rows_of_band(&self) -> usize {
        let places = self.step[0] * self.columns() + self.spread[0] * self.results[1];
        even(self.grid(0), (BLOCK / places).max(1))
    }
}
