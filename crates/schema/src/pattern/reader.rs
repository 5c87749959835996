//! Reads a pattern as ECMA-262 does with the flag `u`, and writes it as
//! `regex-lite` takes it. It keeps its own stack of open groups.

use super::class::{Class, LINE_END};
use super::escape::{self, Escape};
use super::size::Size;
use super::{BadPattern, DEEPEST_GROUP, MOST_STATES};
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// The characters that are left to read.
pub(super) struct Source<'a> {
    chars: Peekable<Chars<'a>>,
}

impl Source<'_> {
    #[inline(never)]
    pub(super) fn next(&mut self) -> Option<char> {
        self.chars.next()
    }

    #[inline(never)]
    pub(super) fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    /// Whether this one is next, which is then read.
    #[inline(never)]
    pub(super) fn take(&mut self, char: char) -> bool {
        self.chars.next_if_eq(&char).is_some()
    }

    /// So many hexadecimal digits.
    pub(super) fn hex(&mut self, digits: u32) -> Option<u32> {
        let mut code = 0;
        for _ in 0..digits {
            code = (code << 4) | self.next()?.to_digit(16)?;
        }
        Some(code)
    }

    /// A decimal number, if a digit is next. What is too large stays too large.
    fn number(&mut self) -> Option<u64> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.next();
            let before: u64 = number.unwrap_or(0);
            number = Some(before.saturating_mul(10).saturating_add(u64::from(digit)));
        }
        number
    }
}

/// What a pattern became.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) text: String,
    pub(super) size: Size,
}

/// An open group, or the pattern as a whole.
struct Group {
    /// What is before the last `|`.
    before: Option<Size>,
    /// What is after it, without the last part.
    sequence: Size,
    /// The last part, which a quantifier may still repeat.
    last: Size,
    repeatable: bool,
}

impl Group {
    fn new() -> Group {
        Group { before: None, sequence: Size::EMPTY, last: Size::EMPTY, repeatable: false }
    }

    #[inline(never)]
    fn part(&mut self, size: Size, repeatable: bool) {
        self.sequence = self.sequence.then(self.last);
        self.last = size;
        self.repeatable = repeatable;
    }

    fn alternative(&mut self) {
        *self = Group { before: Some(self.all()), ..Group::new() };
    }

    #[inline(never)]
    fn all(&self) -> Size {
        let sequence = self.sequence.then(self.last);
        self.before.map_or(sequence, |before| before.or(sequence))
    }
}

pub(super) fn read(ecma: &str) -> Result<Read, BadPattern> {
    let mut source = Source { chars: ecma.chars().peekable() };
    let mut text = String::with_capacity(ecma.len());
    let mut outer: Vec<Group> = Vec::new();
    let mut group = Group::new();
    while let Some(char) = source.next() {
        match char {
            '(' => {
                if outer.len() == DEEPEST_GROUP {
                    return Err(BadPattern::TooDeep);
                }
                begin_group(&mut source)?;
                // Nobody asks what a group has captured.
                text.push_str("(?:");
                outer.push(std::mem::replace(&mut group, Group::new()));
            }
            ')' => {
                text.push(')');
                let size = Size::PLACE.then(group.all());
                group = outer.pop().ok_or(BadPattern::LoneParenthesis)?;
                group.part(size, true);
            }
            '|' => {
                text.push('|');
                group.alternative();
            }
            '^' | '$' => {
                text.push(char);
                group.part(Size::PLACE, false);
            }
            '.' => group.part(Class::of(LINE_END, true).write(&mut text), true),
            '[' => group.part(read_class(&mut source)?.write(&mut text), true),
            '\\' => match escape::read(&mut source, false)? {
                Escape::Char(code) => group.part(Class::one(code).write(&mut text), true),
                Escape::Class(class) => group.part(class.write(&mut text), true),
                Escape::Boundary => {
                    text.push_str("\\b");
                    group.part(Size::PLACE, false);
                }
                Escape::NoBoundary => {
                    text.push_str("\\B");
                    group.part(Size::PLACE, false);
                }
            },
            '*' | '+' | '?' | '{' => repeat(char, &mut source, &mut group, &mut text)?,
            ']' | '}' => return Err(BadPattern::LoneBracket),
            literal => {
                // These mean something to `regex-lite` alone, in places.
                if matches!(literal, '#' | '&' | '-' | '~') {
                    text.push('\\');
                }
                text.push(literal);
                group.part(Size::character(1), true);
            }
        }
        // Counted on the way, so that repeats of repeats end here.
        if group.all().states > u64::from(MOST_STATES) {
            return Err(BadPattern::TooLarge);
        }
    }
    if !outer.is_empty() {
        return Err(BadPattern::OpenGroup);
    }
    let mut size = group.all();
    // It begins anywhere, unless it is bound to the beginning.
    if group.before.is_some() || !ecma.starts_with('^') {
        size.active = size.states;
    }
    Ok(Read { text, size: Size::PLACE.then(size) })
}

