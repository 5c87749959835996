//! A consumer instance and its position, as kept between fetches.

use serde::{Deserialize, Serialize};

use crate::kafka::Place;
use crate::kafka::confluent::names::is_segment;

/// A consumer instance, and the offset that its next read should start with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptInstance {
    pub(super) instance: String,
    pub(super) next: i64,
    /// Up to this offset a new instance, known to no other reader, returned no
    /// record: for example because of transaction markers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) silent_to: Option<i64>,
}

impl KeptInstance {
    /// `None` for anything that [`place`](Self::place) did not make.
    pub(super) fn of(place: &Place) -> Option<Self> {
        let kept: Self = kafka_edge_json::from_str(&place.0).ok()?;
        is_segment(&kept.instance).then_some(kept)
    }

    pub(super) fn place(&self) -> Place {
        let json = serde_json::to_string(self);
        Place(json.expect("a structure of text and numbers is always JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text() {
        for silent_to in [None, Some(9)] {
            let kept = KeptInstance { instance: "0af3".into(), next: 7, silent_to };
            assert_eq!(KeptInstance::of(&kept.place()), Some(kept));
        }
    }

    #[test]
    fn what_is_no_place_is_none() {
        for text in ["", "{}", r#"{"instance":"../x","next":1}"#, r#"{"instance":"","next":1}"#] {
            assert_eq!(KeptInstance::of(&Place(text.into())), None, "{text}");
        }
    }
}
