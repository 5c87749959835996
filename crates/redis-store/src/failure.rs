//! What a failed command means.
//!
//! All that a platform passes on is a text. Its forms are those of redis-rs 0.32, which
//! Spin 4.1 uses: `CODE: words` and `An error was signalled by the server - Kind: words`
//! for an error that the server answered, and what the operating system says for a
//! connection that broke. A server that answers with an error has changed nothing. Nothing
//! of a text is passed on, because a platform may quote the address in it.

use kafka_edge::host::StoreError;

use crate::NotOpened;

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) sentence: String,
    /// Whether it was certainly not done.
    is_certain: bool,
    /// Whether another connection may lead to a better answer.
    pub(crate) ends_connection: bool,
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.is_certain {
            true => StoreError::refused(failure.sentence),
            false => StoreError::unknown(failure.sentence),
        }
    }
}

/// An error of the server: any of these words is in its text.
struct Known {
    words: &'static [&'static str],
    sentence: &'static str,
    /// After a failover or a change of passwords another connection may be right.
    ends_connection: bool,
}

const fn known(
    words: &'static [&'static str],
    sentence: &'static str,
    ends_connection: bool,
) -> Known {
    Known { words, sentence, ends_connection }
}

const KNOWN: [Known; 13] = [
    known(&["NOAUTH"], "Redis wants a password that state_store does not have", true),
    known(&["max number of clients"], "Redis has too many clients", true),
    known(
        &["authentication failed", "AuthenticationFailed", "WRONGPASS"],
        "Redis refused the password in state_store",
        true,
    ),
    known(&["ReadOnly", "READONLY"], "Redis is a read-only replica", true),
    known(&["OOM"], "The memory of Redis is full", false),
    known(&["BusyLoading", "LOADING"], "Redis is loading its data", false),
    known(&["NOPERM"], "Redis does not allow this to the user in state_store", false),
    known(&["MISCONF"], "Redis cannot save its data and takes no writes", false),
    known(&["NOREPLICAS"], "Redis has too few replicas and takes no writes", false),
    known(&["MasterDown", "MASTERDOWN"], "Redis is a replica that has lost its primary", true),
    known(&["Moved", "MOVED", "ClusterDown"], "Redis is part of a cluster", true),
    known(&["BUSY"], "Redis is busy with a script", false),
    known(&["switch database", "DB index"], "Redis has no such database", true),
];

fn find(text: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.words.iter().any(|word| has(text, word)))
}

/// What `contains` does, in a fraction of its code.
fn has(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part == word.as_bytes())
}

/// Whether the server has answered with an error.
fn is_answer(text: &str) -> bool {
    let code = text.bytes().take_while(u8::is_ascii_uppercase).count();
    code > 0 && text.as_bytes()[code..].starts_with(b": ")
        || text.starts_with("An error was signalled by the server")
        || text.starts_with("Server error")
}

impl Failure {
    /// Of a command, from its text.
    pub(crate) fn said(text: &str) -> Self {
        if !is_answer(text) {
            let sentence = "The connection to Redis broke".to_owned();
            return Self { sentence, is_certain: false, ends_connection: true };
        }
        let (sentence, ends_connection) = match find(text) {
            Some(known) => (known.sentence, known.ends_connection),
            None => ("Redis refused the command", false),
        };
        Self { sentence: sentence.to_owned(), is_certain: true, ends_connection }
    }

    /// Of an attempt to open a connection: no command was sent.
    pub(crate) fn not_opened(error: NotOpened, unreachable: &str) -> Self {
        let sentence = match error {
            NotOpened::TooMany => "The host has too many connections to Redis".to_owned(),
            NotOpened::Said(text) if find(&text).is_some() => {
                find(&text).map(|known| known.sentence).unwrap_or_default().to_owned()
            }
            NotOpened::Said(text) if has(&text, "onnection refused") => {
                "Redis does not accept connections".to_owned()
            }
            // Redis-rs does not read that there is one client too many.
            NotOpened::Said(text) if has(&text, "broken pipe") || has(&text, "reset") => {
                "Redis closes new connections; it may have too many clients".to_owned()
            }
            NotOpened::Said(text) if has(&text, "TLS") || has(&text, "ertificate") => {
                "No TLS connection to Redis could be made".to_owned()
            }
            NotOpened::Said(_) => format!("Redis cannot be reached. {unreachable}"),
            NotOpened::Forbidden => {
                format!("The host does not let Redis be reached. {unreachable}")
            }
        };
        Self { sentence, is_certain: true, ends_connection: false }
    }
}

