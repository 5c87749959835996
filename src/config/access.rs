//! The variables that say who may call.

use std::rc::Rc;

use super::{value, variable};
use crate::access::{self, Credential};
use crate::error::{Error, Result};
use crate::host::Host;

/// Who may call. Read on its own, since health checks and refusals must work
/// without the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Whoever reaches the gateway may do everything.
    pub open: bool,
    /// Those of the variable; others may lie in the store.
    pub credentials: Rc<[Rc<Credential>]>,
}

impl Access {
    /// Both variables are checked whatever they say: who opens the gateway for
    /// a while had better hear of a mistake before it is closed again.
    pub async fn load<H: Host>(host: &H) -> Result<Self> {
        let open = variable(host, "open_access").await?;
        let credentials = variable(host, "credentials").await?;
        Self::parse(open.as_deref(), credentials.as_deref())
    }

    pub fn parse(open: Option<&str>, credentials: Option<&str>) -> Result<Self> {
        let credentials = credentials.filter(|document| !document.trim().is_empty());
        let credentials = credentials.map(access::parse_document).transpose();
        let credentials = credentials.map_err(|error| Error::Unconfigured(error.to_string()))?;
        Ok(Self {
            open: value::switch("open_access", open)?,
            credentials: credentials.unwrap_or_default().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(open: &str, credentials: &str) -> String {
        match Access::parse(Some(open), Some(credentials)) {
            Err(Error::Unconfigured(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn with_nothing_set_nobody_may() {
        for unset in [None, Some(""), Some(" \n")] {
            assert_eq!(Access::parse(unset, unset), Ok(Access::default()));
        }
        assert!(!Access::default().open);
    }

    #[test]
    fn credentials_are_read_open_or_not() {
        let document =
            r#"[{"name":"a","secret":"hush-hush-hush-hush","allow":["produce"],"topics":["*"]}]"#;
        for open in ["true", "false"] {
            let access = Access::parse(Some(open), Some(document)).unwrap();
            assert_eq!(access.open, open == "true");
            assert_eq!(access.credentials[0].name().as_str(), "a");
            assert!(!format!("{access:?}").contains("hush"));
        }
    }

    #[test]
    fn a_mistake_is_told_by_variable_entry_and_field() {
        assert_eq!(sentence("yes", "[]"), "open_access is neither true nor false");
        for open in ["true", ""] {
            let said = sentence(open, r#"[{"name":"a","secret":"hush"}]"#);
            assert_eq!(said, "credentials[0] (a): secret is shorter than 16 characters");
            assert_eq!(sentence(open, "hush"), "credentials is not JSON from line 1, column 1 on");
        }
    }
}
