//! What the providers' own packages sign is believed, and what was changed on the
//! way is not.

mod changes;
mod handshakes;
mod vectors;

use kafka_edge_signatures::names;
use vectors::vectors;

#[test]
fn every_provider_has_vectors_and_every_vector_a_provider() {
    let all = vectors();
    for name in names() {
        assert!(all.iter().any(|vector| vector.provider == name), "{name} has no vectors");
    }
    for vector in all {
        let spelled_out = vector.provider == "jwt";
        assert!(spelled_out || names().contains(&vector.provider), "{vector} has no row");
    }
}

#[test]
fn what_was_signed_is_believed() {
    let failed: Vec<_> = vectors()
        .iter()
        .filter_map(|vector| Some((vector.to_string(), vector.check(vector.now).err()?)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
