//! The variables that determine who may call.

use std::rc::Rc;

use super::store::{self, StoreConfig};
use super::value;
use super::variables::Variables;
use crate::access::{self, Credential};
use crate::error::{ErrorKind, Result};
use crate::host::Host;

/// Who may call. This is read separately, because health checks and refusals
/// must work without the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Every caller may do everything.
    pub open: bool,
    /// The credentials from the variable; the store may hold others.
    pub credentials: Rc<[Rc<Credential>]>,
    /// The pair that a caller presents is passed to the Kafka server, and only
    /// the server decides.
    pub pass_through: bool,
    /// The store holds further credentials.
    pub store: StoreConfig,
}

impl Access {
    /// Checks all variables, even with open access: an operator who opens the
    /// gateway for a while should see a mistake in the credentials before closing
    /// it again.
    pub async fn load(host: &impl Host) -> Result<Self> {
        let names = ["open_access", "credentials", "kafka_credentials", store::STALENESS];
        let variables = Variables::read(host, names.into()).await?;
        let [open, credentials, kafka] =
            ["open_access", "credentials", "kafka_credentials"].map(|name| variables.text(name));
        let access = Self::parse(open.as_deref(), credentials.as_deref(), kafka.as_deref())?;
        Ok(Self { store: StoreConfig::on(host, &variables)?, ..access })
    }

    pub fn parse(
        open: Option<&str>,
        credentials: Option<&str>,
        kafka_credentials: Option<&str>,
    ) -> Result<Self> {
        let credentials = credentials.filter(|document| !document.trim().is_empty());
        let credentials = credentials.map(access::parse_document).transpose();
        let credentials =
            credentials.map_err(|error| ErrorKind::Unconfigured(error.to_string()))?;
        let open = value::switch("open_access", open)?;
        let credentials: Rc<[_]> = credentials.unwrap_or_default().into();
        let pass_through = match kafka_credentials.map(str::trim) {
            None | Some("" | "configured") => false,
            Some("passthrough") => true,
            Some(_) => {
                return Err(ErrorKind::Unconfigured(
                    "kafka_credentials is neither configured nor passthrough".into(),
                )
                .into());
            }
        };
        // Setting both would suggest that one restricts the other; it does not.
        if pass_through && (open || !credentials.is_empty()) {
            return Err(ErrorKind::Unconfigured(
                "kafka_credentials is passthrough, so that open_access and credentials have no \
                 meaning; leave them out"
                    .into(),
            )
            .into());
        }
        Ok(Self { open, credentials, pass_through, store: StoreConfig::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn sentence(open: &str, credentials: &str) -> String {
        match Access::parse(Some(open), Some(credentials), None).map_err(Error::into_kind) {
            Err(ErrorKind::Unconfigured(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn with_nothing_set_nobody_may() {
        for unset in [None, Some(""), Some(" \n")] {
            assert_eq!(Access::parse(unset, unset, unset), Ok(Access::default()));
        }
        assert!(!Access::default().open);
    }

    #[test]
    fn credentials_are_read_open_or_not() {
        let document =
            r#"[{"name":"a","secret":"hush-hush-hush-hush","allow":["produce"],"topics":["*"]}]"#;
        for open in ["true", "false"] {
            let access = Access::parse(Some(open), Some(document), None).unwrap();
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

    #[test]
    fn passing_through_goes_with_nothing_else() {
        let root = r#"[{"name":"root","secret":"hush-hush-hush-hush","allow":["admin"]}]"#;
        let parse = |open, credentials, kafka| Access::parse(open, credentials, Some(kafka));
        assert!(parse(None, None, "passthrough").unwrap().pass_through);
        assert!(!parse(Some("true"), Some(root), "configured").unwrap().pass_through);
        for (open, credentials, kafka) in [
            (Some("true"), None, "passthrough"),
            (None, Some(root), "passthrough"),
            (None, None, "caller"),
        ] {
            let Err(ErrorKind::Unconfigured(sentence)) =
                parse(open, credentials, kafka).map_err(Error::into_kind)
            else {
                panic!("{open:?} {kafka}");
            };
            assert!(sentence.contains("kafka_credentials"), "{sentence}");
        }
    }
}
