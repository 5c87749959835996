//! The format of `printf`.

use crate::refused::Problem;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Verb(Verb),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `%s`
    Text,
    /// `%d`
    Integer,
    /// `%v`
    Any,
}

pub(crate) fn parts(format: &str) -> Result<Vec<Part>, Problem> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            text.push(char);
            continue;
        }
        let verb = match chars.next() {
            Some('%') => {
                text.push('%');
                continue;
            }
            Some('s') => Verb::Text,
            Some('d') => Verb::Integer,
            Some('v') => Verb::Any,
            Some(other) => return Err(Problem::NotInSubset(format!("%{other}"))),
            None => return Err(Problem::Syntax("the format of `printf` ends in a `%`")),
        };
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Verb(verb));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}