/// Reads what stands behind a parenthesis and says what kind of group it is.
#[inline(never)]
fn begin_group(source: &mut Source<'_>) -> Result<(), BadPattern> {
    if !source.take('?') {
        return Ok(());
    }
    match source.next() {
        Some(':') => Ok(()),
        Some('=' | '!') => Err(BadPattern::Lookahead),
        Some('<') => match source.next() {
            Some('=' | '!') => Err(BadPattern::Lookbehind),
            Some(first) if is_name(first) => {
                while !source.take('>') {
                    source.next().filter(|&c| is_name(c)).ok_or(BadPattern::OpenGroup)?;
                }
                Ok(())
            }
            _ => Err(BadPattern::OpenGroup),
        },
        Some('i' | 'm' | 's' | '-') => Err(BadPattern::Flags),
        _ => Err(BadPattern::NothingToRepeat),
    }
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '$')
}

/// A class whose bracket has been read.
#[inline(never)]
fn read_class(source: &mut Source<'_>) -> Result<Class, BadPattern> {
    let negated = source.take('^');
    let mut class = Class::default();
    loop {
        let from = match class_member(source)? {
            None => break,
            Some(Escape::Class(part)) => {
                class.join(part)?;
                continue;
            }
            Some(Escape::Char(code)) => code,
            Some(Escape::Boundary | Escape::NoBoundary) => return Err(BadPattern::Escape),
        };
        if !source.take('-') {
            class.add(from, from)?;
            continue;
        }
        match class_member(source)? {
            // A '-' at the end is one.
            None => {
                class.add(from, from)?;
                class.add(u32::from('-'), u32::from('-'))?;
                break;
            }
            Some(Escape::Char(to)) if from <= to => class.add(from, to)?,
            Some(Escape::Char(_)) => return Err(BadPattern::BackwardRange),
            // `[.-\w]` is no range. With the flag `u` it is an error; without
            // it, and here, the '-' is one.
            Some(Escape::Class(part)) => {
                class.add(from, from)?;
                class.add(u32::from('-'), u32::from('-'))?;
                class.join(part)?;
            }
            Some(Escape::Boundary | Escape::NoBoundary) => return Err(BadPattern::Escape),
        }
    }
    Ok(if negated { class.complement() } else { class })
}

/// The next member of a class, or `None` at its end.
fn class_member(source: &mut Source<'_>) -> Result<Option<Escape>, BadPattern> {
    match source.next().ok_or(BadPattern::OpenClass)? {
        ']' => Ok(None),
        '\\' => escape::read(source, true).map(Some),
        literal => Ok(Some(Escape::Char(u32::from(literal)))),
    }
}

/// A quantifier whose first character has been read.
#[inline(never)]
fn repeat(
    first: char,
    source: &mut Source<'_>,
    group: &mut Group,
    text: &mut String,
) -> Result<(), BadPattern> {
    let (least, most) = match first {
        '*' => (0, None),
        '+' => (1, None),
        '?' => (0, Some(1)),
        _ => braces(source)?,
    };
    if !group.repeatable {
        return Err(BadPattern::NothingToRepeat);
    }
    group.last = group.last.repeated(least, most);
    group.repeatable = false;
    if group.all().states > u64::from(MOST_STATES) {
        return Err(BadPattern::TooLarge);
    }
    match most {
        Some(most) => _ = write!(text, "{{{least},{most}}}"),
        None => _ = write!(text, "{{{least},}}"),
    }
    // Whether it takes as much as it can does not change whether it matches.
    source.take('?');
    Ok(())
}

/// `n}`, `n,}` or `n,m}`.
fn braces(source: &mut Source<'_>) -> Result<(u64, Option<u64>), BadPattern> {
    let least = source.number().ok_or(BadPattern::LoneBracket)?;
    let most = if source.take(',') { source.number() } else { Some(least) };
    if !source.take('}') {
        return Err(BadPattern::LoneBracket);
    }
    match most {
        Some(most) if most < least => Err(BadPattern::BackwardQuantifier),
        most => Ok((least, most)),
    }
}
