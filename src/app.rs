//! What an instance keeps from one request to the next.
//!
//! Usually there is one set of services, with the key for Kafka from the
//! configuration. In pass-through mode the configuration has no key: each
//! caller presents a key and a secret as Basic authorization. Then there is a
//! set of services for each of the pairs that were used last, and callers with
//! one pair never get what was read with another. The positions of consumer
//! groups are shared: they are in the store, under names that do not contain
//! the pair.

mod recent;

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use self::recent::{Id, Recent};
use crate::access::{AccessError, AllowedTopic, Denial, Grant, Missing, Permission, Presented};
use crate::api_key::ApiKey;
use crate::config::{self, Access, Config, GatewayConfig, KafkaConfig};
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::credentials::Credentials;
use crate::services::{Delivering, Services};
use crate::telemetry::{self, Level, Report};

/// The maximum number of sets of services in pass-through mode. Each needs
/// memory for its caches.
const MAX_PASSED_KEYS: usize = 16;

/// Connects to the log that the configuration names.
type Connect<L> = Rc<dyn Fn(&KafkaConfig) -> L>;

/// One instance. Its configuration is read at the first call that needs it, and
/// again at later calls until it is valid, so that a repair needs no restart.
/// This is a handle, and cheap to clone.
pub struct App<H: Host, L> {
    instance: Rc<Instance<H, L>>,
    /// The key of the current caller, in pass-through mode.
    key: Option<Rc<ApiKey>>,
}

struct Instance<H: Host, L> {
    host: H,
    connect: Connect<L>,
    /// Whether the settings for reports have been read.
    reports: Cell<bool>,
    gateway: OnceCell<Rc<GatewayConfig>>,
    credentials: OnceCell<Rc<Credentials<H>>>,
    services: OnceCell<Rc<Services<H, L>>>,
    /// The services with callers' keys, in pass-through mode.
    passed: RefCell<Recent<Rc<Services<H, L>>>>,
}

impl<H: Host, L: Log> App<H, L> {
    pub fn new(host: H, connect: impl Fn(H, &KafkaConfig) -> L + 'static) -> Self {
        let connecting = host.clone();
        let instance = Instance {
            host,
            connect: Rc::new(move |config| connect(connecting.clone(), config)),
            reports: Cell::new(false),
            gateway: OnceCell::new(),
            credentials: OnceCell::new(),
            services: OnceCell::new(),
            passed: RefCell::new(Recent::new(MAX_PASSED_KEYS)),
        };
        Self { instance: Rc::new(instance), key: None }
    }

    /// The same instance, for a caller with this grant.
    #[must_use]
    pub fn on_behalf_of(&self, grant: &Grant) -> Self {
        Self { instance: self.instance.clone(), key: grant.key().cloned() }
    }

    pub fn host(&self) -> &H {
        &self.instance.host
    }

    /// Sets what is reported and how. Until this succeeds, the defaults apply. If
    /// these settings are malformed, [`ready`](Self::ready) returns the error.
    pub async fn prepare_telemetry(&self) -> Result<()> {
        let instance = &*self.instance;
        if !instance.reports.get() {
            let settings = config::telemetry::load(&instance.host).await;
            telemetry::configure(instance.checked(settings)?);
            instance.reports.set(true);
        }
        Ok(())
    }

    /// Where the gateway is. This works even if nothing else is configured.
    pub async fn gateway(&self) -> Result<Rc<GatewayConfig>> {
        let instance = &*self.instance;
        if let Some(gateway) = instance.gateway.get() {
            return Ok(gateway.clone());
        }
        let gateway = instance.checked(GatewayConfig::load(&instance.host).await)?;
        Ok(instance.gateway.get_or_init(|| Rc::new(gateway)).clone())
    }

    /// Who may call.
    pub async fn credentials(&self) -> Result<Rc<Credentials<H>>> {
        let Instance { host, credentials, .. } = &*self.instance;
        if let Some(credentials) = credentials.get() {
            return Ok(credentials.clone());
        }
        // Calls through WIT come here first, too. An invalid setting for reports
        // is reported, but is no reason to refuse a call.
        let _ = self.prepare_telemetry().await;
        let access = self.instance.checked(Access::load(host).await)?;
        let build = || Rc::new(Credentials::new(host.clone(), access));
        Ok(credentials.get_or_init(build).clone())
    }

    pub async fn services(&self) -> Result<Rc<Services<H, L>>> {
        let instance = &*self.instance;
        if let Some(services) = instance.services.get() {
            return Ok(services.clone());
        }
        match &self.key {
            Some(key) => instance.services_with(key).await,
            None if self.credentials().await?.pass_through() => Err(ErrorKind::Unconfigured(
                "kafka_credentials is passthrough, and only callers over HTTP bring a key along"
                    .into(),
            )
            .into()),
            None => {
                // Concurrent requests each read the configuration instead of
                // waiting for one another. The first to finish makes the services.
                let config = instance.checked(Config::load(&instance.host).await)?;
                // Without a valid address of its own, the gateway still works; whoever needs
                // it reads it again, until it is valid.
                let gateway = match instance.gateway.get() {
                    Some(known) => Some(known.clone()),
                    None => GatewayConfig::load(&instance.host).await.ok().map(Rc::new),
                };
                let public_url = gateway.as_ref().and_then(|gateway| gateway.public_url());
                let build = || Rc::new(instance.connected(config, public_url, Delivering::Yes));
                Ok(instance.services.get_or_init(build).clone())
            }
        }
    }

