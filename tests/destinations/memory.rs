//! What the memory of repeats holds of events in a simulated world.

use kafka_edge_sim::World;

pub(crate) use crate::seen_memory::Stored;
use crate::seen_memory::stored_in;

pub(crate) fn stored(world: &World) -> Vec<Stored> {
    let documents = world.store().into_iter();
    // A counter has no value, and is none of the memory's.
    stored_in(documents.filter_map(|(key, document)| Some((key, document?))))
}
