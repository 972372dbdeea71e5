//! An allocator that keeps what is freed.

mod region;

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_long};
use std::sync::Once;

use mimalloc::MiMalloc;
use region::Region;

/// The global allocator for a program that trains: it keeps freed memory for the next step instead of giving it back to the
/// system, which would clear every page of every activation anew.
///
/// On Unix, blocks of a mebibyte and more come from one region, in which a new one is cut from the first gap that holds it: an
/// allocator for small objects keeps such sizes apart, and what one size leaves no other uses.
/// Everything else is [mimalloc](https://microsoft.github.io/mimalloc)'s, told to give nothing back. The program's
/// resident memory stays at its peak.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: chextransfer_kernels::KeepingAllocator = chextransfer_kernels::KeepingAllocator::new();
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct KeepingAllocator {
    told: Once,
    region: Region,
}

/// Bytes of a block from the region.
const LARGE: usize = 1 << 20;

/// No large block is aligned to more.
const MOST_ALIGNMENT: usize = 4096;

/// `mi_option_purge_delay`; -1 is never.
const PURGE_DELAY: c_int = 15;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

impl KeepingAllocator {
    /// For a `static`.
    #[allow(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Self {
        Self {
            told: Once::new(),
            region: Region::new(),
        }
    }

    fn tell(&self) {
        self.told.call_once(|| {
            // SAFETY: an option of the library that the crate mimalloc links, by its number in versions 2 and 3; it may be set
            // at any time and allocates nothing.
            unsafe { mi_option_set(PURGE_DELAY, -1) }
        });
    }
}

fn is_large(layout: Layout) -> bool {
    cfg!(unix) && layout.size() >= LARGE && layout.align() <= MOST_ALIGNMENT
}

// SAFETY: a large block is one of the region's, of at least its size; its layout and the region tell whether a block is one when
// it is given back. Every other call is passed on as it is.
unsafe impl GlobalAlloc for KeepingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            let (block, _) = self.region.take(layout.size());
            if !block.is_null() {
                return block;
            }
        }
        self.tell();
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            let (block, zero) = self.region.take(layout.size());
            if !block.is_null() {
                if !zero {
                    unsafe { block.write_bytes(0, layout.size()) };
                }
                return block;
            }
        }
        self.tell();
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if is_large(layout) && self.region.give(pointer, layout.size()) {
            return;
        }
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(new) = Layout::from_size_align(size, layout.align()) else {
            return std::ptr::null_mut();
        };
        if !is_large(layout) && !is_large(new) {
            return unsafe { MiMalloc.realloc(pointer, layout, size) };
        }
        if is_large(layout) && is_large(new) && self.region.fits(pointer, layout.size(), size) {
            return pointer;
        }
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(pointer, layout.size().min(size));
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}
