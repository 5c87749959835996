//! Permissions of a credential.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::credential::Flaw;
use crate::sorted::SortedSet;

/// A permission that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// To write records.
    Produce,
    /// To read records, and to move the positions of consumer groups.
    Consume,
    /// To register, see and remove webhooks, and to start deliveries.
    Webhooks,
    /// To create, see and remove credentials. A caller with this permission can
    /// get every other one.
    Admin,
    /// To read metrics: how far groups are, and what came to sources.
    Metrics,
}

impl Permission {
    pub const ALL: [Self; 5] =
        [Self::Produce, Self::Consume, Self::Webhooks, Self::Admin, Self::Metrics];

    /// Its name in the list `allow`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Webhooks => "webhooks",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of at least one permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct Permissions(SortedSet<Permission>);

impl Permissions {
    /// All permissions.
    pub fn all() -> Self {
        Self(Permission::ALL.into())
    }

    pub fn parse(names: &[impl AsRef<str>]) -> Result<Self, Flaw> {
        let permission = |(place, name): (usize, &_)| {
            let name: &str = AsRef::as_ref(name);
            let known = Permission::ALL.into_iter().find(|permission| permission.name() == name);
            known.ok_or_else(|| {
                Flaw::at(place, "allow", "is none of produce, consume, webhooks, admin and metrics")
            })
        };
        let all: SortedSet<_> =
            names.iter().enumerate().map(permission).collect::<Result<_, _>>()?;
        if all.is_empty() {
            return Err(Flaw::new("allow", "is empty, so that nothing would be allowed"));
        }
        Ok(Self(all))
    }

    pub fn contains(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    pub fn iter(&self) -> impl Iterator<Item = Permission> {
        self.0.iter().copied()
    }
}

impl From<Permissions> for Vec<String> {
    fn from(permissions: Permissions) -> Self {
        permissions.iter().map(|permission| permission.name().to_owned()).collect()
    }
}

impl TryFrom<Vec<String>> for Permissions {
    type Error = Flaw;

    fn try_from(names: Vec<String>) -> Result<Self, Flaw> {
        Self::parse(&names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_allowed_and_nothing_else() {
        let permissions = Permissions::parse(&["admin", "produce", "admin"]).unwrap();
        for permission in Permission::ALL {
            let written = matches!(permission, Permission::Admin | Permission::Produce);
            assert_eq!(permissions.contains(permission), written, "{permission}");
            assert!(Permissions::all().contains(permission));
        }
    }

    #[test]
    fn what_is_unknown_is_refused_by_its_place() {
        let flaw = |names: &[&str]| Permissions::parse(names).unwrap_err().to_string();
        assert!(flaw(&["produce", "Consume"]).starts_with("allow[1] is none of"));
        assert!(flaw(&["*"]).starts_with("allow[0] is none of"));
        assert_eq!(flaw(&[]), "allow is empty, so that nothing would be allowed");
    }
}
