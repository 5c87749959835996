//! Receipts, which a caller gets with claimed records and presents to
//! acknowledge them.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::host::{Clock, Millis};
use crate::state::lane::Ticket;

/// Names the claim to one record. Opaque to callers: its text may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) page: Rc<Page>,
    pub(super) offset: i64,
}

/// What the receipts have in common of the records of a partition that one caller has got
/// at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// The ticket of the turn in which the records were handed out.
    pub(super) ticket: Ticket,
    /// Cannot be guessed.
    pub(super) nonce: String,
    /// The end of the lease when they were handed out.
    pub(super) until: Millis,
}

/// The text of a page. That of a receipt is this, a dot and the offset, so that a page is
/// written once, and read once by a [`Reader`].
pub(super) fn page(
    (topic, partition): (&str, i32),
    ticket: Ticket,
    nonce: &str,
    until: Millis,
) -> String {
    URL_SAFE_NO_PAD.encode(format!("{topic}/{partition}/{ticket}/{nonce}/{until}"))
}

impl Page {
    fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let parts: Vec<_> = text.split('/').collect();
        let [topic, partition, ticket, nonce, until] = parts[..] else { return None };
        let lawful = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (nonce.len() == NONCE_LENGTH && nonce.bytes().all(lawful)).then_some(())?;
        crate::names::check_topic(topic).ok()?;
        Some(Self {
            topic: topic.to_owned(),
            partition: partition.parse().ok().filter(|partition| *partition >= 0)?,
            ticket: ticket.parse().ok()?,
            nonce: nonce.to_owned(),
            until: until.parse().ok()?,
        })
    }
}

/// Reads receipts, most of which are of the page of the one before them.
#[derive(Default)]
pub(super) struct Reader<'a> {
    last: Option<(&'a str, Rc<Page>)>,
}

impl<'a> Reader<'a> {
    /// `None` for a text that is not a receipt.
    pub(super) fn read(&mut self, text: &'a str) -> Option<Receipt> {
        let (text, offset) = text.rsplit_once('.')?;
        let offset = offset.parse().ok().filter(|offset| *offset >= 0)?;
        let last = self.last.take().filter(|(last, _)| *last == text);
        let page = match last {
            Some((_, page)) => page,
            None => Rc::new(Page::parse(text)?),
        };
        self.last = Some((text, page.clone()));
        Some(Receipt { page, offset })
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
        let page = Page {
            topic: "orders".into(),
            partition: 2,
            ticket: Ticket::of(7),
            nonce: "abcdefghijklmnopqrst-_".into(),
            until: 1_000,
        };
        let text = super::page((&page.topic, 2), page.ticket, &page.nonce, page.until);
        let other = super::page((&page.topic, 3), page.ticket, &page.nonce, page.until);
        let mut reader = Reader::default();
        for (text, partition, offset) in
            [(&text, 2, 42), (&text, 2, 0), (&other, 3, 42), (&text, 2, 7)]
        {
            let page = Rc::new(Page { partition, ..page.clone() });
            let read = reader.read(format!("{text}.{offset}").leak());
            assert_eq!(read, Some(Receipt { page, offset }));
            // Those of an owner have a dot where others have their nonce.
            let owners = super::page(("orders", 2), Ticket::of(7), ".bcdefghijklmnopqrst-_", 1_000);
            let encode = |text: &str| URL_SAFE_NO_PAD.encode(text) + ".42";
            for bad in [
                String::new(),
                ".".into(),
                text.clone(),
                format!("{text}=.42"),
                format!("{text}.42="),
                format!("{text}.-42"),
                format!("{text}.42.42"),
                format!("{owners}.42"),
                format!("{}.abcdefghijklmnopqrst-_.42", &text[..8]),
                encode("orders/2/0.7"),
                encode("orders/2/0.7/short/1"),
                encode("orders/2/0.7/abcdefghijklmnopqrst/_/1"),
                encode("orders/2/0.7/abcdefghijklmnopqrst-_"),
                encode("orders/2/7/abcdefghijklmnopqrst-_/1"),
                encode("orders/-1/0.7/abcdefghijklmnopqrst-_/1"),
                encode("../2/0.7/abcdefghijklmnopqrst-_/1/x"),
                encode("or ders/2/0.7/abcdefghijklmnopqrst-_/1"),
            ] {
                assert_eq!(reader.read(bad.clone().leak()), None, "{bad}");
            }
        }
    }
}
