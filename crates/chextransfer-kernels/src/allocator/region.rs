//! One region of addresses for large blocks, whose freed memory stays with the program.

use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

/// Blocks are multiples of this.
const GRAIN: usize = 64 * 1024;

/// Addresses that are asked for, of which memory stands behind those alone that were ever used; less where the system grants
/// less. Tests need few, and emulators and Miri keep an account of every page.
const RESERVED: [usize; 4] = match cfg!(test) {
    true => [1 << 30; 4],
    false => [1 << 42, 1 << 40, 1 << 38, 1 << 36],
};

/// Large blocks. A new one is cut from the first gap that holds it, and gaps that meet become one, so that the region grows
/// little beyond what was ever in use at once, whatever the sizes are.
#[derive(Debug)]
pub(super) struct Region {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Where it begins; 0 before the first block, or where the system grants no region.
    start: usize,
    /// What was ever used ends here.
    end: usize,
    limit: usize,
    /// The first gap, or 0.
    gaps: usize,
}

/// Stands at the beginning of a gap.
#[derive(Debug, Clone, Copy)]
struct Gap {
    bytes: usize,
    /// The gap behind it, or 0.
    next: usize,
}

impl Region {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                start: 0,
                end: 0,
                limit: 0,
                gaps: 0,
            }),
        }
    }

    /// A block of at least so many bytes and whether all of them are zero; null if the region has no room.
    pub(super) fn take(&self, bytes: usize) -> (*mut u8, bool) {
        let Some(bytes) = bytes.checked_next_multiple_of(GRAIN) else {
            return (null_mut(), false);
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.start == 0 {
            state.reserve();
        }
        let (mut before, mut place) = (0, state.gaps);
        let mut last = None;
        while place != 0 {
            let gap = read(place);
            if gap.bytes >= bytes {
                let rest = gap.bytes - bytes;
                let next = match rest {
                    0 => gap.next,
                    _ => {
                        let next = gap.next;
                        write(place + bytes, Gap { bytes: rest, next });
                        place + bytes
                    }
                };
                state.link(before, next);
                return (place as *mut u8, false);
            }
            if place + gap.bytes == state.end {
                last = Some((before, place, gap));
            }
            (before, place) = (place, gap.next);
        }
        // The last gap grows, or the region does.
        let from = last.map_or(state.end, |(_, place, _)| place);
        if from == 0 || state.limit - from < bytes {
            return (null_mut(), false);
        }
        if let Some((before, _, gap)) = last {
            state.link(before, gap.next);
        }
        state.end = from + bytes;
        (from as *mut u8, last.is_none())
    }

    /// Takes back a block that [`Region::take`] gave for so many bytes; false if it is not one of this region.
    pub(super) fn give(&self, block: *mut u8, bytes: usize) -> bool {
        let (address, bytes) = (block as usize, bytes.next_multiple_of(GRAIN));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !(state.start..state.end).contains(&address) {
            return false;
        }
        let (mut before, mut next) = (0, state.gaps);
        while next != 0 && next < address {
            (before, next) = (next, read(next).next);
        }
        let mut gap = Gap { bytes, next };
        if address + bytes == next {
            let behind = read(next);
            gap.bytes += behind.bytes;
            gap.next = behind.next;
        }
        match before {
            0 => {
                write(address, gap);
                state.gaps = address;
            }
            _ => {
                let previous = read(before);
                if before + previous.bytes == address {
                    gap.bytes += previous.bytes;
                    write(before, gap);
                } else {
                    write(address, gap);
                    state.link(before, address);
                }
            }
        }
        true
    }

    /// Whether a block of the region that was taken for so many bytes holds so many others too.
    pub(super) fn fits(&self, block: *mut u8, bytes: usize, others: usize) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.start..state.end).contains(&(block as usize))
            && bytes.div_ceil(GRAIN) == others.div_ceil(GRAIN)
    }
}

impl State {
    fn reserve(&mut self) {
        for bytes in RESERVED {
            let start = map(bytes);
            if start != 0 {
                (self.start, self.end, self.limit) = (start, start, start + bytes);
                return;
            }
        }
    }

    /// Makes `next` follow a gap, or the first one.
    fn link(&mut self, before: usize, next: usize) {
        match before {
            0 => self.gaps = next,
            _ => write(
                before,
                Gap {
                    next,
                    ..read(before)
                },
            ),
        }
    }
}

#[allow(unsafe_code, reason = "stated below")]
fn read(place: usize) -> Gap {
    // SAFETY: called with the lock held and for gaps alone, of the region and of no block, which begin with one that was written.
    unsafe { (place as *const Gap).read() }
}

