//! Callers that have a name in the group: they claim records in it, and
//! acknowledge by offset or all at once.

use std::time::Duration;

use kafka_edge::services::consume::{Ack, NamedReader, Next, Owner};
use kafka_edge::sorted::SortedMap;

use super::Scene;
use crate::model::Handing;
use crate::plan::TOPICS;
use crate::scene::everything;

/// A name, and what was handed out to it.
pub(super) struct Named {
    owner: Owner,
    held: Vec<Handing>,
}

impl Named {
    pub(super) fn new(number: u64) -> Self {
        Self { owner: Owner::named(&number.to_string()), held: Vec::new() }
    }
}

/// One call in somebody's name. Nobody calls twice at once.
pub(super) async fn act(scene: &Scene) {
    let Some(mut named) = scene.named.borrow_mut().pop_front() else { return };
    match scene.draw(12) {
        0..6 => consume(scene, &mut named).await,
        6 => extend(scene, &mut named).await,
        7 => give_back(scene, &mut named).await,
        8 if scene.plan.is_certain() => commit(scene, &mut named).await,
        9..12 if scene.plan.is_certain() => commit_all(scene, &mut named).await,
        _ => {}
    }
    scene.named.borrow_mut().push_back(named);
}

async fn consume(scene: &Scene, named: &mut Named) {
    let lease = draw_lease(scene);
    let next = Next {
        max: [1, 3, 10, 500][scene.draw(4) as usize],
        ack: Ack::Manual { lease },
        ..everything(&TOPICS, scene.draw_millis(1_500))
    };
    let reader = NamedReader { owner: Some(named.owner.clone()), ..NamedReader::default() };
    let (instance, asked) = (scene.any(), scene.now());
    match instance.next_for(reader, next).await {
        Some(Ok(handed)) if handed.is_empty() => {}
        Some(Ok(handed)) => {
            let held = scene.note(&instance.host, &handed, Some(lease));
            handed.delivered();
            let held: Vec<_> = held.into_iter().map(|(handing, _)| handing).collect();
            scene.model.borrow_mut().claimed_alone(&held, &named.held, asked, scene.now());
            named.held.extend(held);
        }
        // What it was to have is claimed or not. To commit would speak of that
        // as well, so nobody goes on under this name.
        _ => *named = Named::new(scene.draw(u64::MAX)),
    }
}

async fn commit_all(scene: &Scene, named: &mut Named) {
    for handing in &named.held {
        scene.model.borrow_mut().acking(*handing, scene.now());
    }
    if let Some(Ok(())) = scene.any().commit_all(&named.owner).await {
        for handing in named.held.drain(..) {
            scene.model.borrow_mut().committed(handing, scene.now());
        }
    }
}

/// Commits behind one of its records, and so all that is before that.
async fn commit(scene: &Scene, named: &mut Named) {
    if named.held.is_empty() {
        return;
    }
    let index = scene.draw(named.held.len() as u64) as usize;
    let ((lane, offset), _) = named.held[index];
    let number = scene.model.borrow_mut().moving(lane, offset + 1, scene.now());
    let offsets: SortedMap<_, _> = [(lane.1, offset + 1)].into();
    let lease = draw_lease(scene);
    let _ = scene.any().commit(&named.owner, TOPICS[lane.0], offsets, lease).await;
    scene.model.borrow_mut().moved_at_most(lane, number, scene.now());
    named.held.retain(|((of, at), _)| *of != lane || *at > offset);
}

async fn extend(scene: &Scene, named: &mut Named) {
    let (asked, lease) = (scene.now(), draw_lease(scene));
    if let Some(Ok(())) = scene.any().extend(&named.owner, lease).await {
        for handing in &named.held {
            scene.model.borrow_mut().extended(*handing, asked + lease, scene.now());
        }
    }
}

async fn give_back(scene: &Scene, named: &mut Named) {
    for handing in named.held.drain(..) {
        scene.model.borrow_mut().giving_back(handing, scene.now());
    }
    // Should that fail, they come when their leases are over.
    let _ = scene.any().give_back(&named.owner).await;
    *named = Named::new(scene.draw(u64::MAX));
}

fn draw_lease(scene: &Scene) -> Duration {
    Duration::from_secs(4) + scene.draw_millis(8_000)
}
