//! Finds references that lead back to where they began without going into the
//! event. Whoever came there would never leave.

use crate::node::{Id, Node, Rule, pointer};
use crate::refused::{Reason, Refused};

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

pub(super) fn refuse(nodes: &[Node]) -> Result<(), Refused> {
    let mut states = vec![State::New; nodes.len()];
    for start in 0..nodes.len() {
        if states[start] != State::New {
            continue;
        }
        // Depth first; the nodes on the stack are those that are open.
        states[start] = State::Open;
        let mut stack = vec![(start as Id, same_value(&nodes[start]))];
        while let Some((id, left)) = stack.last_mut() {
            let Some(next) = left.pop() else {
                states[*id as usize] = State::Done;
                stack.pop();
                continue;
            };
            match states[next as usize] {
                State::Done => {}
                State::New => {
                    states[next as usize] = State::Open;
                    stack.push((next, same_value(&nodes[next as usize])));
                }
                State::Open => {
                    let circle = stack.iter().map(|(id, _)| *id).skip_while(|&id| id != next);
                    // A circle has a `$ref` in it, because schemas lie in a tree.
                    let mut with_reference = circle.filter(|&id| {
                        nodes[id as usize].rules.iter().any(|rule| matches!(rule, Rule::Ref(_)))
                    });
                    let id = with_reference.next().unwrap_or(next);
                    return Err(Refused::new(&pointer(nodes, id), "$ref", Reason::Endless));
                }
            }
        }
    }
    Ok(())
}

/// The schemas that a schema applies to the value that it was given itself.
fn same_value(node: &Node) -> Vec<Id> {
    let mut ids = Vec::new();
    for rule in &node.rules {
        match rule {
            Rule::Ref(id) | Rule::Not(id) => ids.push(*id),
            Rule::AllOf(several) | Rule::AnyOf(several) | Rule::OneOf(several) => {
                ids.extend(several);
            }
            Rule::If { condition, then, otherwise } => {
                ids.push(*condition);
                ids.extend(then.iter().chain(otherwise));
            }
            Rule::DependentSchemas(several) => ids.extend(several.iter().map(|(_, id)| id)),
            _ => {}
        }
    }
    ids
}
