//! A value of a text as serde's deserializer. What depends on no type is a function that is not
//! copied into what does.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, Error as _, Unexpected, Visitor};

use crate::error::{Error, none_of};
use crate::text::{Span, Text};

/// The name under which serde_json's `RawValue` asks for the text of a value: its crate
/// has no other way (`serde_json::raw`, 1.0).
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// As deep as serde_json reads.
const MAX_DEPTH: u8 = 127;

/// One value, or one key of an object.
#[derive(Debug, Clone, Copy)]
pub struct Node<'t, 'de> {
    text: &'t Text<'de>,
    place: Span,
    depth: u8,
    is_key: bool,
}

enum Number {
    Positive(u64),
    Negative(i64),
    Float(f64),
}

impl<'t, 'de> Node<'t, 'de> {
    pub(crate) fn root(text: &'t Text<'de>) -> Self {
        Self { text, place: text.next(0).unwrap_or_default(), depth: 0, is_key: false }
    }

    /// Its text, with the quotation marks of a string. It notes that it is read.
    #[inline(never)]
    fn raw(&self) -> &'de str {
        self.text.reads(self.place);
        self.text.of_value(self.place)
    }

    /// The first byte of its text.
    #[inline(never)]
    fn first(&self) -> u8 {
        self.text.reads(self.place);
        self.text.first(self.place)
    }

    /// Its text, if it is a string without escapes.
    #[inline(never)]
    fn plain(&self) -> Option<&'de str> {
        let inner = self.raw().strip_prefix('"')?.strip_suffix('"')?;
        (!inner.contains('\\')).then_some(inner)
    }

    /// Its text: it has to be a string.
    #[inline(never)]
    fn string(&self, expected: &dyn de::Expected) -> Result<Cow<'de, str>, Error> {
        if let Some(text) = self.plain() {
            return Ok(Cow::Borrowed(text));
        }
        match self.unescaped()? {
            Some(text) => Ok(Cow::Owned(text)),
            None => Err(self.unexpected(expected)),
        }
    }

    /// What it holds: it has to be an array or an object.
    #[inline(never)]
    fn items(&self, bracket: u8, expected: &dyn de::Expected) -> Result<Items<'t, 'de>, Error> {
        self.items_if(bracket)?.ok_or_else(|| self.unexpected(expected))
    }

    /// What it holds, if it is an array or an object. Arrays and objects may lie in each
    /// other as deep as serde_json lets them.
    fn items_if(&self, bracket: u8) -> Result<Option<Items<'t, 'de>>, Error> {
        if self.first() != bracket {
            return Ok(None);
        }
        if self.depth >= MAX_DEPTH {
            return Err(Error::custom("The values are nested too deeply"));
        }
        let (text, depth) = (self.text, self.depth + 1);
        Ok(Some(Items { text, depth, at: self.place.start + 1, end: self.place.end }))
    }

    #[inline(never)]
    fn number(&self, expected: &dyn de::Expected) -> Result<Number, Error> {
        let raw = match self.is_key {
            true => self.plain().unwrap_or_default(),
            false => self.raw(),
        };
        match raw.as_bytes() {
            [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => {
                // "-0" is a float to serde_json.
                let negative = raw.parse().ok().filter(|number: &i64| *number < 0);
                Ok(match raw.parse() {
                    Ok(number) => Number::Positive(number),
                    Err(_) => match negative {
                        Some(number) => Number::Negative(number),
                        None => Number::Float(self.float(raw)?),
                    },
                })
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn float(&self, raw: &str) -> Result<f64, Error> {
        serde_json::from_str(raw).map_err(|_| Error::custom("The number is too large"))
    }

    /// Its text, if it is a string with escapes.
    #[inline(never)]
    fn unescaped(&self) -> Result<Option<String>, Error> {
        let raw = self.raw();
        let is_string = raw.starts_with('"');
        let text = is_string.then(|| serde_json::from_str(raw)).transpose();
        text.map_err(|_| Error::custom("Not a string of Unicode text"))
    }

    /// What it holds, as a variant of an enum.
    #[inline(never)]
    fn variant(self, variants: &'static [&'static str]) -> Result<Variant<'t, 'de>, Error> {
        if self.first() == b'"' {
            return Ok(Variant { name: self, content: None });
        }
        let Some(mut items) = self.items_if(b'{')? else {
            return Err(Error::custom(none_of(variants)));
        };
        match (items.next(), items.next()) {
            (Some(name), Some(content)) if items.next().is_none() => {
                Ok(Variant { name, content: Some(content) })
            }
            _ => {
                self.text.reads(self.place);
                Err(Error::custom("Not an object with exactly one member"))
            }
        }
    }

    /// It is not what was expected.
    #[inline(never)]
    fn unexpected(&self, expected: &dyn de::Expected) -> Error {
        self.text.reads(self.place);
        // What there is instead is not told.
        Error::invalid_type(Unexpected::Unit, expected)
    }
}

/// What an array or an object holds.
struct Items<'t, 'de> {
    text: &'t Text<'de>,
    /// How deep each item lies.
    depth: u8,
    /// Behind the item before.
    at: usize,
    /// Behind the bracket at the end.
    end: usize,
}

impl<'t, 'de> Items<'t, 'de> {
    #[inline(never)]
    fn next(&mut self) -> Option<Node<'t, 'de>> {
        let Some(place) = self.text.next(self.at) else {
            self.text.has_read(self.end);
            return None;
        };
        self.at = place.end;
        Some(Node { text: self.text, place, depth: self.depth, is_key: false })
    }

    /// Nothing may be left that was not asked for.
    #[inline(never)]
    fn end(&self) -> Result<(), Error> {
        match self.text.next(self.at) {
            None => Ok(()),
            Some(_) => Err(Error::custom("There are too many items")),
        }
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.next().map(|node| seed.deserialize(node)).transpose()
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let key = self.next().map(|node| Node { is_key: true, ..node });
        key.map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.next() {
            Some(node) => seed.deserialize(node),
            None => Err(Error::custom("There is a key without a value")),
        }
    }
}

/// A variant of an enum: its name, and what it holds.
struct Variant<'t, 'de> {
    name: Node<'t, 'de>,
    content: Option<Node<'t, 'de>>,
}

impl<'de> de::EnumAccess<'de> for &Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(self.name)?, self))
    }
}

