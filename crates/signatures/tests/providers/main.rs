//! What the providers' own packages sign is believed, and what was changed on the
//! way is not.

mod changes;
mod handshakes;
mod vectors;

use kafka_edge_signatures::{Failure, names};
use vectors::{refused, vectors};

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

/// A body that was parsed and written anew on its way is another one, though its package
/// escapes it, tries again and accepts it.
#[test]
fn what_fits_only_when_it_is_written_anew_is_refused() {
    let all = refused();
    assert!(all.iter().any(|vector| vector.provider == "box"));
    for vector in all {
        assert_eq!(vector.check(vector.now), Err(Failure::Mismatch), "{vector}");
    }
}