    /// Goes on with deliveries that are overdue, if this instance has served a call that
    /// needed its services. Whatever was asked of it now does not wait for that.
    pub fn go_on_delivering(&self) {
        if let Some(services) = self.instance.services.get() {
            services.subscriptions.go_on();
        }
    }

    /// For pass-through mode, where the gateway itself checks no key: before a call that
    /// needs a permission may touch the gateway's own state, Kafka has to show the call's
    /// topics to the caller's key.
    pub async fn ask_kafka(
        &self,
        permission: Permission,
        topics: &[AllowedTopic],
    ) -> Result<(), AccessError> {
        if topics.is_empty() {
            return Err(Denial::Forbidden(Missing::KeyOfGateway(permission)).into());
        }
        let services = self.services().await?;
        for topic in topics {
            services.topics.get(topic).await?;
        }
        // A consumer instance on the server is created with the key of one caller
        // and would serve the next one, whose key may not allow that.
        let reads = permission == Permission::Consume;
        if reads && !services.topics.capabilities().await?.random_access {
            return Err(ErrorKind::Unsupported(
                "Consumer instances are shared among callers: to read through them, set \
                 kafka_credentials to configured"
                    .into(),
            )
            .into());
        }
        Ok(())
    }

    /// Checks that the configuration is complete, that the store reads and
    /// writes, that Kafka answers, and that there are callers who may call. In
    /// pass-through mode a refusal by Kafka counts as an answer.
    pub async fn ready(&self) -> Result<()> {
        self.prepare_telemetry().await?;
        self.gateway().await?;
        let credentials = self.credentials().await?;
        if !credentials.pass_through() {
            self.services().await?.topics.ready().await?;
            return match credentials.check(&Presented::Nothing).await {
                // If no caller may call, the gateway is not ready.
                Err(AccessError::Failed(error)) => Err(error),
                _ => Ok(()),
            };
        }
        let config = self.instance.config_without_key().await?;
        match self.instance.connected(config, None, Delivering::No).topics.ready().await {
            Err(error) if matches!(*error, ErrorKind::PermissionDenied { .. }) => Ok(()),
            other => other,
        }
    }
}

impl<H: Host, L: Log> Instance<H, L> {
    fn connected(
        &self,
        config: Config,
        public_url: Option<&str>,
        delivering: Delivering,
    ) -> Services<H, L> {
        let connect = self.connect.clone();
        Services::new(self.host.clone(), connect, config, public_url, delivering)
    }

    /// Reports a mistake in the configuration. The error's text names variables
    /// but quotes none of their values.
    fn checked<T>(&self, loaded: Result<T>) -> Result<T> {
        if let Err(error) = &loaded {
            let why = error.to_string();
            self.host.event(Level::Error, "configuration-invalid", &[("why", (&*why).into())]);
        }
        loaded
    }

    async fn config_without_key(&self) -> Result<Config> {
        let config = self.checked(Config::load(&self.host).await)?;
        if config.kafka.api_key.is_some() {
            return self.checked(Err(ErrorKind::Unconfigured(
                "kafka_credentials is passthrough, so that kafka_api_key has no meaning; leave it \
                 out"
                .into(),
            )
            .into()));
        }
        Ok(config)
    }

    async fn services_with(&self, key: &ApiKey) -> Result<Rc<Services<H, L>>> {
        let id = id(key);
        let passed = || self.passed.borrow_mut().get(&id);
        if let Some(services) = passed() {
            return Ok(services);
        }
        let config = self.config_without_key().await?;
        // Another request with the same key may have been faster.
        if let Some(services) = passed() {
            return Ok(services);
        }
        // Kafka's answer says nothing about the caller's rights in the registry.
        let kafka = KafkaConfig { api_key: Some(key.clone()), ..config.kafka };
        let config = Config { kafka, schema_registry: None, ..config };
        let services = Rc::new(self.connected(config, None, Delivering::No));
        self.passed.borrow_mut().put(id, services.clone());
        Ok(services)
    }
}

/// The secrets of callers are kept only in the services that need them. The key
/// is hashed after its length, so that no two pairs hash the same bytes.
fn id(ApiKey { key, secret }: &ApiKey) -> Id {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(secret);
    hash.finalize().into()
}

impl<H: Host, L> Clone for App<H, L> {
    fn clone(&self) -> Self {
        Self { instance: self.instance.clone(), key: self.key.clone() }
    }
}

impl<H: Host, L> fmt::Debug for App<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
