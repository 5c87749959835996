//! Random bytes that were fetched and not used yet.

use std::cell::RefCell;

/// How many are fetched at once.
const PIECE: u64 = 512;

/// Random bytes are fetched in larger pieces than they are used, because each call
/// of the host costs; each byte is used once.
#[derive(Default)]
pub struct Stock(RefCell<Vec<u8>>);

impl Stock {
    /// Fills a buffer. `fetch` asks the host for a number of bytes, and may get fewer.
    pub fn fill(&self, buffer: &mut [u8], fetch: impl Fn(u64) -> Vec<u8>) {
        let mut stock = self.0.borrow_mut();
        let mut rest = buffer;
        while !rest.is_empty() {
            if stock.is_empty() {
                *stock = fetch(PIECE);
            }
            let (filled, left) = rest.split_at_mut(stock.len().min(rest.len()));
            let used = stock.len() - filled.len();
            filled.copy_from_slice(&stock[used..]);
            stock.truncate(used);
            rest = left;
        }
    }
}

impl std::fmt::Debug for Stock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn each_byte_is_used_once() {
        let next = Cell::new(0_u16);
        // Fewer than was asked for.
        let fetch =
            |_| (0..7).map(|_| u8::try_from(next.replace(next.get() + 1)).unwrap()).collect();
        let stock = Stock::default();
        let mut seen = Vec::new();
        for length in [1, 3, 0, 20, 7] {
            let mut buffer = vec![0; length];
            stock.fill(&mut buffer, fetch);
            seen.extend(buffer);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 31);
    }
}
