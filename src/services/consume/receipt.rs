//! Receipts, which a caller gets with claimed records and presents to
//! acknowledge them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::host::{Clock, Millis};
use crate::state::lane::Ticket;

/// Names one claim. Opaque to callers: its text may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// The ticket of the turn in which the record was handed out.
    pub(super) ticket: Ticket,
    pub(super) offset: i64,
    pub(super) nonce: String,
    /// The end of the lease when the record was handed out.
    pub(super) until: Millis,
}

impl Receipt {
    pub(super) fn to_text(&self) -> String {
        let Self { topic, partition, ticket, offset, nonce, until } = self;
        URL_SAFE_NO_PAD.encode(format!("{topic}/{partition}/{ticket}/{offset}/{nonce}/{until}"))
    }

    /// `None` for a text that is not a receipt.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let parts: Vec<_> = text.split('/').collect();
        let [topic, partition, ticket, offset, nonce, until] = parts[..] else { return None };
        let lawful = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (nonce.len() == NONCE_LENGTH && nonce.bytes().all(lawful)).then_some(())?;
        crate::names::check_topic(topic).ok()?;
        Some(Self {
            topic: topic.to_owned(),
            partition: partition.parse().ok().filter(|partition| *partition >= 0)?,
            ticket: ticket.parse().ok()?,
            offset: offset.parse().ok().filter(|offset| *offset >= 0)?,
            nonce: nonce.to_owned(),
            until: until.parse().ok()?,
        })
    }
}

/// 128 bits in base64.
const NONCE_LENGTH: usize = 22;

/// A text that cannot be guessed.
pub(super) fn nonce(host: &impl Clock) -> String {
    let mut random = [0; 16];
    host.random(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_comes_back_as_it_was_and_nothing_else_does() {
        let receipt = Receipt {
            topic: "orders".into(),
            partition: 2,
            ticket: Ticket::of(7),
            offset: 42,
            nonce: "abcdefghijklmnopqrst-_".into(),
            until: 1_000,
        };
        assert_eq!(Receipt::parse(&receipt.to_text()), Some(receipt.clone()));
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for bad in [
            String::new(),
            "=".into(),
            receipt.to_text() + "=",
            encode("orders/2/0.7/42"),
            encode("orders/2/0.7/42/short/1"),
            encode("orders/2/0.7/42/abcdefghijklmnopqrst/_/1"),
            encode("orders/2/0.7/42/abcdefghijklmnopqrst-_"),
            encode("orders/2/7/42/abcdefghijklmnopqrst-_/1"),
            encode("orders/-1/0.7/42/abcdefghijklmnopqrst-_/1"),
            encode("orders/2/0.7/-42/abcdefghijklmnopqrst-_/1"),
            encode("../2/0.7/42/abcdefghijklmnopqrst-_/1/x"),
            encode("or ders/2/0.7/42/abcdefghijklmnopqrst-_/1"),
        ] {
            assert_eq!(Receipt::parse(&bad), None, "{bad}");
        }
    }
}
