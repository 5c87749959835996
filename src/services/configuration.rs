//! Everything that the gateway is set up to do, as one JSON document: written, and carried
//! out on another host.
//!
//! What can be in a document are [`Kind`]s. Each gives its entries and takes them, in a file
//! of its own beside the service that it is about; [`kinds`] lists them. The rest is the same
//! for all. `docs/moving.md` tells what a document is, and what taking one does.

mod document;
mod kind;
mod passphrase;

use std::rc::Rc;
use std::time::Duration;

use self::document::{Document, Writer};
use self::kind::Planned;
pub(super) use self::kind::{Entry, Given, Kind, Run, failed};
pub use self::kind::{Taken, What};
pub use self::passphrase::{MAX_PASSPHRASE, MIN_PASSPHRASE};
use super::Services;
use super::credentials::Credentials;
use super::groups::Positions;
use crate::concurrent::try_join_bounded;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedSet;

/// The largest document, in bytes, to write and to take.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The most entries of one.
pub const MAX_ENTRIES: usize = 2_000;
/// For how long a document is taken. An entry that is not reached by then is told of, and
/// taking the document again goes on from there.
const MAX_TIME: Duration = Duration::from_secs(20);
/// How many entries are read at a time.
const BATCH: usize = 50;

/// Which part of the set-up is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// All, if there are none.
    pub kinds: Vec<String>,
    /// As it stands in a document as `next`: what is behind this entry.
    pub after: Option<String>,
    /// The most entries. Without one it is an error if not all of them fit.
    pub limit: Option<usize>,
}

/// What became of an entry of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub kind: String,
    pub name: String,
    pub taken: Result<Taken>,
}

/// What a gateway is set up to do, for one call.
pub struct Configuration<H: Host, L> {
    host: H,
    services: Rc<Services<H, L>>,
    credentials: Rc<Credentials<H>>,
    positions: Positions<H, L>,
}

impl<H: Host, L: Log> Configuration<H, L> {
    pub fn new(host: H, services: Rc<Services<H, L>>, credentials: Rc<Credentials<H>>) -> Self {
        let positions = Positions(services.groups.clone());
        Self { host, services, credentials, positions }
    }

    /// All kinds, in the order in which they need each other.
    fn kinds(&self) -> Vec<&dyn Kind> {
        vec![
            &*self.credentials,
            #[cfg(feature = "destinations")]
            &*self.services.destinations,
            #[cfg(feature = "sources")]
            &self.services.sources,
            #[cfg(feature = "actions")]
            &self.services.actions,
            &*self.services.subscriptions,
            &*self.services.groups,
            &self.positions,
        ]
    }

    /// The document. Its secrets are left out, or encrypted to a passphrase.
    pub async fn export(&self, wanted: &Wanted, passphrase: Option<&str>) -> Result<String> {
        let kinds = self.kinds();
        if let Some(unknown) = wanted.kinds.iter().find(|name| find(&kinds, name).is_none()) {
            return Err(unknown_kind("kinds", unknown));
        }
        let (skipped, after) = match wanted.after.as_deref() {
            None => (0, None),
            Some(after) => {
                let (kind, name) = after.split_once('/').unwrap_or((after, ""));
                let kind = kinds.iter().position(|known| known.name() == kind);
                let kind = kind.ok_or_else(|| unknown_kind("after", after))?;
                (kind, Some(name))
            }
        };
        let versions = kinds.iter().map(|kind| kind.name());
        let mut writer = Writer::begin(&self.host, versions, passphrase)?;
        let most = wanted.limit.unwrap_or(MAX_ENTRIES);
        for (place, kind) in kinds.iter().enumerate().skip(skipped) {
            if !wanted.kinds.is_empty() && !wanted.kinds.iter().any(|name| name == kind.name()) {
                continue;
            }
            let names: SortedSet<String> = kind.names().await?.into_iter().collect();
            let after = after.filter(|_| place == skipped);
            let behind = |name: &String| after.is_none_or(|after| name.as_str() > after);
            let names: Vec<String> = names.into_iter().filter(behind).collect();
            for names in names.chunks(BATCH) {
                // No more than what fits is read, but for one that tells that there is more.
                let names = &names[..names.len().min(most + 1 - writer.entries())];
                let entries = names.iter().map(|name| kind.get(name, passphrase.is_some()));
                let entries = try_join_bounded(entries).await?;
                for (name, entry) in names.iter().zip(entries) {
                    // Gone meanwhile.
                    let Some(entry) = entry else { continue };
                    if writer.entries() < most && writer.add(kind.name(), name, entry)? {
                        continue;
                    }
                    return match wanted.limit {
                        Some(_) => Ok(writer.end_before_more()),
                        None => Err(too_much()),
                    };
                }
            }
        }
        Ok(writer.end())
    }

    /// Makes the set-up what a document says, and leaves alone what is not in it. A dry run
    /// only says what would be done.
    pub async fn apply(
        &self,
        document: &[u8],
        passphrase: Option<&str>,
        dry_run: bool,
    ) -> Result<Vec<Applied>> {
        let (kinds, begun) = (self.kinds(), self.host.monotonic());
        let document = Document::parse(document, &|kind| find(&kinds, kind).is_some())?;
        let keys = document.keys(passphrase)?;
        let planned = Planned::default();
        let run = if dry_run { Run::Dry(&planned) } else { Run::Real };
        let mut seen = SortedSet::new();
        let mut applied = Vec::new();
        // What others need comes first, and what is of no kind last.
        for place in 0..=kinds.len() {
            let mut is_read = false;
            planned.new.set(0);
            for written in &document.entries {
                let kind = kinds.iter().position(|kind| kind.name() == written.kind);
                if kind.unwrap_or(kinds.len()) != place {
                    continue;
                }
                let taken = async {
                    let kind = kinds.get(place);
                    let kind = kind.ok_or_else(|| unknown_kind("kind", &written.kind))?;
                    if !seen.insert(format!("{}/{}", written.kind, written.name)) {
                        return Err(Error::invalid("name", "An entry of this name came before"));
                    }
                    if self.host.monotonic().saturating_sub(begun) > MAX_TIME {
                        let sentence = "There was no time left for it; apply the document again";
                        return Err(ErrorKind::Busy(sentence.into()).into());
                    }
                    if !std::mem::replace(&mut is_read, true) {
                        // Each kind goes by what it has read here.
                        kind.names().await?;
                    }
                    kind.take(&written.given(keys.as_ref())?, run).await
                };
                let taken = taken.await;
                if let Ok(Taken { what: What::Create, .. }) = taken {
                    planned.new.set(planned.new.get() + 1);
                }
                let (kind, name) = (written.kind.clone(), written.name.clone());
                applied.push(Applied { kind, name, taken });
            }
        }
        Ok(applied)
    }
}

fn find<'k>(kinds: &[&'k dyn Kind], name: &str) -> Option<&'k dyn Kind> {
    kinds.iter().find(|kind| kind.name() == name).copied()
}

fn unknown_kind(field: &'static str, name: &str) -> Error {
    let name: String = name.chars().take(40).collect();
    Error::invalid(field, format!("This gateway has no entries of the kind {name:?}"))
}

fn too_much() -> Error {
    ErrorKind::Unprocessable {
        field: "limit".into(),
        sentence: format!(
            "There is more than the {MAX_ENTRIES} entries or {MAX_BYTES} bytes of one document: \
             ask for it in parts, with limit and after"
        ),
    }
    .into()
}

impl<H: Host, L> std::fmt::Debug for Configuration<H, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configuration").finish_non_exhaustive()
    }
}
