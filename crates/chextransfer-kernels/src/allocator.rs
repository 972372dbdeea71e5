//! An allocator that keeps what is freed.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_long};
use std::sync::Once;

use mimalloc::MiMalloc;

/// The global allocator for a program that trains: [mimalloc](https://microsoft.github.io/mimalloc), told to keep freed
/// memory for the next step instead of giving it back to the system, which would clear every page of every activation anew.
/// The program's resident memory stays at its peak.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: chextransfer_kernels::KeepingAllocator = chextransfer_kernels::KeepingAllocator::new();
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct KeepingAllocator {
    told: Once,
}

/// `mi_option_purge_delay`; -1 is never.
const PURGE_DELAY: c_int = 15;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

impl KeepingAllocator {
    /// For a `static`.
    #[allow(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Self {
        Self { told: Once::new() }
    }

    fn tell(&self) {
        self.told.call_once(|| {
            // SAFETY: an option of the library that the crate mimalloc links, by its number in versions 2 and 3; it may be set
            // at any time and allocates nothing.
            unsafe { mi_option_set(PURGE_DELAY, -1) }
        });
    }
}

// SAFETY: every call is passed on as it is.
unsafe impl GlobalAlloc for KeepingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.tell();
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.tell();
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { MiMalloc.realloc(pointer, layout, size) }
    }
}