#[allow(unsafe_code, reason = "stated below")]
fn write(place: usize, gap: Gap) {
    // SAFETY: called with the lock held and for memory of the region that belongs to no block; a grain holds a `Gap` and is
    // aligned to more.
    unsafe { (place as *mut Gap).write(gap) }
}

/// Addresses for so many bytes that are all zero, or 0.
#[cfg(unix)]
#[allow(unsafe_code, reason = "stated below")]
fn map(bytes: usize) -> usize {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let mut flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    if !cfg!(miri) {
        flags |= libc::MAP_NORESERVE;
    }
    // SAFETY: an anonymous mapping at an address of the system's choice touches nothing that exists; the advice is for it alone.
    unsafe {
        let start = libc::mmap(null_mut(), bytes, protection, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return 0;
        }
        #[cfg(all(target_os = "linux", not(miri)))]
        libc::madvise(start, bytes, libc::MADV_HUGEPAGE);
        start as usize
    }
}

#[cfg(not(unix))]
fn map(_: usize) -> usize {
    0
}

#[cfg(all(test, unix))]
#[allow(unsafe_code, reason = "what is written is a block's own")]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn used(region: &Region) -> usize {
        let state = region.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.end - state.start
    }

    #[test]
    fn gaps_are_used_again_and_become_one() {
        let region = Region::new();
        let blocks: Vec<_> = (1..=4).map(|side| region.take(side * MIB)).collect();
        assert!(blocks.iter().all(|(block, zero)| !block.is_null() && *zero));
        assert_eq!(used(&region), 10 * MIB);
        let [a, b, c, d] = [0, 1, 2, 3].map(|index: usize| blocks[index].0);
        assert!(region.give(b, 2 * MIB));
        assert_eq!(region.take(MIB + 5), (b, false));
        assert!(region.give(b, MIB + 5));
        // Beside a gap behind it, and beside one before it.
        assert!(region.give(a, MIB) && region.give(c, 3 * MIB));
        assert_eq!(region.take(6 * MIB), (a, false));
        // The last gap grows.
        assert!(region.give(d, 4 * MIB));
        assert_eq!(region.take(5 * MIB), (d, false));
        assert_eq!(used(&region), 11 * MIB);
        assert!(region.give(a, 6 * MIB) && region.give(d, 5 * MIB));
        assert_eq!(region.take(11 * MIB), (a, false));
        assert_eq!(used(&region), 11 * MIB);
    }

    #[test]
    fn blocks_never_overlap_and_the_region_stays_small() {
        let region = Region::new();
        let mut random = 1u64;
        let mut draw = |below: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as usize % below
        };
        let mut held: Vec<(usize, usize)> = Vec::new();
        let (mut sum, mut most) = (0, 0);
        for _ in 0..4000 {
            if held.len() < 40 && draw(2) == 0 {
                let bytes = MIB + draw(8 * MIB);
                let (block, zero) = region.take(bytes);
                let address = block as usize;
                let apart = |&(other, size): &(usize, usize)| {
                    address + bytes <= other || other + size <= address
                };
                assert!(!block.is_null() && held.iter().all(apart));
                if zero {
                    // SAFETY: within the block.
                    assert!(unsafe { block.read() == 0 && block.add(bytes - 1).read() == 0 });
                }
                // SAFETY: within the block, where no gap may be read any more.
                unsafe { block.write_bytes(0xa5, 64) };
                held.push((address, bytes));
                sum += bytes;
                most = most.max(sum);
            } else if !held.is_empty() {
                let (address, bytes) = held.swap_remove(draw(held.len()));
                assert!(region.give(address as *mut u8, bytes));
                sum -= bytes;
            }
        }
        assert!(used(&region) < most * 3 / 2, "{} for {most}", used(&region));
        for (address, bytes) in held {
            assert!(region.give(address as *mut u8, bytes));
        }
        let state = region.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(read(state.gaps).bytes, state.end - state.start);
    }

    #[test]
    fn what_is_not_there_is_null_and_what_is_not_its_own_is_refused() {
        let region = Region::new();
        let mut byte = 0u8;
        assert!(!region.give(&raw mut byte, MIB));
        for bytes in [usize::MAX, usize::MAX / 2] {
            assert!(region.take(bytes).0.is_null());
        }
        assert!(!region.give(&raw mut byte, MIB));
        let (block, _) = region.take(MIB);
        assert!(region.fits(block, MIB - 5, MIB) && !region.fits(block, MIB, MIB + 1));
        assert!(!region.fits(&raw mut byte, MIB, MIB));
    }
}
