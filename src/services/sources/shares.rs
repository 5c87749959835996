//! Where the records of an event are, by destination, as the memory of repeats has it.
//!
//! First come the places in the gateway's own Kafka, if there are any. Those of each other
//! destination have a mark before them: its id and a slash in place of a topic, and how many
//! there are in place of an offset. The topics of its places have the id and a slash before
//! them, too. No name of a topic holds a slash.

use std::rc::Rc;

use super::inbound::Written;
use crate::services::seen::Place;

/// The partition of a mark.
const MARK: i32 = -1;

/// The places of the gateway's own Kafka, which is all there is for most events.
pub(super) fn of_gateway(places: &[Option<Place>]) -> &[Option<Place>] {
    let end = places.iter().position(is_mark).unwrap_or(places.len());
    &places[..end]
}

fn is_mark(place: &Option<Place>) -> bool {
    place.as_ref().is_some_and(|place| place.partition == MARK && place.topic.ends_with('/'))
}

/// Where a record is, for an answer. A destination is known by its id as long as nobody says
/// what its name is. `None`: it is no record's place.
pub(super) fn written(place: Place, name: impl Fn(&str) -> Option<Rc<str>>) -> Option<Written> {
    let Place { topic, partition, offset } = place;
    match topic.split_once('/') {
        None => Some(Written { destination: None, topic, partition, offset }),
        Some((_, "")) => None,
        Some((id, topic)) => {
            let destination = name(id).unwrap_or_else(|| id.into());
            let (destination, topic) = (Some(destination), topic.to_owned());
            Some(Written { destination, topic, partition, offset })
        }
    }
}

/// The places of a destination among all of them, or of the gateway's own Kafka. Empty if
/// there are none.
#[cfg(feature = "destinations")]
pub(super) fn of<'p>(places: &'p [Option<Place>], id: Option<&str>) -> &'p [Option<Place>] {
    let Some(id) = id else { return of_gateway(places) };
    let is_its_mark = |place: &Option<Place>| {
        is_mark(place)
            && place.as_ref().is_some_and(|place| place.topic.strip_suffix('/') == Some(id))
    };
    match places.iter().position(is_its_mark) {
        Some(mark) => of_gateway(&places[mark + 1..]),
        None => &[],
    }
}

/// Puts the places of each destination behind those of the others; the gateway's own, which
/// has no id, comes first.
#[cfg(feature = "destinations")]
pub(super) fn joined<'p>(
    shares: impl IntoIterator<Item = (Option<&'p str>, Vec<Option<Place>>)>,
) -> Vec<Option<Place>> {
    let mut joined = Vec::new();
    for (id, places) in shares {
        if let Some(id) = id {
            let offset = places.len() as i64;
            joined.push(Some(Place { topic: format!("{id}/"), partition: MARK, offset }));
        }
        joined.extend(places);
    }
    joined
}

/// Whether any record is there.
#[cfg(feature = "destinations")]
pub(super) fn has_any(places: &[Option<Place>]) -> bool {
    places.iter().any(|place| place.is_some() && !is_mark(place))
}

#[cfg(all(test, feature = "destinations"))]
mod tests {
    use super::*;

    fn place(topic: &str, offset: i64) -> Option<Place> {
        Some(Place { topic: topic.into(), partition: 0, offset })
    }

    #[test]
    fn places_are_found_by_their_destination() {
        let (own, a, b) = (
            vec![place("t", 1), None],
            vec![None, place("dest_a/u", 2)],
            vec![place("dest_b/v", 3), place("dest_b/v", 4)],
        );
        let shares =
            [(None, own.clone()), (Some("dest_a"), a.clone()), (Some("dest_b"), b.clone())];
        let joined = joined(shares);
        assert_eq!(of(&joined, None), own);
        assert_eq!(of(&joined, Some("dest_a")), a);
        assert_eq!(of(&joined, Some("dest_b")), b);
        assert!(of(&joined, Some("dest_")).is_empty() && of(&joined, Some("dest_c")).is_empty());
        assert_eq!(of_gateway(&own), own, "a memory from before has the gateway's alone");
        let name = |id: &str| (id == "dest_a").then(|| Rc::from("A"));
        let shown = joined.into_iter().flatten().filter_map(|place| written(place, name));
        let shown: Vec<_> = shown.map(|w| (w.destination, w.topic, w.offset)).collect();
        assert_eq!(
            shown,
            [
                (None, "t".into(), 1),
                (Some("A".into()), "u".into(), 2),
                (Some("dest_b".into()), "v".into(), 3),
                (Some("dest_b".into()), "v".into(), 4),
            ]
        );
    }

    #[test]
    fn a_mark_is_no_record() {
        let none = joined([(Some("dest_a"), vec![None]), (Some("dest_b"), Vec::new())]);
        assert_eq!(none.len(), 3);
        assert!(!has_any(&none));
        assert!(has_any(&joined([(Some("dest_a"), vec![place("dest_a/u", 1)])])));
        assert!(of(&none, None).is_empty());
    }
}
