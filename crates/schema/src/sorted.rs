//! Sorting of values, each comparison of which is taken from a budget.

use kafka_edge_bounded_json::{Budget, Exceeded, Value, compare};
use std::cmp::Ordering;

/// What came of sorting.
#[derive(Debug)]
pub(crate) struct Sorted<'v> {
    pub(crate) values: Vec<&'v Value>,
    /// Whether there are equal ones among them.
    pub(crate) twice: bool,
}

/// Merges runs, from short ones to long ones: the sorts of the standard library
/// cannot be ended in between.
pub(crate) fn sorted<'v>(
    mut values: Vec<&'v Value>,
    budget: &mut Budget,
) -> Result<Sorted<'v>, Exceeded> {
    let mut twice = false;
    let mut length = 1;
    while length < values.len() {
        let mut merged = Vec::with_capacity(values.len());
        for runs in values.chunks(2 * length) {
            let (mut left, mut right) = runs.split_at(length.min(runs.len()));
            while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
                let order = compare(first, second, budget)?;
                twice |= order == Ordering::Equal;
                if order == Ordering::Greater {
                    merged.push(*second);
                    right = right_rest;
                } else {
                    merged.push(*first);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        values = merged;
        length *= 2;
    }
    Ok(Sorted { values, twice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_permutations_of_few_are_sorted() {
        for seed in 0..1_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut numbers: Vec<i64> =
                (0..random.usize(..20)).map(|_| random.i64(0..40)).collect();
            let values: Vec<Value> = numbers.iter().map(|&n| Value::from(n)).collect();
            let mut budget = Budget::default();
            let sorted = sorted(values.iter().collect(), &mut budget).unwrap();
            numbers.sort_unstable();
            let found: Vec<i128> = sorted
                .values
                .iter()
                .map(|value| value.as_number().and_then(|n| n.as_i128()).unwrap())
                .collect();
            assert!(found.iter().eq(numbers.iter().map(|&n| n as i128).collect::<Vec<_>>().iter()));
            assert_eq!(sorted.twice, numbers.windows(2).any(|pair| pair[0] == pair[1]));
        }
    }
}
