//! The export of `kafka-edge:api/config`.

use super::{Answer, answering};
use crate::bindings::exports::kafka_edge::api::config::{
    Applied, Change, Error, Guest, Selection, Taken,
};
use crate::{Component, app, services};
use kafka_edge::error::Error as ServiceError;
use kafka_edge::services::configuration::{self as service, Configuration, MAX_ENTRIES, Wanted};

impl Guest for Component {
    fn export(selection: Selection, passphrase: Option<String>) -> Answer<String> {
        answering(async move {
            let limit = selection.limit.map(|limit| limit as usize);
            if limit.is_some_and(|limit| !(1..=MAX_ENTRIES).contains(&limit)) {
                return Err(ServiceError::invalid("limit", "Not a number from 1 to 2000").into());
            }
            let wanted = Wanted { kinds: selection.kinds, after: selection.after, limit };
            let configuration = configuration().await?;
            Ok(configuration.export(&wanted, passphrase.as_deref()).await?)
        })
    }

    fn apply(document: String, passphrase: Option<String>, dry_run: bool) -> Answer<Vec<Applied>> {
        answering(async move {
            if document.len() > service::MAX_BYTES {
                return Err(ServiceError::invalid("document", "Longer than 2 MiB").into());
            }
            let (document, passphrase) = (document.as_bytes(), passphrase.as_deref());
            let applied = configuration().await?.apply(document, passphrase, dry_run).await?;
            Ok(applied.into_iter().map(Into::into).collect())
        })
    }
}

type Ours = Configuration<crate::host::SpinHost, crate::SpinLog>;

async fn configuration() -> Result<Ours, Error> {
    let (services, credentials) = (services().await?, app().credentials().await?);
    Ok(Configuration::new(app().host().clone(), services, credentials))
}

impl From<service::Applied> for Applied {
    fn from(service::Applied { kind, name, taken }: service::Applied) -> Self {
        let taken = taken.map(|taken| Taken {
            change: match taken.what {
                service::What::Create => Change::Create,
                service::What::Replace => Change::Replace,
                service::What::Unchanged => Change::Unchanged,
                service::What::Kept => Change::Kept,
            },
            needs_secret: taken.needs_secret,
        });
        Self { kind, name, taken: taken.map_err(Into::into) }
    }
}
