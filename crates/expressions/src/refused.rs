/// Why a program is not taken. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("The program has {length} bytes, and {most} are the most")]
    TooLong { length: usize, most: usize },
    #[error("The program has more than {most} terms")]
    TooManyTerms { most: usize },
    #[error("The program nests more deeply than {most} levels {at}")]
    TooDeep { most: usize, at: Position },
    #[error("`{name}` is not in the subset {at}")]
    NotInSubset { name: String, at: Position },
    #[error("`{name}` calls itself, and recursive functions are not in the subset {at}")]
    Recursive { name: String, at: Position },
    #[error("`{name}` does not take {arguments} argument{} {at}", if *arguments == 1 { "" } else { "s" })]
    Arity { name: String, arguments: usize, at: Position },
    #[error("`{name}` is not defined {at}")]
    NotDefined { name: String, at: Position },
    #[error("{what} {at}")]
    Syntax { what: &'static str, at: Position },
    #[error("`{found}` is not expected here {at}")]
    Unexpected { found: String, at: Position },
    #[error("The program ends too early")]
    EndsEarly,
}

/// Where in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("(line {line}, column {column})")]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub(crate) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }
}
