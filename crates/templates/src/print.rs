//! Writes values as text.

use std::rc::Rc;

use kafka_edge_bounded_json::{Budget, Exceeded, Object, VALUE_BYTES, Value};

use crate::date;
use crate::eval::{Item, kind};
use crate::refused::Failure;

/// A text that is being made, each byte of which is counted.
pub(crate) struct Out<'b> {
    text: String,
    budget: &'b mut Budget,
}

/// How the scalars within a value are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `%v`
    Any,
    /// `%s`
    Text,
    /// `%d`
    Integer,
}

impl<'b> Out<'b> {
    pub(crate) fn new(budget: &'b mut Budget) -> Self {
        Self::resume(String::new(), budget)
    }

    /// Goes on with a text whose bytes are counted already.
    pub(crate) fn resume(text: String, budget: &'b mut Budget) -> Self {
        Self { text, budget }
    }

    pub(crate) fn budget(&mut self) -> &mut Budget {
        self.budget
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn text(self) -> String {
        self.text
    }

    pub(crate) fn finish(self) -> Result<Value, Failure> {
        Ok(Value::string(&self.text, self.budget)?)
    }

    pub(crate) fn push(&mut self, text: &str) -> Result<(), Exceeded> {
        self.budget.spend_bytes(text.len() as u64)?;
        self.budget.spend_steps(text.len() as u64 / 64)?;
        self.text.push_str(text);
        Ok(())
    }

    /// As `%v` writes it.
    pub(crate) fn any(&mut self, item: &Item) -> Result<(), Failure> {
        self.item(item, Style::Any)
    }

    /// As `%s` writes it.
    pub(crate) fn texts(&mut self, item: &Item) -> Result<(), Failure> {
        self.item(item, Style::Text)
    }

    /// As `%d` writes it.
    pub(crate) fn integers(&mut self, item: &Item) -> Result<(), Failure> {
        self.item(item, Style::Integer)
    }

    pub(crate) fn value(&mut self, value: &Value) -> Result<(), Failure> {
        self.styled(value, Style::Any)
    }

    fn item(&mut self, item: &Item, style: Style) -> Result<(), Failure> {
        match item {
            Item::Value(value) => self.styled(value, style),
            Item::Time(_) if style == Style::Integer => Err(wrong(style, item.kind())),
            Item::Time(millis) => Ok(self.push(&date::rfc3339(*millis))?),
        }
    }

    fn styled(&mut self, value: &Value, style: Style) -> Result<(), Failure> {
        self.budget.step()?;
        match (value, style) {
            (Value::Array(items), _) => {
                self.push("[")?;
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.push(" ")?;
                    }
                    self.styled(item, style)?;
                }
                Ok(self.push("]")?)
            }
            (Value::Object(object), Style::Any | Style::Text) => {
                self.push("map[")?;
                for (place, (name, member)) in self.sorted(object)?.into_iter().enumerate() {
                    if place > 0 {
                        self.push(" ")?;
                    }
                    self.push(&name)?;
                    self.push(":")?;
                    self.styled(member, style)?;
                }
                Ok(self.push("]")?)
            }
            (Value::String(text), Style::Any | Style::Text) => Ok(self.push(text)?),
            (Value::Null, Style::Any) => Ok(self.push("<nil>")?),
            (Value::Bool(value), Style::Any) => {
                Ok(self.push(if *value { "true" } else { "false" })?)
            }
            (Value::Number(number), Style::Any) => Ok(self.push(&number.to_string())?),
            (Value::Number(number), Style::Integer) => {
                let text = number.to_string();
                let digits = text.strip_prefix('-').unwrap_or(&text);
                if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Ok(self.push(&text)?);
                }
                // Such as 1.0 and 1e3.
                match number.as_i128() {
                    Some(int) => Ok(self.push(&int.to_string())?),
                    None => Err(wrong(style, "a number with a fraction")),
                }
            }
            (other, style) => Err(wrong(style, kind(other))),
        }
    }

    /// The members in the order of their names, in which Go writes them.
    fn sorted<'o>(&mut self, object: &'o Object) -> Result<Vec<(Rc<str>, &'o Value)>, Exceeded> {
        let count = object.len() as u64;
        self.budget.spend_steps(count)?;
        self.budget.spend_bytes(count * VALUE_BYTES)?;
        let names = object.sorted_keys().into_iter();
        Ok(names.filter_map(|name| object.get(&name).map(|member| (name, member))).collect())
    }

    /// As Go's package encoding/json writes it, but for numbers, which keep their digits.
    pub(crate) fn json(&mut self, item: &Item) -> Result<(), Failure> {
        match item {
            Item::Value(value) => self.json_value(value),
            Item::Time(millis) => self.json_text(&date::rfc3339(*millis)),
        }
    }

    fn json_value(&mut self, value: &Value) -> Result<(), Failure> {
        self.budget.step()?;
        match value {
            Value::Null => Ok(self.push("null")?),
            Value::Bool(_) | Value::Number(_) => self.styled(value, Style::Any),
            Value::String(text) => self.json_text(text),
            Value::Array(items) => {
                self.push("[")?;
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.push(",")?;
                    }
                    self.json_value(item)?;
                }
                Ok(self.push("]")?)
            }
            Value::Object(object) => {
                self.push("{")?;
                for (place, (name, member)) in self.sorted(object)?.into_iter().enumerate() {
                    if place > 0 {
                        self.push(",")?;
                    }
                    self.json_text(&name)?;
                    self.push(":")?;
                    self.json_value(member)?;
                }
                Ok(self.push("}")?)
            }
        }
    }

    fn json_text(&mut self, text: &str) -> Result<(), Failure> {
        self.escaped(text, |char| match char {
            '\u{8}' => Escape::Short('b'),
            '\u{c}' => Escape::Short('f'),
            '\n' => Escape::Short('n'),
            '\r' => Escape::Short('r'),
            '\t' => Escape::Short('t'),
            '"' | '\\' => Escape::Short(char),
            // Go writes JSON that can stand in HTML and in JavaScript.
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => Escape::Long,
            _ => Escape::None,
        })
    }

    /// As Go's strconv.Quote writes it, but for characters that Unicode has not assigned.
    pub(crate) fn quoted(&mut self, text: &str) -> Result<(), Failure> {
        self.escaped(text, |char| match char {
            '\u{7}' => Escape::Short('a'),
            '\u{8}' => Escape::Short('b'),
            '\u{c}' => Escape::Short('f'),
            '\n' => Escape::Short('n'),
            '\r' => Escape::Short('r'),
            '\t' => Escape::Short('t'),
            '\u{b}' => Escape::Short('v'),
            '"' | '\\' => Escape::Short(char),
            '\0'..='\u{1f}' | '\u{7f}' => Escape::Byte,
            // Spaces other than the plain one, what is not seen, and private use.
            '\u{80}'..='\u{a0}'
            | '\u{ad}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}'
            | '\u{3000}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{f0000}'.. => Escape::Long,
            _ => Escape::None,
        })
    }

    fn escaped(&mut self, text: &str, escape: fn(char) -> Escape) -> Result<(), Failure> {
        self.push("\"")?;
        for char in text.chars() {
            let mut buffer = [0; 4];
            match escape(char) {
                Escape::None => self.push(char.encode_utf8(&mut buffer))?,
                Escape::Short(letter) => {
                    self.push("\\")?;
                    self.push(letter.encode_utf8(&mut buffer))?;
                }
                Escape::Byte => self.hex("\\x", char, 2)?,
                Escape::Long if char > '\u{ffff}' => self.hex("\\U", char, 8)?,
                Escape::Long => self.hex("\\u", char, 4)?,
            }
        }
        self.budget.spend_steps(text.len() as u64 / 64)?;
        Ok(self.push("\"")?)
    }

    fn hex(&mut self, start: &str, char: char, digits: u32) -> Result<(), Exceeded> {
        self.push(start)?;
        for digit in (0..digits).rev() {
            let nibble = u32::from(char) >> (digit * 4) & 15;
            let digit = char::from_digit(nibble, 16).unwrap_or('0');
            self.push(digit.encode_utf8(&mut [0; 4]))?;
        }
        Ok(())
    }
}

enum Escape {
    None,
    Short(char),
    Byte,
    Long,
}

fn wrong(style: Style, found: &'static str) -> Failure {
    let (verb, takes) = match style {
        Style::Any => ('v', "everything"),
        Style::Text => ('s', "texts"),
        Style::Integer => ('d', "whole numbers"),
    };
    Failure::Verb { verb, takes, found }
}
