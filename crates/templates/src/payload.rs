//! A JSON value with expressions in its strings.

use std::rc::Rc;

use kafka_edge_bounded_json::{Budget, Object, Value};

use crate::eval::{Item, Scene};
use crate::limits::{MAX_ACTIONS, MAX_PAYLOAD_DEPTH};
use crate::parse::{Piece, has_action, pieces};
use crate::print::Out;
use crate::refused::{Failure, Place, Problem, Refused, RenderError};
use crate::term::Term;

/// A payload that was read, and is within the caps.
#[derive(Debug)]
pub struct Payload(Node);

#[derive(Debug)]
enum Node {
    /// There is no expression in it.
    Fixed(Value),
    /// A string that is one expression and nothing else.
    Whole(Term),
    Text(Vec<Piece>),
    Array(Vec<Node>),
    Object(Vec<(Rc<str>, Node)>),
}

impl Payload {
    pub fn compile(payload: &Value) -> Result<Self, Refused> {
        if payload.depth() > MAX_PAYLOAD_DEPTH {
            return Err(Place::Root.refused(Problem::TooDeep));
        }
        let mut actions = 0;
        Ok(Self(compile(payload, Place::Root, &mut actions)?))
    }

    /// The payload with the values of its expressions. `now` is in milliseconds since 1970.
    pub fn render(
        &self,
        data: &Value,
        now: i64,
        budget: &mut Budget,
    ) -> Result<Value, RenderError> {
        render(&self.0, &Scene { data, now }, Place::Root, budget)
    }
}

fn compile(value: &Value, place: Place<'_>, actions: &mut usize) -> Result<Node, Refused> {
    Ok(match value {
        Value::String(text) => {
            let mut pieces = pieces(text).map_err(|problem| place.refused(problem))?;
            let is_action = |piece: &&Piece| matches!(piece, Piece::Action(_));
            *actions += pieces.iter().filter(is_action).count();
            if *actions > MAX_ACTIONS {
                return Err(place.refused(Problem::TooManyActions));
            }
            match (pieces.len(), pieces.pop()) {
                (_, None) => Node::Fixed(value.clone()),
                (1, Some(Piece::Action(term))) => Node::Whole(term),
                (_, Some(last)) => {
                    pieces.push(last);
                    Node::Text(pieces)
                }
            }
        }
        Value::Array(items) => {
            let mut nodes = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                nodes.push(compile(item, Place::Item(&place, index), actions)?);
            }
            match nodes.iter().all(|node| matches!(node, Node::Fixed(_))) {
                true => Node::Fixed(value.clone()),
                false => Node::Array(nodes),
            }
        }
        Value::Object(object) => {
            let mut nodes = Vec::with_capacity(object.len());
            for (name, member) in object.iter() {
                let place = Place::Member(&place, name);
                if has_action(name) {
                    return Err(place.refused(Problem::InName));
                }
                nodes.push((name.clone(), compile(member, place, actions)?));
            }
            match nodes.iter().all(|(_, node)| matches!(node, Node::Fixed(_))) {
                true => Node::Fixed(value.clone()),
                false => Node::Object(nodes),
            }
        }
        _ => Node::Fixed(value.clone()),
    })
}

fn render(
    node: &Node,
    scene: &Scene<'_>,
    place: Place<'_>,
    budget: &mut Budget,
) -> Result<Value, RenderError> {
    let failed = |failure: Failure| RenderError { at: place.pointer(), failure };
    budget.step().map_err(|exceeded| failed(exceeded.into()))?;
    match node {
        Node::Fixed(value) => Ok(value.clone()),
        Node::Whole(term) => whole(term, scene, budget).map_err(failed),
        Node::Text(pieces) => text(pieces, scene, budget).map_err(failed),
        Node::Array(nodes) => {
            let mut items = Vec::with_capacity(nodes.len());
            for (index, node) in nodes.iter().enumerate() {
                items.push(render(node, scene, Place::Item(&place, index), budget)?);
            }
            Value::array(items, budget).map_err(|exceeded| failed(exceeded.into()))
        }
        Node::Object(nodes) => {
            let mut object = Object::new();
            for (name, node) in nodes {
                let value = render(node, scene, Place::Member(&place, name), budget)?;
                object.insert(name.clone(), value);
            }
            Value::from(object).not_too_deep().map_err(|exceeded| failed(exceeded.into()))
        }
    }
}

fn whole(term: &Term, scene: &Scene<'_>, budget: &mut Budget) -> Result<Value, Failure> {
    match scene.eval(term, budget)? {
        Item::Value(value) => Ok(value),
        time => {
            let mut out = Out::new(budget);
            out.any(&time)?;
            out.finish()
        }
    }
}

fn text(pieces: &[Piece], scene: &Scene<'_>, budget: &mut Budget) -> Result<Value, Failure> {
    let mut made = String::new();
    for piece in pieces {
        let mut out = Out::resume(made, budget);
        match piece {
            Piece::Text(text) => out.push(text)?,
            Piece::Action(term) => match scene.eval(term, out.budget())? {
                Item::Value(Value::Null) => {
                    return Err(match term {
                        Term::Field(names) => Failure::Missing(names.join(".")),
                        _ => Failure::Nothing,
                    });
                }
                item => out.any(&item)?,
            },
        }
        made = out.text();
    }
    Ok(Value::String(made.into()))
}
