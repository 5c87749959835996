//! Secrets of a source on their way in and out: masked in answers, and a mask that
//! comes back stands for the secret that is there.

use super::prepared::{invalid, owner};
use super::source::Source;
use crate::error::Result;
use crate::host::Clock;
use crate::secrets::{MASK, SecretKeys, StoredSecret};

/// The source as callers see it.
pub(super) fn masked(source: &Source) -> Source {
    let mut masked = source.clone();
    masked.verify.secrets.fill(StoredSecret::Plain(MASK.into()));
    masked
}

/// The source with its secrets as they are to be stored.
pub(super) fn sealed(
    mut source: Source,
    before: Option<&Source>,
    clock: &impl Clock,
    keys: &SecretKeys,
) -> Result<Source> {
    let owner = owner(source.name.as_str());
    for (place, secret) in source.verify.secrets.iter_mut().enumerate() {
        match &*secret {
            StoredSecret::Plain(text) if text == MASK => {
                let known = before.and_then(|before| before.verify.secrets.get(place));
                let known = known.ok_or_else(|| {
                    let field = format!("verify.secrets[{place}]");
                    invalid(field, "The mask stands for a secret that is not there")
                })?;
                // Written again, it is written under the first key.
                let renewed = keys.renewed(clock, &owner, known)?;
                *secret = renewed.unwrap_or_else(|| known.clone());
            }
            StoredSecret::Plain(text) => *secret = keys.seal(clock, &owner, text)?,
            // One that is yet to be given: no caller's source has any that is sealed.
            StoredSecret::Sealed { .. } => {}
        }
    }
    Ok(source)
}