impl<'t, 'de> Variant<'t, 'de> {
    #[inline(never)]
    fn content(&self) -> Result<Node<'t, 'de>, Error> {
        self.content.ok_or_else(|| {
            let name = self.name.plain().unwrap_or_default();
            Error::custom(format_args!("Something is missing: {{\"{name}\":…}}"))
        })
    }
}

impl<'de> de::VariantAccess<'de> for &Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.content.map_or(Ok(()), de::Deserialize::deserialize)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_seq(self.content()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_map(self.content()?, visitor)
    }
}

/// The text of a value, as `RawValue` asks for it.
struct Raw<'de>(Option<&'de str>);

impl<'de> de::MapAccess<'de> for Raw<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let key = self.0.map(|_| de::value::BorrowedStrDeserializer::new(RAW_VALUE));
        key.map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let text = self.0.take().unwrap_or_default();
        seed.deserialize(de::value::BorrowedStrDeserializer::new(text))
    }
}

macro_rules! numbers {
    ($($name:ident)+) => {$(
        #[inline]
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.number(&visitor)? {
                Number::Positive(number) => visitor.visit_u64(number),
                Number::Negative(number) => visitor.visit_i64(number),
                Number::Float(number) => visitor.visit_f64(number),
            }
        }
    )+};
}

macro_rules! strings {
    ($($name:ident)+) => {$(
        #[inline]
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.string(&visitor)? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            }
        }
    )+};
}

impl<'de> de::Deserializer<'de> for Node<'_, 'de> {
    type Error = Error;

    numbers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_f32 deserialize_f64
    }

    strings! { deserialize_str deserialize_string deserialize_char }

    /// The name of a field or of a variant, which nobody keeps.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let name = self.string(&visitor)?;
        visitor.visit_str(&name)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.first() {
            b'"' => self.deserialize_str(visitor),
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => visitor.visit_unit(),
            _ => self.deserialize_f64(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = if self.is_key { self.plain().unwrap_or_default() } else { self.raw() };
        match text {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.first() {
            b'n' => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.first() {
            b'n' => visitor.visit_unit(),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            RAW_VALUE => visitor.visit_map(Raw(Some(self.raw()))),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut items = self.items(b'[', &visitor)?;
        let value = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut items = self.items(b'{', &visitor)?;
        visitor.visit_map(&mut items)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(&self.variant(variants)?)
    }
}
