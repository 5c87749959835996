//! Decides whether a caller may do something.

use std::fmt;
use std::rc::Rc;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::credential::Credential;
use super::permission::Permission;
use super::presented::Presented;
use super::topics::TopicPattern;
use crate::api_key::ApiKey;
use crate::host::Millis;

/// Why a caller is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// 401: nothing was presented.
    Nobody,
    /// 401: what was presented has no accepted form.
    Malformed,
    /// 401: the name or the secret is wrong; the answer does not say which.
    Unknown,
    /// 401: name and secret are right, and the time of the credential is over. Only
    /// who knows the secret learns that.
    Expired,
    /// 401: in pass-through mode, no key of the Kafka server was presented.
    NoKey,
    /// 403: the caller is known, but lacks the permission.
    Forbidden(Missing),
    /// In pass-through mode, the Kafka server refused the caller's key: 401 if the
    /// server does not know the key, 403 if it does.
    RefusedByKafka { known: bool, detail: String },
}

/// What the credential does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    Permission(Permission),
    Topic(String),
    /// In pass-through mode, no caller's key allows this.
    KeyOfGateway(Permission),
}

impl Denial {
    /// The value of `www-authenticate` for a 401.
    pub fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Nobody | Self::Malformed | Self::Unknown | Self::Expired => {
                Some(r#"Basic realm="kafka-edge", charset="UTF-8", Bearer realm="kafka-edge""#)
            }
            Self::NoKey | Self::RefusedByKafka { known: false, .. } => {
                Some(r#"Basic realm="kafka-edge", charset="UTF-8""#)
            }
            Self::Forbidden(_) | Self::RefusedByKafka { known: true, .. } => None,
        }
    }

    /// The denial of a caller whose credential was not found.
    pub fn of_unknown(presented: &Presented) -> Self {
        match presented {
            Presented::Nothing => Self::Nobody,
            Presented::Malformed => Self::Malformed,
            Presented::Pair { .. } | Presented::Token(_) => Self::Unknown,
        }
    }

    /// What a known caller lacks.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Forbidden(Missing::Permission(permission)) => {
                Some(format!("The permission \"{permission}\" is missing"))
            }
            Self::Forbidden(Missing::Topic(topic)) => {
                Some(format!("The topic \"{topic}\" is none of those of this credential"))
            }
            Self::Forbidden(Missing::KeyOfGateway(permission)) => Some(format!(
                "\"{permission}\" needs a key of the gateway's own, and kafka_credentials is \
                 passthrough"
            )),
            Self::RefusedByKafka { detail, .. } => Some(detail.clone()),
            Self::Nobody | Self::Malformed | Self::Unknown | Self::Expired | Self::NoKey => None,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => {
                "A credential is needed, as Basic or Bearer authorization or as X-API-Key"
            }
            Self::Malformed => {
                "The credential is neither Basic or Bearer authorization nor one X-API-Key"
            }
            Self::Unknown => "The credential is not known",
            Self::Expired => "The credential has expired",
            Self::NoKey => {
                "A key and a secret of the Kafka server are needed, as Basic authorization"
            }
            Self::Forbidden(_) => "The credential does not allow this",
            Self::RefusedByKafka { .. } => "The Kafka server refused the credential",
        })
    }
}

impl std::error::Error for Denial {}

/// What a caller was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant(GrantScope);

#[derive(Debug, Clone, PartialEq, Eq)]
enum GrantScope {
    Everything,
    Nothing,
    Credential(Rc<Credential>),
    WhateverKafkaAllows(Rc<ApiKey>),
}

impl Grant {
    /// Everything, to a caller without a name.
    pub fn open() -> Self {
        Self(GrantScope::Everything)
    }

    /// Nothing, to a caller without a name.
    pub fn nothing() -> Self {
        Self(GrantScope::Nothing)
    }

    pub fn to(credential: Rc<Credential>) -> Self {
        Self(GrantScope::Credential(credential))
    }

    /// Whatever the Kafka server allows for the presented pair.
    pub fn passing(presented: &Presented) -> Result<Self, Denial> {
        match presented {
            Presented::Pair { name, secret } if !name.is_empty() => {
                let key = ApiKey { key: name.clone(), secret: secret.reveal().to_owned() };
                Ok(Self(GrantScope::WhateverKafkaAllows(Rc::new(key))))
            }
            _ => Err(Denial::NoKey),
        }
    }

