//! Values of variables as the host gives them, not yet checked.

use std::time::Duration;

use super::value;
use crate::api_key::ApiKey;
use crate::concurrent::try_join_bounded;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::sorted::SortedMap;

/// Some variables. A blank value counts as not set.
pub(super) struct Variables<'v>(Source<'v>);

enum Source<'v> {
    Read(SortedMap<&'static str, Option<String>>),
    Given(&'v dyn Fn(&'static str) -> Option<String>),
}

impl<'v> Variables<'v> {
    pub(super) async fn read(host: &impl Host, names: Vec<&'static str>) -> Result<Self> {
        let read = names.into_iter().map(async |name| {
            let value = host.variable(name).await;
            let value = value.map_err(|_| {
                ErrorKind::Unconfigured(format!("The variable {name} could not be read"))
            });
            Ok::<_, Error>((name, value?))
        });
        let values = try_join_bounded(read).await?.into_iter().collect();
        Ok(Self(Source::Read(values)))
    }

    pub(super) fn of(given: &'v dyn Fn(&'static str) -> Option<String>) -> Self {
        Self(Source::Given(given))
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        let value = match &self.0 {
            Source::Read(values) => values.get(name).cloned().flatten(),
            Source::Given(given) => given(name),
        };
        value.filter(|value| !value.trim().is_empty())
    }

    pub(super) fn switch(&self, name: &'static str) -> Result<bool> {
        value::switch(name, self.text(name).as_deref())
    }

    pub(super) fn duration(&self, name: &'static str, default: Duration) -> Result<Duration> {
        value::duration(name, self.text(name).as_deref(), default)
    }

    /// A key and its secret. Both have to be set, or neither.
    pub(super) fn api_key(
        &self,
        key_name: &'static str,
        secret_name: &'static str,
    ) -> Result<Option<ApiKey>> {
        let missing = |there: &str, missing: &str| {
            Err(ErrorKind::Unconfigured(format!("{there} is set, but {missing} is not")).into())
        };
        match (self.text(key_name), self.text(secret_name)) {
            (None, None) => Ok(None),
            (Some(_), None) => missing(key_name, secret_name),
            (None, Some(_)) => missing(secret_name, key_name),
            (Some(key), Some(secret)) => {
                let (key, secret) = (key.trim().to_owned(), secret.trim().to_owned());
                // Basic authentication ends the user name at the first colon.
                if key.contains(':') || [&key, &secret].iter().any(|s| s.contains(char::is_control))
                {
                    return Err(ErrorKind::Unconfigured(format!(
                        "{key_name} must not contain a colon, and neither it nor {secret_name} a \
                         control character"
                    ))
                    .into());
                }
                Ok(Some(ApiKey { key, secret }))
            }
        }
    }
}
