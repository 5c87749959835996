//! Memory that was just given back is used again before the allocator is asked.
//!
//! A call allocates hundreds of times, mostly small pieces that are gone at once. wasi-libc's
//! dlmalloc looks for the best place for each, and joins it with its neighbours when it is freed,
//! which took an eighth of a guest's CPU time. Here a freed piece waits in a list of its size for
//! the next that needs it. The lists are short, so that memory is joined all the same.
//!
//! An allocator from a crate has memory of its own. But wasi-libc's `free` gets what the
//! allocator gave to `cabi_realloc`, such as the list of environment variables
//! (`wasip2_list_tuple2_string_string_free`), so all pieces have to be dlmalloc's.

#![allow(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;

/// dlmalloc's pieces are multiples of 16 bytes (`MALLOC_ALIGNMENT` in wasi-libc's
/// `dlmalloc/src/dlmalloc.c`), of which 4 are its own (`CHUNK_OVERHEAD` in its `malloc.c`). With
/// the same steps, whatever lies in a list has all bytes of its size, even if C has allocated it.
const STEP: usize = 16;
const OWN: usize = 4;
/// What every piece has.
const ALIGNMENT: usize = 8;

/// Pieces of up to 2,044 bytes have lists.
const LISTS: usize = 128;
/// How many bytes wait in a list at most: 1 MB in all of them.
const MOST: usize = 8 * 1024;

/// The allocator of a component, which has one thread.
struct Blocks([UnsafeCell<List>; LISTS]);

struct List {
    /// Each piece begins with the address of the next one.
    first: *mut u8,
    bytes: usize,
}

// SAFETY: there are no other threads. A build with threads has no use for this allocator, and
// does not get it.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
unsafe impl Sync for Blocks {}

#[cfg(target_family = "wasm")]
#[global_allocator]
static BLOCKS: Blocks = Blocks::new();

impl Blocks {
    const fn new() -> Self {
        Self([const { UnsafeCell::new(List { first: ptr::null_mut(), bytes: 0 }) }; LISTS])
    }

    /// The list of pieces of this size, if they have one.
    fn place(layout: Layout) -> Option<usize> {
        let place = (layout.size() + OWN - 1) / STEP;
        (place < LISTS && layout.align() <= ALIGNMENT).then_some(place)
    }
}

// SAFETY: a piece is either in use or in one list, and those in a list have the size of that
// list; all are from `System`.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: nothing else looks at the list meanwhile, and its first piece holds an address.
        unsafe {
            let Some(place) = Self::place(layout) else { return System.alloc(layout) };
            let list = &mut *self.0[place].get();
            let piece = list.first;
            if piece.is_null() {
                let whole = (place + 1) * STEP - OWN;
                return System.alloc(Layout::from_size_align_unchecked(whole, ALIGNMENT));
            }
            list.first = piece.cast::<*mut u8>().read();
            list.bytes -= STEP * (place + 1);
            piece
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: whoever gives it back has no use for its contents, which have 12 bytes at least.
        unsafe {
            if let Some(place) = Self::place(layout) {
                let list = &mut *self.0[place].get();
                let bytes = list.bytes + STEP * (place + 1);
                if bytes <= MOST {
                    piece.cast::<*mut u8>().write(list.first);
                    *list = List { first: piece, bytes };
                    return;
                }
            }
            System.dealloc(piece, layout);
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as whoever calls this promises.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            match (Self::place(layout), Self::place(new)) {
                (None, None) => System.realloc(piece, layout, size),
                (before, after) if before == after => piece,
                _ => {
                    let moved = self.alloc(new);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(piece, moved, layout.size().min(size));
                        self.dealloc(piece, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(size: usize) -> Layout {
        Layout::from_size_align(size, ALIGNMENT).unwrap()
    }

    #[test]
    fn what_was_given_back_is_used_again_for_its_size() {
        let blocks = Blocks::new();
        // SAFETY: each piece is used within its layout, and given back once.
        unsafe {
            let (small, other) = (blocks.alloc(of(13)), blocks.alloc(of(20)));
            blocks.dealloc(small, of(13));
            blocks.dealloc(other, of(20));
            let again = [blocks.alloc(of(28)), blocks.alloc(of(14))];
            assert_eq!(again, [other, small]);
            again.into_iter().for_each(|piece| piece.write_bytes(7, 28));
            let larger = blocks.alloc(of(29));
            assert!(!again.contains(&larger), "no list of another size");
            for piece in again {
                blocks.dealloc(piece, of(28));
            }
            blocks.dealloc(larger, of(29));
        }
    }

    #[test]
    fn a_piece_keeps_its_contents_when_it_grows_and_shrinks() {
        let blocks = Blocks::new();
        // SAFETY: as above.
        unsafe {
            let (mut piece, mut size) = (blocks.alloc(of(8)), 8);
            piece.copy_from(b"contents".as_ptr(), 8);
            for next in [12, 13, 28, 500, 2_044, 2_045, 4_000, 9_000, 600, 40, 8] {
                piece = blocks.realloc(piece, of(size), next);
                size = next;
                assert_eq!(std::slice::from_raw_parts(piece, 8), b"contents", "{next}");
                piece.add(8).write_bytes(1, next - 8);
            }
            blocks.dealloc(piece, of(size));
        }
    }

    #[test]
    fn lists_are_short_and_for_small_pieces_only() {
        let blocks = Blocks::new();
        // SAFETY: as above.
        unsafe {
            let pieces: Vec<_> = (0..100).map(|_| blocks.alloc(of(200))).collect();
            pieces.iter().for_each(|piece| blocks.dealloc(*piece, of(200)));
            let list = &*blocks.0[Blocks::place(of(200)).unwrap()].get();
            assert_eq!(list.bytes, MOST / 208 * 208);
        }
        assert_eq!((Blocks::place(of(2_044)), Blocks::place(of(2_045))), (Some(LISTS - 1), None));
        assert_eq!(Blocks::place(Layout::from_size_align(16, 16).unwrap()), None);
    }
}
