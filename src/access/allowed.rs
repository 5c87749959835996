//! Topics that a caller may use.

use std::fmt;
use std::ops::Deref;

use super::decision::{Denial, Grant};
use crate::error::Error;
use crate::names;

/// The name of a topic that is lawful and that the caller may use.
///
/// Services take this type and not a plain name. A call that reaches one has
/// therefore asked a [`Grant`] about the topic: no endpoint can forget to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedTopic(String);

impl AllowedTopic {
    /// A topic of a caller whom the deployment trusts with all topics: a
    /// component that is composed with this one, or the gateway itself. The
    /// name is still to be checked by the caller.
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

/// Why a caller is not served: the grant does not cover the call, or an error
/// came first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Grant {
    /// The topic of this name, if it is a lawful name and the caller's.
    pub fn topic(&self, name: impl Into<String>) -> Result<AllowedTopic, AccessError> {
        let name = name.into();
        names::check_topic(&name)?;
        self.permits_topic(&name)?;
        Ok(AllowedTopic(name))
    }

    /// The topics of these names, as many as may be read together. All names
    /// are checked before any of them is looked up in the grant.
    pub fn topics(&self, names: Vec<String>) -> Result<Vec<AllowedTopic>, AccessError> {
        names::check_topics(&names)?;
        names.into_iter().map(|name| self.topic(name)).collect()
    }
}

/// Whether a topic is within what a caller may see or change.
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
