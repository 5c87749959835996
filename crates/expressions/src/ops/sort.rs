//! Sorting. The standard library's sort wants a comparison that cannot fail, and ours
//! ends when the budget does.

use kafka_edge_bounded_json::{Budget, VALUE_BYTES, Value, compare};
use std::cmp::Ordering;

use crate::eval::Stop;

/// A key, and what is sorted by it.
type Pair = (Value, Value);

/// Sorts by keys; what is equal keeps its order.
pub(crate) fn sort(mut pairs: Vec<Pair>, budget: &mut Budget) -> Result<Vec<Pair>, Stop> {
    budget.spend_bytes(2 * VALUE_BYTES * pairs.len() as u64)?;
    let mut width = 1;
    while width < pairs.len() {
        let mut merged = Vec::with_capacity(pairs.len());
        let mut left = pairs.into_iter();
        loop {
            let first: Vec<Pair> = left.by_ref().take(width).collect();
            if first.is_empty() {
                break;
            }
            let second: Vec<Pair> = left.by_ref().take(width).collect();
            merge(first, second, &mut merged, budget)?;
        }
        pairs = merged;
        width *= 2;
    }
    Ok(pairs)
}

fn merge(
    first: Vec<Pair>,
    second: Vec<Pair>,
    merged: &mut Vec<Pair>,
    budget: &mut Budget,
) -> Result<(), Stop> {
    let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
    loop {
        budget.step()?;
        let next = match (first.peek(), second.peek()) {
            (Some(a), Some(b)) if compare(&b.0, &a.0, budget)? == Ordering::Less => second.next(),
            (Some(_), _) => first.next(),
            _ => second.next(),
        };
        match next {
            Some(pair) => merged.push(pair),
            None => return Ok(()),
        }
    }
}

/// The item with the least key, the first of several; or with the greatest, the last.
pub(crate) fn extreme(pairs: Vec<Pair>, most: bool, budget: &mut Budget) -> Result<Value, Stop> {
    let mut found: Option<Pair> = None;
    for pair in pairs {
        let better = match &found {
            Some(best) => (compare(&pair.0, &best.0, budget)? == Ordering::Less) != most,
            None => true,
        };
        if better {
            found = Some(pair);
        }
    }
    Ok(found.map(|(_, item)| item).unwrap_or_default())
}

/// Items with equal keys as arrays, or only the first of each.
pub(crate) fn group(pairs: Vec<Pair>, all: bool, budget: &mut Budget) -> Result<Value, Stop> {
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in sort(pairs, budget)? {
        match groups.last_mut() {
            Some((last, items)) if compare(last, &key, budget)? == Ordering::Equal => {
                if all {
                    items.push(item);
                }
            }
            _ => groups.push((key, vec![item])),
        }
    }
    let mut made = Vec::with_capacity(groups.len());
    for (_, mut items) in groups {
        made.push(match all {
            true => Value::array(items, budget)?,
            false => items.swap_remove(0),
        });
    }
    Ok(Value::array(made, budget)?)
}
