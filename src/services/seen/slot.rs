//! A document with some of the ids of a scope.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::Millis;
use crate::json_text;
use crate::state::stored::stored;

/// For how long an id may be pending before its first try counts as dead.
pub const PENDING_TIME: Duration = Duration::from_secs(10);

/// How many ids a slot holds, and how many places all of them together: some 20 bytes
/// each.
pub(super) const MAX_ENTRIES: usize = 16;
const MAX_PLACES: usize = 1_000;

/// What most entries take, with a place.
const ENTRY_BYTES: usize = 96;

/// Where a record was written. The topic is empty if it is the scope's own. Sources note the
/// destination with it, behind which there is a slash (`sources/shares.rs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (topic, rest) = text.split_once(':')?;
        let (partition, offset) = rest.split_once(':')?;
        let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
        Some(Self { topic: topic.to_owned(), partition, offset })
    }
}

/// An id, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) at: Millis,
    pub(super) content: Option<String>,
    state: State,
    pub(super) places: Vec<Option<Place>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Done,
    /// Nothing was written, or only a part: for the writes of the same instance.
    Forgotten,
}

impl State {
    fn letter(self) -> &'static str {
        match self {
            Self::Pending => "p",
            Self::Done => "d",
            Self::Forgotten => "f",
        }
    }

    fn of(letter: &str) -> Option<Self> {
        [Self::Pending, Self::Done, Self::Forgotten]
            .into_iter()
            .find(|state| state.letter() == letter)
    }
}

impl Entry {
    /// Digits are written without `format!`, which took nearly all of this function's time.
    fn to_text(&self) -> String {
        let mut digits = itoa::Buffer::new();
        let mut text = String::with_capacity(ENTRY_BYTES);
        let mut add = |part: &str| text.push_str(part);
        let content = self.content.as_deref().unwrap_or("-");
        for part in [&*self.id, " ", digits.format(self.at), " ", self.state.letter(), " ", content]
        {
            add(part);
        }
        for place in &self.places {
            match place {
                None => add(" -"),
                Some(Place { topic, partition, offset }) => {
                    add(" ");
                    add(topic);
                    add(":");
                    add(digits.format(*partition));
                    add(":");
                    add(digits.format(*offset));
                }
            }
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (id, at, state) = head(text)?;
        let mut parts = text.split(' ').skip(3);
        let content = parts.next()?;
        let content = (content != "-").then(|| content.to_owned());
        let place = |text| if text == "-" { Some(None) } else { Place::parse(text).map(Some) };
        let places = parts.map(place).collect::<Option<_>>()?;
        Some(Self { id: id.to_owned(), at, content, state, places })
    }

    pub(super) fn pending(
        id: String,
        content: Option<String>,
        at: Millis,
        places: Vec<Option<Place>>,
    ) -> Self {
        Self { id, at, content, state: State::Pending, places }
    }

    pub(super) fn done(&self, places: Vec<Option<Place>>, at: Millis) -> Self {
        // What is not there yet is for the next repeat.
        if places.iter().any(Option::is_none) {
            return Self { state: State::Forgotten, places, ..self.clone() };
        }
        Self { state: State::Done, places, at, ..self.clone() }
    }

    pub(super) fn forgotten(&self) -> Self {
        Self { state: State::Forgotten, ..self.clone() }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.state == State::Forgotten
    }

    /// Whether this one, from the store, counts in place of what an instance has noted
    /// of the same id. An instance that failed knows nothing of those that came after it;
    /// but what was read may also be older than what it noted.
    pub(super) fn outlasts(&self, own: &Self) -> bool {
        match own.state {
            State::Done => false,
            State::Pending => self.is_done(),
            State::Forgotten => {
                let written = |entry: &Self| entry.places.iter().flatten().count();
                let has_more = self.is_forgotten() && written(self) > written(own);
                self.is_done() || has_more || self.at > own.at
            }
        }
    }

    pub(super) fn is_over(&self, now: Millis, window: Duration) -> bool {
        is_over(self.at, self.state, now, window)
    }

    /// For how long it may still be on its way; `None` if a repeat is to be produced.
    pub(super) fn pending_for(&self, now: Millis) -> Option<Duration> {
        if self.state != State::Pending {
            return None;
        }
        let age = now.saturating_sub(self.at);
        // A time that is far ahead is of a wrong clock, and cannot hold anything up.
        let age = u64::try_from(age).unwrap_or(0);
        let limit = u64::try_from(PENDING_TIME.as_millis()).unwrap_or(u64::MAX);
        if self.at.saturating_sub(now) > Millis::try_from(limit).unwrap_or(Millis::MAX) {
            return None;
        }
        limit.checked_sub(age).filter(|left| *left > 0).map(Duration::from_millis)
    }
}

/// The entries as text, oldest first, with `;` between them. An entry is its id, time,
/// state, content (`-` if there is none) and places (`-` for what was not written), with
/// spaces between them: neither is in an id in hexadecimal digits, nor in a topic's name. What
/// is one text to JSON costs a fraction of what values of JSON cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(crate) struct Entries(String);

stored!(often Entries, "a part of the memory of repeats", 2, forget_older);

/// The layout before was never released.
fn forget_older(_version: u32, _layout: &str) -> serde_json::Result<Entries> {
    Ok(Entries::default())
}

impl Entries {
    /// A document of one entry.
    pub(super) fn of(entry: &Entry) -> Self {
        Self(entry.to_text())
    }

