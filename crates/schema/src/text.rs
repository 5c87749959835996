//! Text that is shown: JSON pointers, and nothing that is long.

/// How long a shown pointer or keyword may be, in bytes.
pub(crate) const LONGEST: usize = 256;

/// The text, or its beginning and `…`.
pub(crate) fn short(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.into();
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// Appends one token to a JSON pointer (RFC 6901). What will not be shown is
/// left away.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for char in token.chars() {
        if pointer.len() > LONGEST {
            break;
        }
        match char {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            char => pointer.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(short("a"), "a");
        let cut = short(&"ä".repeat(200));
        assert_eq!(cut.chars().count(), 129);
        assert!(cut.ends_with("ä…"));
        let cut = short(&format!("x{}", "ä".repeat(200)));
        assert!(cut.ends_with("ä…") && cut.len() < LONGEST + 4);
    }

    #[test]
    fn tokens_are_escaped() {
        let mut pointer = String::new();
        push_token(&mut pointer, "a/b~c");
        push_token(&mut pointer, "");
        assert_eq!(pointer, "/a~1b~0c/");
    }
}
