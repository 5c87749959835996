//! A request to a source that its caller has whole, head and body.

use super::Sources;
use super::inbound::{Inbound, Received};
use super::receive::NotTaken;
use crate::error::Error;
use crate::host::Host;
use crate::kafka::Log;

impl<H: Host, L: Log> Sources<H, L> {
    /// Takes a request for the source of this name, through all stages.
    pub async fn receive_whole(
        &self,
        name: &str,
        request: Inbound<'_>,
    ) -> Result<Received, NotTaken> {
        let prepared = self.open(name).await?;
        if request.method == "OPTIONS" {
            let not_an_origin = || Error::invalid("webhook-request-origin", "Not an origin");
            let consent = self.consent(&prepared, &request)?;
            return Ok(consent.ok_or_else(not_an_origin)?);
        }
        self.check_head(&prepared, &request).await?;
        self.receive(&prepared, &request).await
    }
}