    /// In pass-through mode, the key to present to the Kafka server.
    pub fn key(&self) -> Option<&Rc<ApiKey>> {
        match &self.0 {
            GrantScope::WhateverKafkaAllows(key) => Some(key),
            GrantScope::Everything | GrantScope::Nothing | GrantScope::Credential(_) => None,
        }
    }

    /// The name of the credential, if there is one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            GrantScope::Credential(credential) => Some(credential.name().as_str()),
            GrantScope::Everything | GrantScope::Nothing | GrantScope::WhateverKafkaAllows(_) => {
                None
            }
        }
    }

    /// All that the caller may do.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(|permission| self.permits(*permission).is_ok())
    }

    pub fn permits(&self, permission: Permission) -> Result<(), Denial> {
        let permitted = match &self.0 {
            GrantScope::Everything => true,
            GrantScope::Nothing => false,
            GrantScope::Credential(credential) => credential.allow().contains(permission),
            GrantScope::WhateverKafkaAllows(_) => match permission {
                Permission::Produce | Permission::Consume => true,
                // Deliveries would continue after the call, without the caller's
                // key.
                Permission::Webhooks | Permission::Admin | Permission::Metrics => {
                    return Err(Denial::Forbidden(Missing::KeyOfGateway(permission)));
                }
            },
        };
        if permitted { Ok(()) } else { Err(Denial::Forbidden(Missing::Permission(permission))) }
    }

    /// Whether the caller may see this topic. Lists leave out all others.
    pub fn covers(&self, topic: &str) -> bool {
        match &self.0 {
            GrantScope::Everything | GrantScope::WhateverKafkaAllows(_) => true,
            GrantScope::Nothing => false,
            GrantScope::Credential(credential) => credential.topics().contains(topic),
        }
    }

    /// Whether the caller may use every topic that the pattern matches.
    pub fn covers_pattern(&self, pattern: &TopicPattern) -> bool {
        match &self.0 {
            GrantScope::Everything | GrantScope::WhateverKafkaAllows(_) => true,
            GrantScope::Nothing => false,
            GrantScope::Credential(credential) => credential.topics().covers(pattern),
        }
    }

    /// The topics that the caller may use, as patterns; `None` if these are all.
    pub fn topic_patterns(&self) -> Option<Vec<String>> {
        match &self.0 {
            GrantScope::Everything | GrantScope::WhateverKafkaAllows(_) => None,
            GrantScope::Nothing => Some(Vec::new()),
            GrantScope::Credential(credential) => {
                let patterns: Vec<_> = credential.topics().iter().map(|p| p.to_string()).collect();
                (!patterns.iter().any(|pattern| pattern == "*")).then_some(patterns)
            }
        }
    }

    pub fn permits_topic(&self, topic: &str) -> Result<(), Denial> {
        if self.covers(topic) {
            Ok(())
        } else {
            Err(Denial::Forbidden(Missing::Topic(topic.to_owned())))
        }
    }
}

/// The credential that was presented, if it is among the `known` and has not
/// expired.
///
/// All of them are compared, even after a match, and each with two secrets, so that
/// a wrong secret for an existing name takes as long as an unknown name, and nobody
/// can measure who has a previous secret.
pub fn identify<'c>(
    known: impl Iterator<Item = &'c Rc<Credential>> + Clone,
    presented: &Presented,
    now: Millis,
) -> Result<Option<Rc<Credential>>, Denial> {
    let (name, hash) = match presented {
        Presented::Nothing | Presented::Malformed => return Ok(None),
        Presented::Pair { name, secret } => (Some(name), secret.hash()),
        Presented::Token(secret) => (None, secret.hash()),
    };
    const NONE: u32 = u32::MAX;
    let mut found = NONE;
    for (place, credential) in (0..NONE).zip(known.clone()) {
        let same_name = match name {
            Some(name) => name.as_bytes().ct_eq(credential.name().as_str().as_bytes()),
            None => Choice::from(1),
        };
        let previous = hash.ct_eq(credential.previous().unwrap_or(credential.secret()));
        let previous = previous & Choice::from(u8::from(credential.has_previous(now)));
        let same_secret = hash.ct_eq(credential.secret()) | previous;
        found.conditional_assign(&place, same_name & same_secret);
    }
    match (0..NONE).zip(known).find(|(place, _)| *place == found) {
        Some((_, credential)) if credential.is_expired(now) => Err(Denial::Expired),
        Some((_, credential)) => Ok(Some(credential.clone())),
        None => Ok(None),
    }
}