#[cfg(test)]
mod tests {
    use kafka_edge::host::StoreErrorKind::{Refused, Unknown};

    use super::*;

    fn said(text: &str) -> (StoreError, bool) {
        let failure = Failure::said(text);
        let ends = failure.ends_connection;
        (failure.into(), ends)
    }

    /// Texts that redis-rs 0.32.7 made of what Redis 7.0.15 answered.
    #[test]
    fn what_the_server_answers_with_an_error_was_not_done() {
        for (text, sentence, ends) in [
            ("NOAUTH: Authentication required.", "wants a password", true),
            (
                "OOM: command not allowed when used memory > 'maxmemory'.",
                "The memory of Redis is full",
                false,
            ),
            (
                "An error was signalled by the server - ReadOnly: You can't write against a \
                 read only replica.",
                "read-only replica",
                true,
            ),
            (
                "An error was signalled by the server - BusyLoadingError: Redis is loading the \
                 dataset in memory",
                "loading",
                false,
            ),
            (
                "NOPERM: this user has no permissions to run the 'eval' command",
                "does not allow",
                false,
            ),
            (
                "An error was signalled by the server - ResponseError: unknown command 'EVAL'",
                "refused the command",
                false,
            ),
            // Of a script in Redis 6.
            (
                "An error was signalled by the server - ResponseError: Error running script (call \
                 to f_1): @user_script:1: -OOM command not allowed when used memory > 'maxmemory'.",
                "memory of Redis is full",
                false,
            ),
        ] {
            let (error, connection) = said(text);
            assert_eq!((error.kind, connection), (Refused, ends), "{text}");
            assert!(error.detail.contains(sentence), "{text}: {}", error.detail);
        }
    }

    #[test]
    fn what_became_of_a_command_is_unknown_when_the_connection_breaks() {
        for text in [
            "broken pipe",
            "Connection reset by peer (os error 104)",
            "unexpected end of file",
            "timed out",
            "IO: hush - IoError",
            "TLS error - IoError: bad record",
            "",
            ": ",
        ] {
            let (error, ends) = said(text);
            let expected = if text.starts_with("IO: ") { Refused } else { Unknown };
            assert_eq!((error.kind, ends || expected == Refused), (expected, true), "{text}");
            assert!(!error.detail.contains("hush"));
        }
    }

    #[test]
    fn without_a_connection_nothing_was_done_and_the_reason_is_told() {
        let said = |text: &str| NotOpened::Said(text.to_owned());
        for (error, words) in [
            (NotOpened::Forbidden, "The host does not let Redis be reached. Look at the list."),
            (NotOpened::TooMany, "too many connections"),
            (said("Password authentication failed- AuthenticationFailed"), "the password"),
            (said("broken pipe"), "too many clients"),
            (said("Connection reset by peer (os error 104)"), "too many clients"),
            (said("Connection refused (os error 111)"), "does not accept connections"),
            (said("invalid peer certificate: UnknownIssuer"), "No TLS connection"),
            (said("TLS error - IoError: unable to get local issuer certificate"), "No TLS"),
            (said("redis://:hush@a has no scheme"), "cannot be reached. Look at the list."),
        ] {
            let error: StoreError = Failure::not_opened(error, "Look at the list.").into();
            assert_eq!(error.kind, Refused);
            assert!(error.detail.contains(words), "{}", error.detail);
            assert!(!error.detail.contains("hush"));
        }
    }
}
