//! The widest vector instructions of this processor, chosen at run time.

use std::sync::OnceLock;

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use pulp::x86::V3;
use pulp::{Arch, Simd, WithSimd};

/// The environment variable that is `none` where no vector instructions shall be used.
const VARIABLE: &str = "CHEXTRANSFER_VECTORS";

/// The widest vector instructions of this processor, or none if that is asked for.
#[inline]
pub(crate) fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match std::env::var_os(VARIABLE) {
        Some(value) if value == "none" => Arch::Scalar,
        _ => Arch::new(),
    })
}

/// AVX2 with FMA, if this processor has it and vector instructions may be used.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline]
pub(crate) fn avx2() -> Option<V3> {
    match arch() {
        Arch::Scalar => None,
        _ => V3::try_new(),
    }
}

/// Runs code compiled for the widest instructions that this processor has: AVX-512, AVX2 with FMA, NEON, or none.
///
/// What is called inside must be `#[inline(always)]`, or it is compiled for the oldest processor.
#[inline]
pub(crate) fn vectorized<R>(code: impl FnOnce() -> R) -> R {
    struct Code<F>(F);
    impl<F: FnOnce() -> R, R> WithSimd for Code<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> R {
            simd.vectorize(
                #[inline(always)]
                || (self.0)(),
            )
        }
    }
    arch().dispatch(Code(code))
}

/// Runs an operation on vectors of at most eight values: AVX2, NEON, or none.
#[inline]
pub(crate) fn on_eight<O: WithSimd>(operation: O) -> O::Output {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(simd) = avx2() {
        return simd.vectorize(
            #[inline(always)]
            || operation.with_simd(simd),
        );
    }
    arch().dispatch(operation)
}

/// What registers of the widest vectors there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registers {
    pub(crate) arch: Arch,
    /// Whether there are 32 of them and not 16.
    pub(crate) many: bool,
    /// Values of one.
    pub(crate) lanes: usize,
}

impl Registers {
    pub(crate) fn new() -> Self {
        struct Of(Arch);
        impl WithSimd for Of {
            type Output = Registers;
            fn with_simd<S: Simd>(self, _: S) -> Registers {
                Registers {
                    arch: self.0,
                    many: S::REGISTER_COUNT >= 32,
                    lanes: S::F32_LANES,
                }
            }
        }
        let arch = arch();
        arch.dispatch(Of(arch))
    }
}

/// Partial sums of a long sum: independent, so that a processor adds many at once, and the same on every processor.
pub(crate) const LANES: usize = 16;

/// The sum of partial sums, pairwise.
#[inline(always)]
pub(crate) fn total(lanes: [f32; LANES]) -> f32 {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}