    /// The entry of such a document.
    pub(super) fn only(&self) -> Option<Entry> {
        Entry::parse(&self.0)
    }
}

/// What stands before the entries in the store, and behind them. No entry has characters that
/// JSON escapes.
const BEFORE: &[u8] = br#"{"v":2,"d":""#;
const BEHIND: &[u8] = br#""}"#;

/// Some of the ids of a scope, as they are stored: what is read is changed in place, and is
/// written as it is. As JSON each byte of it would be looked at several times, for each event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    document: Vec<u8>,
    /// Where each entry begins.
    starts: Vec<usize>,
}

impl Default for Slot {
    fn default() -> Self {
        Self::of(&Entries::default())
    }
}

impl Slot {
    /// Reads a document as it is stored.
    pub(super) fn from_bytes(document: Vec<u8>) -> serde_json::Result<Self> {
        let entries = document.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(BEHIND));
        if !entries.is_some_and(<[u8]>::is_ascii) {
            return json_text::read(&document).map(|entries| Self::of(&entries));
        }
        let mut starts = Vec::with_capacity(MAX_ENTRIES + 1);
        let end = document.len() - BEHIND.len();
        if end > BEFORE.len() {
            starts.push(BEFORE.len());
            let marks = memchr::memchr_iter(b';', &document);
            starts.extend(marks.map(|mark| mark + 1));
        }
        Ok(Self { document, starts })
    }

    fn of(Entries(entries): &Entries) -> Self {
        let mut slot = Self { document: [BEFORE, BEHIND].concat(), starts: Vec::with_capacity(1) };
        for entry in entries.split(';').filter(|entry| !entry.is_empty()) {
            slot.push(entry);
        }
        slot
    }

    /// The document as it is stored.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.document
    }

    pub(super) fn find(&self, id: &str, now: Millis, window: Duration) -> Option<Entry> {
        let entry = Entry::parse(self.text(self.index_of(id)?))?;
        (!entry.is_over(now, window)).then_some(entry)
    }

    fn range(&self, index: usize) -> Range<usize> {
        let end = match self.starts.get(index + 1) {
            Some(next) => next - 1,
            None => self.document.len() - BEHIND.len(),
        };
        self.starts[index]..end
    }

    fn text(&self, index: usize) -> &str {
        // Entries begin and end between characters.
        str::from_utf8(&self.document[self.range(index)]).unwrap_or_default()
    }

    /// What is looked for is most often the newest one, or not there.
    fn index_of(&self, id: &str) -> Option<usize> {
        let first = id.as_bytes().first();
        self.starts.iter().rposition(|start| {
            let entry = &self.document[*start..];
            // The first digit tells most entries apart, without a call of `memcmp`.
            entry.first() == first
                && entry.strip_prefix(id.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' '))
        })
    }

    fn push(&mut self, entry: &str) {
        self.document.truncate(self.document.len() - BEHIND.len());
        // No more than it takes: most documents stay as large as they are.
        self.document.reserve_exact(entry.len() + 1 + BEHIND.len());
        if !self.starts.is_empty() {
            self.document.push(b';');
        }
        self.starts.push(self.document.len());
        self.document.extend_from_slice(entry.as_bytes());
        self.document.extend_from_slice(BEHIND);
    }

    fn remove(&mut self, index: usize) {
        let Range { mut start, mut end } = self.range(index);
        // With the mark behind it, or the one before it.
        match self.starts.len() {
            1 => {}
            count if count == index + 1 => start -= 1,
            _ => end += 1,
        }
        self.document.drain(start..end);
        self.starts.remove(index);
        for later in &mut self.starts[index..] {
            *later -= end - start;
        }
    }

    /// Puts an entry in place of the one with the same id, unless that one outlasts it.
    /// The oldest ones make room.
    pub(super) fn put(&mut self, entry: &Entry, now: Millis, window: Duration) {
        let (index, text) = (self.index_of(&entry.id), entry.to_text());
        if let Some(index) = index {
            let known = self.text(index);
            let outlasts = |known: Entry| !known.is_over(now, window) && known.outlasts(entry);
            // Nothing outlasts what is done, which is what most entries become.
            if known == text || !entry.is_done() && Entry::parse(known).is_some_and(outlasts) {
                return;
            }
            self.remove(index);
        }
        if entry.state != State::Forgotten || entry.places.iter().any(Option::is_some) {
            // Before it is put there, so that the document need not grow, which would move it.
            self.make_room_for(&text);
            self.push(&text);
        }
    }

    fn make_room_for(&mut self, entry: &str) {
        // A place takes two bytes at least, and most slots have few.
        let mut parts = match self.document.len() + entry.len() > 2 * MAX_PLACES {
            true => {
                let known = (0..self.starts.len()).map(|index| spaces(self.text(index)));
                known.sum::<usize>() + spaces(entry)
            }
            false => 0,
        };
        while self.starts.len() >= MAX_ENTRIES
            || (!self.starts.is_empty() && parts > MAX_PLACES + 3 * (self.starts.len() + 1))
        {
            parts = parts.saturating_sub(spaces(self.text(0)));
            self.remove(0);
        }
    }

    /// Forgets those that are over among the oldest.
    pub(super) fn forget_old(&mut self, now: Millis, window: Duration) {
        let is_over =
            |entry: &str| head(entry).is_none_or(|(_, at, state)| is_over(at, state, now, window));
        while !self.starts.is_empty() && is_over(self.text(0)) {
            self.remove(0);
        }
    }
}

