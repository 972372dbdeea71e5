//! What the machine can do at best.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};

/// Side of the matrices that are multiplied.
const SIDE: usize = 1536;

/// Values that are copied: more than the caches hold.
const COPIED: usize = 64 << 20;

/// Measured rates of all threads together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    /// Multiply-accumulates a second, of a product of large matrices.
    pub(crate) macs: f64,
    /// Bytes a second that are read and written by a copy of memory.
    pub(crate) bytes: f64,
}

impl Machine {
    pub(crate) fn measure(threads: usize) -> Self {
        let device = Device::flex();
        let matrix = || -> Tensor<2> {
            Tensor::random([SIDE; 2], Distribution::Uniform(-1.0, 1.0), &device)
        };
        let (a, b) = (matrix(), matrix());
        let product = fastest(|| drop(a.clone().matmul(b.clone()).into_data()));
        let from = vec![1.0f32; COPIED];
        let mut to = vec![0.0f32; COPIED];
        let part = COPIED.div_ceil(threads);
        let copy = fastest(|| {
            std::thread::scope(|scope| {
                for (from, to) in from.chunks(part).zip(to.chunks_mut(part)) {
                    scope.spawn(|| to.copy_from_slice(from));
                }
            });
        });
        Self {
            macs: (SIDE * SIDE * SIDE) as f64 / product,
            bytes: (2 * 4 * COPIED) as f64 / copy,
        }
    }

    /// Seconds that so much work takes at least.
    pub(crate) fn least(&self, macs: f64, bytes: f64) -> f64 {
        (macs / self.macs).max(bytes / self.bytes)
    }
}

/// Seconds of the fastest of some calls.
pub(crate) fn fastest(mut call: impl FnMut()) -> f64 {
    call();
    let mut least = f64::INFINITY;
    let start = Instant::now();
    let mut calls = 0;
    while calls < 3 || (calls < 20 && start.elapsed().as_secs_f64() < 0.3) {
        let start = Instant::now();
        call();
        least = least.min(start.elapsed().as_secs_f64());
        calls += 1;
    }
    least
}
