//! Topics that a caller may use.

use std::fmt;
use std::ops::Deref;

use super::decision::{Denial, Grant};
use crate::error::{Error, ErrorKind};
use crate::names;

/// The valid name of a topic that the caller may use.
///
/// Services take this type and not a plain name. An endpoint therefore cannot
/// call a service without asking a [`Grant`] about the topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedTopic(String);

impl AllowedTopic {
    /// A topic for a caller that the deployment trusts with all topics: a
    /// component that is composed with this one, or the gateway itself. The code
    /// that calls this has to check the name.
    pub fn trusted(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn into_name(self) -> String {
        self.0
    }
}

impl Deref for AllowedTopic {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AllowedTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for AllowedTopic {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Why a caller is not served: the grant does not cover the call, or there was an
/// error before it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    #[error(transparent)]
    Denied(Box<Denial>),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<Denial> for AccessError {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial.into())
    }
}

impl From<ErrorKind> for AccessError {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl Grant {
    /// The topic with this name, if the name is valid and the caller may use it.
    pub fn topic(&self, name: impl Into<String>) -> Result<AllowedTopic, AccessError> {
        let name = name.into();
        names::check_topic(&name)?;
        self.permits_topic(&name)?;
        Ok(AllowedTopic(name))
    }

    /// The topics with these names, up to the number that may be read together.
    /// All names are checked before the grant is asked about any of them.
    pub fn topics(&self, names: Vec<String>) -> Result<Vec<AllowedTopic>, AccessError> {
        names::check_topics(&names)?;
        names.into_iter().map(|name| self.topic(name)).collect()
    }
}

/// The topics that a caller may see or change.
pub trait Scope {
    fn covers(&self, topic: &str) -> bool;
}

impl Scope for Grant {
    fn covers(&self, topic: &str) -> bool {
        Self::covers(self, topic)
    }
}

impl Scope for [AllowedTopic] {
    fn covers(&self, topic: &str) -> bool {
        self.iter().any(|known| &**known == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_gives_a_topic_only_where_it_covers_a_lawful_name() {
        assert_eq!(&*Grant::open().topic("orders").unwrap(), "orders");
        assert!(matches!(Grant::nothing().topic("orders"), Err(AccessError::Denied(_))));
        assert!(matches!(Grant::open().topic("a/b"), Err(AccessError::Failed(_))));
    }
}