/// One for each of its parts but the first.
fn spaces(entry: &str) -> usize {
    memchr::memchr_iter(b' ', entry.as_bytes()).count()
}

/// Id, time and state of an entry.
fn head(entry: &str) -> Option<(&str, Millis, State)> {
    let mut parts = entry.splitn(4, ' ');
    let (id, at, state) = (parts.next()?, parts.next()?, parts.next()?);
    Some((id, at.parse().ok()?, State::of(state)?))
}

/// Whether it is not to be remembered any more. A short window does not end while the
/// id may be on its way.
fn is_over(at: Millis, state: State, now: Millis, window: Duration) -> bool {
    let window = if state == State::Pending { window.max(PENDING_TIME) } else { window };
    let window = Millis::try_from(window.as_millis()).unwrap_or(Millis::MAX);
    now.saturating_sub(at) >= window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i64) -> Option<Place> {
        Some(Place { topic: String::new(), partition: 0, offset })
    }

    const WINDOW: Duration = Duration::from_secs(86_400);

    fn put(slot: &mut Slot, entry: &Entry) {
        slot.put(entry, 0, WINDOW);
    }

    fn find(slot: &Slot, id: &str) -> Option<Entry> {
        slot.find(id, 0, WINDOW)
    }

    fn entry(id: &str, at: Millis) -> Entry {
        Entry::pending(id.into(), None, at, Vec::new())
    }

    #[test]
    fn an_id_is_pending_for_ten_seconds() {
        let entry = entry("a", 1_000);
        assert_eq!(entry.pending_for(1_000), Some(PENDING_TIME));
        assert_eq!(entry.pending_for(10_999), Some(Duration::from_millis(1)));
        assert_eq!(entry.pending_for(11_000), None);
        assert_eq!(entry.pending_for(0), Some(PENDING_TIME), "another clock is a bit behind");
        assert_eq!(entry.pending_for(-20_000), None, "a clock was wrong");
        let done = entry.done(vec![place(7)], 2_000);
        assert!(done.is_done() && done.pending_for(2_000).is_none());
    }

    #[test]
    fn what_was_written_in_part_is_no_repeat_and_not_forgotten() {
        let part = entry("a", 0).done(vec![place(7), None], 1);
        assert!(!part.is_done());
        assert_eq!(part.pending_for(1), None);
        let mut slot = Slot::default();
        put(&mut slot, &part);
        assert_eq!(find(&slot, "a"), Some(part.clone()));
        put(&mut slot, &entry("a", 2).forgotten());
        assert_eq!(find(&slot, "a"), Some(part), "a later try did not know of it");
        put(&mut slot, &entry("b", 2));
        put(&mut slot, &entry("b", 2).forgotten());
        assert_eq!(find(&slot, "b"), None);
        put(&mut slot, &entry("c", 3));
        put(&mut slot, &entry("c", 2).forgotten());
        assert!(find(&slot, "c").is_some(), "the mark of another try");
    }

    fn count(slot: &Slot) -> usize {
        slot.starts.len()
    }

    #[test]
    fn the_oldest_make_room() {
        let mut slot = Slot::default();
        for n in 0..=16 {
            put(&mut slot, &entry(&format!("{n}"), n));
        }
        assert_eq!((find(&slot, "0"), count(&slot)), (None, 16));
        put(&mut slot, &entry("1", 99));
        assert_eq!(count(&slot), 16);
        let text = str::from_utf8(slot.as_bytes()).unwrap();
        let begins = text.starts_with(r#"{"v":2,"d":"2 2 p -;3 "#);
        assert!(begins && text.ends_with(r#";1 99 p -"}"#), "{text}");
        let many = entry("many", 100).done(vec![place(1); 990], 100);
        put(&mut slot, &many);
        assert_eq!(count(&slot), 16, "the others have no places");
        let twelve = |id: &str, at| entry(id, at).done(vec![place(1); 12], at);
        put(&mut slot, &twelve("more", 101));
        assert_eq!((count(&slot), find(&slot, "many")), (1, None));
        put(&mut slot, &many);
        put(&mut slot, &entry("huge", 102).done(vec![place(1); 2_000], 102));
        assert_eq!(count(&slot), 1, "one entry is kept whatever its size");
        put(&mut slot, &twelve("small", 103));
        assert_eq!((count(&slot), find(&slot, "huge")), (1, None));
    }

    #[test]
    fn an_id_that_begins_like_another_is_another() {
        let mut slot = Slot::default();
        put(&mut slot, &entry("abc", 1));
        assert_eq!(find(&slot, "ab"), None);
        put(&mut slot, &entry("ab", 2));
        assert_eq!((count(&slot), find(&slot, "ab")), (2, Some(entry("ab", 2))));
        put(&mut slot, &entry("abcde", 3));
        assert_eq!((find(&slot, "abcdf"), find(&slot, "abcd")), (None, None));
        put(&mut slot, &entry("abcdf", 4));
        assert_eq!((count(&slot), find(&slot, "abcde")), (4, Some(entry("abcde", 3))));
    }

    #[test]
    fn a_full_slot_stays_where_it_is() {
        let done = |n: i64| entry(&format!("{n:024}"), n).done(vec![place(n)], n);
        let mut slot = Slot::default();
        (10..26).for_each(|n| put(&mut slot, &done(n)));
        let mut slot = Slot::from_bytes(slot.as_bytes().to_vec()).unwrap();
        let bytes = slot.document.as_ptr_range();
        for n in 26..40 {
            put(&mut slot, &entry(&format!("{n:024}"), n));
            put(&mut slot, &done(n));
        }
        assert_eq!((count(&slot), slot.document.as_ptr_range()), (16, bytes));
    }

    #[test]
    fn old_ids_are_forgotten() {
        let mut slot = Slot::default();
        put(&mut slot, &entry("a", 0));
        put(&mut slot, &entry("b", 5_000));
        slot.forget_old(10_000, Duration::from_secs(6));
        assert_eq!((find(&slot, "a"), count(&slot)), (None, 1));
        put(&mut slot, &entry("c", 5_000).done(vec![place(1)], 5_000));
        let window = Duration::from_secs(6);
        slot.forget_old(11_000, window);
        assert!(find(&slot, "b").is_some(), "it may be on its way for ten seconds");
        assert_eq!(slot.find("c", 11_000, window), None, "behind one that is not over");
        slot.put(&entry("c", 11_000), 11_000, window);
        assert_eq!((find(&slot, "c"), count(&slot)), (Some(entry("c", 11_000)), 2));
        slot.forget_old(21_000, Duration::from_secs(6));
        assert_eq!(slot, Slot::default());
    }

    #[test]
    fn a_slot_is_kept_whole() {
        let mut slot = Slot::default();
        let content = Some("0011".to_owned());
        let entry = Entry::pending("a".into(), content, 1, Vec::new());
        let places = vec![Some(Place { topic: "t".into(), partition: 1, offset: 2 }), place(3)];
        let part = entry.done(vec![place(4), None], 2);
        put(&mut slot, &Entry { id: "b".into(), ..part });
        put(&mut slot, &entry.done(places, 2));
        let read = |stored: &[u8]| Slot::from_bytes(stored.to_vec());
        let expected = r#"{"v":2,"d":"b 1 f 0011 :0:4 -;a 2 d 0011 t:1:2 :0:3"}"#;
        assert_eq!(str::from_utf8(slot.as_bytes()).unwrap(), expected);
        assert_eq!(read(expected.as_bytes()).unwrap(), slot);
        let last = slot.text(1);
        assert_eq!(find(&slot, "a").unwrap(), Entry::parse(last).unwrap());
        // As it lies where each id has a key.
        let entries: Entries = serde_json::from_str(expected).unwrap();
        assert_eq!(serde_json::to_string(&entries).unwrap(), expected);
        assert_eq!(Slot::of(&entries), slot);
        assert_eq!(read(format!("{expected}\n").as_bytes()).unwrap(), slot);
        let before = br#"[{"i":"a","a":2,"s":"d","r":[{"p":0,"o":3}]}]"#;
        assert_eq!(read(before).unwrap(), Slot::default());
        assert_eq!(read(br#"{"v":2,"d":""}"#).unwrap(), Slot::default());
        for unreadable in [
            &br#"{"v":3,"d":"a 1 p -"}"#[..],
            br#"{"v":2,"d":"}"#,
            b"",
            b"x",
            b"\xff",
            b"{\"v\":2,\"d\":\"\xff\"}",
        ] {
            assert!(read(unreadable).is_err(), "{unreadable:?}");
        }
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for text in ["a", "a 1 p", "a x p -", "a 1 q -", "a 1 pp -", "a 1 d - 0:1", "a 1 d - :x:1"]
        {
            assert_eq!(Entry::parse(text), None, "{text}");
        }
    }
}
