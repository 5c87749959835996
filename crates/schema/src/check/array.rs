//! Items of arrays.

use super::{Fits, Run};
use crate::failure::{At, Fault, Step};
use crate::node::Id;
use crate::sorted::sorted;
use kafka_edge_bounded_json::Value;

/// What a reference to an item is counted as while items are sorted, twice over.
const SORTED_BYTES: u64 = 16;

impl Run<'_, '_> {
    pub(super) fn prefix_items(&mut self, ids: &[Id], array: &[Value], at: &At<'_>) -> Fits {
        for (index, (item, &id)) in array.iter().zip(ids).enumerate() {
            if !self.apply(id, item, &at.down(Step::Index(index)))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn items(&mut self, from: usize, each: Id, array: &[Value], at: &At<'_>) -> Fits {
        for (index, item) in array.iter().enumerate().skip(from) {
            if !self.apply(each, item, &at.down(Step::Index(index)))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn contains(
        &mut self,
        id: Id,
        schema: Id,
        (least, most): (u64, Option<u64>),
        array: &[Value],
        at: &At<'_>,
    ) -> Fits {
        let mut found = 0;
        for item in array {
            // Where nothing but enough is asked for, the rest may be anything.
            if most.is_none() && found >= least {
                return Ok(true);
            }
            if self.try_quietly(schema, item, at)? {
                found += 1;
            }
            if let Some(most) = most.filter(|&most| found > most) {
                return self.fail(id, "maxContains", at, Fault::TooManyContained(most));
            }
        }
        if found >= least {
            return Ok(true);
        }
        // It is `contains` itself that asks for one.
        let keyword = if least == 1 { "contains" } else { "minContains" };
        self.fail(id, keyword, at, Fault::TooFewContained(least))
    }

    pub(super) fn unique_items(&mut self, id: Id, array: &[Value], at: &At<'_>) -> Fits {
        let items = array.len() as u64;
        self.budget.spend_steps(items)?;
        self.budget.spend_bytes(SORTED_BYTES * items)?;
        let twice = sorted(array.iter().collect(), self.budget)?.twice;
        self.holds(!twice, id, "uniqueItems", at, Fault::Twice)
    }
}
