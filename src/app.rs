//! What an instance keeps from one request to the next.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use crate::config::{Access, Config};
use crate::error::Result;
use crate::host::Host;
use crate::log::Log;
use crate::services::Services;
use crate::services::credentials::Credentials;

/// How the log is reached that the configuration names.
type Connect<H, L> = Box<dyn Fn(H, Rc<Config>) -> L>;

/// One instance. Its configuration is read at the first call that needs it,
/// and again at the next one for as long as it is not right, so that whoever
/// repairs it need not restart anything.
pub struct App<H: Host, L> {
    host: H,
    connect: Connect<H, L>,
    credentials: OnceCell<Rc<Credentials<H>>>,
    services: OnceCell<Rc<Services<H, L>>>,
}

impl<H: Host, L: Log> App<H, L> {
    pub fn new(host: H, connect: impl Fn(H, Rc<Config>) -> L + 'static) -> Self {
        Self {
            host,
            connect: Box::new(connect),
            credentials: OnceCell::new(),
            services: OnceCell::new(),
        }
    }

    /// Who may call.
    pub async fn credentials(&self) -> Result<Rc<Credentials<H>>> {
        if let Some(credentials) = self.credentials.get() {
            return Ok(credentials.clone());
        }
        let access = Access::load(&self.host).await?;
        let build = || Rc::new(Credentials::new(self.host.clone(), access));
        Ok(self.credentials.get_or_init(build).clone())
    }

    pub async fn services(&self) -> Result<Rc<Services<H, L>>> {
        if let Some(services) = self.services.get() {
            return Ok(services.clone());
        }
        // Requests that come at once each read the configuration rather than
        // wait for each other; the services are those of the first one to be
        // done.
        let config = Rc::new(Config::load(&self.host).await?);
        let build = || {
            let log = (self.connect)(self.host.clone(), config.clone());
            Rc::new(Services::new(self.host.clone(), log, config.clone()))
        };
        Ok(self.services.get_or_init(build).clone())
    }
}

impl<H: Host, L> fmt::Debug for App<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