/// Makes the whole decision at once, for a call whose topic is known in advance.
pub fn check(
    known: &[Rc<Credential>],
    presented: &Presented,
    needed: Permission,
    topic: Option<&str>,
    now: Millis,
) -> Result<Grant, Denial> {
    let grant = identify(known.iter(), presented, now)?.map(Grant::to);
    let grant = grant.ok_or_else(|| Denial::of_unknown(presented))?;
    grant.permits(needed)?;
    topic.map_or(Ok(()), |topic| grant.permits_topic(topic))?;
    Ok(grant)
}

#[cfg(test)]
mod tests {
    use super::super::SecretHash;
    use super::super::document;
    use super::*;

    const NOW: Millis = 1_000;

    fn known() -> Vec<Rc<Credential>> {
        document::parse(
            r#"[{"name":"writer","secret":"secret-of-writer","allow":["produce"],"topics":["orders","logs.*"]},
                {"name":"reader","secret":"secret-of-reader","allow":["consume","webhooks"],"topics":["*"]},
                {"name":"root","secret":"secret-of-the-root","allow":["admin"]}]"#,
        )
        .unwrap()
    }

    fn bearer(secret: &str) -> Presented {
        Presented::from_headers([format!("Bearer {secret}").as_bytes()])
    }

    fn name(presented: &Presented) -> Option<String> {
        let found = identify(known().iter(), presented, NOW).unwrap();
        found.map(|credential| credential.name().to_string())
    }

    #[test]
    fn name_and_secret_have_to_belong_together() {
        assert_eq!(name(&Presented::pair("writer", "secret-of-writer")).as_deref(), Some("writer"));
        assert_eq!(name(&Presented::pair("reader", "secret-of-reader")).as_deref(), Some("reader"));
        for (user, secret) in [
            ("writer", "secret-of-reader"),
            ("reader", "secret-of-writer"),
            ("writer", "secret-of-write"),
            ("writer", ""),
            ("Writer", "secret-of-writer"),
            ("", "secret-of-writer"),
            ("nobody", "secret-of-writer"),
        ] {
            assert_eq!(name(&Presented::pair(user, secret)), None, "{user} {secret}");
        }
    }

    #[test]
    fn a_bearer_is_known_by_the_secret_alone() {
        assert_eq!(name(&bearer("secret-of-the-root")).as_deref(), Some("root"));
        assert_eq!(name(&bearer("secret-of-writer")).as_deref(), Some("writer"));
        for token in ["writer:secret-of-writer", "d3JpdGVyOnNlY3JldC1vZi13cml0ZXI=", "writer", "x"]
        {
            assert_eq!(name(&bearer(token)), None, "{token}");
        }
    }

    /// One with two secrets and an end.
    fn rotated() -> Vec<Rc<Credential>> {
        let mut known = known();
        let reader = Credential::clone(&known[1]).expiring(Some(NOW + 20));
        known[1] = Rc::new(reader.rotated(SecretHash::of("newer-secret"), NOW + 10));
        known
    }

    #[test]
    fn during_an_overlap_both_secrets_are_accepted() {
        let known = rotated();
        let at = |presented: &Presented, now| {
            identify(known.iter(), presented, now).unwrap().is_some_and(|found| found == known[1])
        };
        for (secret, last) in [("newer-secret", NOW + 19), ("secret-of-reader", NOW + 9)] {
            for presented in [bearer(secret), Presented::pair("reader", secret)] {
                assert!(at(&presented, NOW) && at(&presented, last), "{secret}");
            }
            assert!(!at(&Presented::pair("writer", secret), NOW), "{secret}");
        }
        assert!(!at(&bearer("secret-of-reader"), NOW + 10), "the overlap is over");
    }

    #[test]
    fn only_who_knows_the_secret_learns_that_it_is_too_late() {
        let known = rotated();
        let denied = |presented: Presented| {
            check(&known, &presented, Permission::Consume, None, NOW + 20).unwrap_err()
        };
        for presented in [bearer("newer-secret"), Presented::pair("reader", "newer-secret")] {
            let denial = denied(presented);
            assert_eq!((&denial, denial.detail()), (&Denial::Expired, None));
            assert!(denial.challenge().unwrap().contains("Basic"));
        }
        for presented in [
            Presented::pair("reader", "wrong"),
            Presented::pair("writer", "newer-secret"),
            Presented::pair("reader", "secret-of-reader"),
            bearer("secret-of-reader"),
        ] {
            assert_eq!(denied(presented), Denial::Unknown);
        }
        let writer =
            check(&known, &bearer("secret-of-writer"), Permission::Produce, None, NOW + 20);
        assert!(writer.is_ok(), "others go on");
    }

    #[test]
    fn a_hash_is_no_secret() {
        let hash = String::from(known()[0].secret().clone());
        assert_eq!(name(&Presented::pair("writer", hash.clone())), None);
        assert_eq!(name(&bearer(&hash)), None);
        assert_eq!(name(&bearer(&hash["sha256:".len()..])), None);
    }

    #[test]
    fn who_is_not_known_is_told_no_more_than_that() {
        let denied = |presented| {
            let denial = check(&known(), &presented, Permission::Produce, None, NOW).unwrap_err();
            assert_eq!(denial.detail(), None);
            denial
        };
        assert_eq!(denied(Presented::Nothing), Denial::Nobody);
        assert_eq!(denied(Presented::Malformed), Denial::Malformed);
        assert_eq!(denied(Presented::pair("nobody", "secret-of-writer")), Denial::Unknown);
        assert_eq!(denied(Presented::pair("writer", "wrong")), Denial::Unknown);
        let nobody_known = check(&[], &bearer("secret-of-writer"), Permission::Produce, None, NOW);
        assert_eq!(nobody_known, Err(Denial::Unknown));
    }

    #[test]
    fn each_permission_is_needed_for_itself() {
        for (token, allowed) in [
            ("secret-of-writer", &[Permission::Produce][..]),
            ("secret-of-reader", &[Permission::Consume, Permission::Webhooks]),
            ("secret-of-the-root", &[Permission::Admin]),
        ] {
            for permission in Permission::ALL {
                let result = check(&known(), &bearer(token), permission, None, NOW);
                if allowed.contains(&permission) {
                    assert!(result.is_ok(), "{token} {permission}");
                    continue;
                }
                let denial = result.unwrap_err();
                assert_eq!(denial, Denial::Forbidden(Missing::Permission(permission)));
                assert!(denial.detail().unwrap().contains(permission.name()));
            }
        }
    }

    #[test]
    fn a_topic_has_to_be_covered() {
        let produce = |topic| {
            check(&known(), &bearer("secret-of-writer"), Permission::Produce, Some(topic), NOW)
        };
        assert_eq!(produce("orders").unwrap().name(), Some("writer"));
        assert!(produce("logs.eu").is_ok());
        let denial = produce("payments").unwrap_err();
        assert_eq!(denial, Denial::Forbidden(Missing::Topic("payments".into())));
        assert!(denial.detail().unwrap().contains("payments"));

        let grant = check(&known(), &bearer("secret-of-the-root"), Permission::Admin, None, NOW);
        assert!(!grant.unwrap().covers("orders"), "no topics are no topics");

        let patterns = |place: usize| Grant::to(known()[place].clone()).topic_patterns();
        assert_eq!(patterns(0), Some(vec!["orders".to_owned(), "logs.*".to_owned()]));
        assert_eq!((patterns(1), patterns(2)), (None, Some(Vec::new())));
    }

    #[test]
    fn a_pair_is_passed_through_and_nothing_else() {
        let grant = Grant::passing(&Presented::pair("KEY", "hush")).unwrap();
        let key = grant.key().unwrap();
        assert_eq!((key.key.as_str(), key.secret.as_str()), ("KEY", "hush"));
        assert!(!format!("{grant:?}").contains("hush"));
        assert!(grant.covers("orders"), "topics are Kafka's to judge");
        for permission in Permission::ALL {
            let permitted = matches!(permission, Permission::Produce | Permission::Consume);
            assert_eq!(grant.permits(permission).is_ok(), permitted, "{permission}");
        }
        for presented in
            [Presented::Nothing, Presented::Malformed, bearer("x"), Presented::pair("", "x")]
        {
            let denial = Grant::passing(&presented).unwrap_err();
            assert_eq!(denial, Denial::NoKey);
            assert!(!denial.challenge().unwrap().contains("Bearer"));
        }
        assert_eq!(Grant::open().key(), None);
    }

    #[test]
    fn where_all_is_open_nobody_has_a_name() {
        let grant = Grant::open();
        assert_eq!(grant.name(), None);
        assert!(Permission::ALL.into_iter().all(|permission| grant.permits(permission).is_ok()));
        assert!(grant.covers("orders") && grant.permits_topic("orders").is_ok());

        let grant = Grant::nothing();
        assert!(Permission::ALL.into_iter().all(|permission| grant.permits(permission).is_err()));
        assert!(!grant.covers("orders") && grant.permits_topic("orders").is_err());
    }
}
