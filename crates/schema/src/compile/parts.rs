//! What has been read of one schema, until those keywords that work together can
//! become rules.

use crate::node::{Id, Members, Rule};

#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) rules: Vec<Rule>,
    pub(super) members: Members,
    pub(super) prefix_items: Vec<Id>,
    pub(super) items: Option<Id>,
    pub(super) contains: Option<Id>,
    pub(super) min_contains: Option<u64>,
    pub(super) max_contains: Option<u64>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
}

impl Parts {
    pub(super) fn into_rules(self) -> Vec<Rule> {
        let Parts { mut rules, members, .. } = self;
        if !(members.named.is_empty() && members.patterns.is_empty() && members.others.is_none()) {
            rules.push(Rule::Members(Box::new(members)));
        }
        let from = self.prefix_items.len();
        if from > 0 {
            rules.push(Rule::PrefixItems(self.prefix_items));
        }
        if let Some(items) = self.items {
            rules.push(Rule::Items(from, items));
        }
        // Without `contains`, the other two mean nothing.
        if let Some(schema) = self.contains {
            let least = self.min_contains.unwrap_or(1);
            rules.push(Rule::Contains { schema, least, most: self.max_contains });
        }
        // Nor do `then` and `else` without `if`.
        if let Some(condition) = self.condition {
            let (then, otherwise) = (self.then, self.otherwise);
            if then.is_some() || otherwise.is_some() {
                rules.push(Rule::If { condition, then, otherwise });
            }
        }
        rules
    }
}
