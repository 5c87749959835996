//! What one instance of the component has on the host's side.

use crate::faults::{CallKind, Failure, Fault, Faults, HostCall, Moment};
use crate::imports::Unread;
use crate::kv::Store;
use crate::memory::Memory;
use crate::outbound::OutboundHosts;
use crate::stats::Counters;
use crate::upstream::Upstream;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// What all instances of a host share.
pub(crate) struct Services {
    pub(crate) stores: HashMap<String, Arc<dyn Store>>,
    pub(crate) variables: HashMap<String, String>,
    pub(crate) redis: crate::redis::Allowed,
    /// `None`: the upstream decides.
    pub(crate) outbound: Option<OutboundHosts>,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) calls: AtomicU64,
}

/// The caller and the kind of a host call: the part that is the same before and
/// after it.
pub(crate) struct Caller {
    pub(crate) services: Arc<Services>,
    pub(crate) instance: u64,
}

impl Caller {
    /// Makes a host call, with what goes wrong before and after it. The outer
    /// error kills the instance.
    pub(crate) async fn call<T, E: From<Failure>>(
        &self,
        kind: CallKind,
        target: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> wasmtime::Result<Result<T, E>> {
        let Some(faults) = self.services.faults.as_deref() else {
            return Ok(work.await);
        };
        let mut call = HostCall {
            kind,
            target,
            number: self.services.calls.fetch_add(1, Ordering::SeqCst),
            instance: self.instance,
            moment: Moment::Before,
        };
        if let Err(failure) = undergo(faults, &call).await? {
            return Ok(Err(failure.into()));
        }
        let outcome = work.await;
        call.moment = Moment::After;
        if let Err(failure) = undergo(faults, &call).await? {
            return Ok(Err(failure.into()));
        }
        Ok(outcome)
    }
}

async fn undergo(
    faults: &dyn Faults,
    call: &HostCall<'_>,
) -> wasmtime::Result<Result<(), Failure>> {
    match faults.at(call) {
        Fault::Continue => Ok(Ok(())),
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            Ok(Ok(()))
        }
        Fault::Fail(failure) => Ok(Err(failure)),
        Fault::Trap => Err(wasmtime::format_err!(
            "killed on purpose {:?} call {} ({:?} {})",
            call.moment,
            call.number,
            call.kind,
            call.target
        )),
    }
}

/// The data of one instance's store; what the linked interfaces work on.
pub struct State {
    pub(crate) table: ResourceTable,
    /// How many stores of `spin:key-value` the guest holds open.
    pub(crate) open_stores: usize,
    pub(crate) unread: Unread,
    pub(crate) memory: Memory,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    services: Arc<Services>,
    instance: u64,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl State {
    pub(crate) fn new(instance: u64, wasi: WasiCtx, services: Arc<Services>) -> Self {
        Self {
            table: ResourceTable::new(),
            open_stores: 0,
            unread: Unread::default(),
            memory: Memory::new(Arc::clone(&services.counters)),
            wasi,
            http: WasiHttpCtx::new(),
            hooks: Hooks { services: Arc::clone(&services) },
            services,
            instance,
        }
    }

    /// The number of this instance, counted from 1.
    pub fn instance(&self) -> u64 {
        self.instance
    }

    pub(crate) fn services(&self) -> &Arc<Services> {
        &self.services
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller { services: Arc::clone(&self.services), instance: self.instance }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Sends what guests send over the host's own upstream.
struct Hooks {
    services: Arc<Services>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_result: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let services = Arc::clone(&self.services);
        Box::new(async move {
            if let Some(outbound) = &services.outbound {
                outbound.check_uri(request.uri()).map_err(|_| Error::HttpRequestDenied)?;
            }
            services.counters.outgoing();
            let options = options.unwrap_or_default();
            let response = services.upstream.send(request, options).await?;
            // The connection drives itself, so no I/O is left to be awaited.
            let io: Io = Box::new(std::future::ready(Ok(())));
            Ok((response, io))
        })
    }
}
