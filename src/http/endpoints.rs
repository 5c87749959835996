//! All calls, in one file per group, and the list of them.

#[cfg(feature = "actions")]
mod actions;
mod caller;
#[cfg(feature = "configuration")]
mod configuration;
#[cfg(feature = "console")]
mod console;
mod consumer;
mod credentials;
mod description;
#[cfg(feature = "destinations")]
mod destinations;
mod groups;
mod health;
#[cfg(feature = "sources")]
mod inbound;
mod index;
#[cfg(feature = "mcp")]
mod mcp;
mod metrics;
mod producer;
mod receive_webhook;
mod record;
mod records;
#[cfg(feature = "actions")]
mod runs;
mod secrets;
mod seek;
#[cfg(feature = "sources")]
mod sources;
mod subscriptions;
mod topics;
mod webhooks;

use futures_util::future::LocalBoxFuture;

#[cfg(feature = "actions")]
use self::actions::{CreateAction, DeleteAction, GetAction, ListActions, PatchAction, PutAction};
use self::caller::GetCaller;
#[cfg(feature = "configuration")]
use self::configuration::{ApplyConfiguration, ExportConfiguration};
#[cfg(feature = "console")]
use self::console::{GetConsole, GetConsoleFile};
use self::consumer::{Acknowledge, Consume, Dispose, GiveBack, Reject, Renew};
use self::credentials::{
    CreateCredential, DeleteCredential, ListCredentials, RotateCredential, UpdateCredential,
};
use self::description::GetDescription;
#[cfg(feature = "destinations")]
use self::destinations::{
    CreateDestination, DeleteDestination, GetDestination, ListDestinations, PatchDestination,
    PutDestination, TestDestination,
};
use self::groups::{DeleteGroup, GetGroup, ListGroups, PatchGroup, PutGroup, SeekGroup};
use self::health::{Healthz, Readyz};
#[cfg(feature = "sources")]
use self::inbound::ReceiveEvent;
use self::index::Index;
#[cfg(feature = "mcp")]
use self::mcp::Mcp;
use self::metrics::GetMetrics;
use self::producer::{ProduceBody, ProduceMessage};
use self::receive_webhook::ReceiveWebhook;
use self::records::ReadPartition;
#[cfg(feature = "actions")]
use self::runs::{GetRun, ReportRun, RunAction};
use self::secrets::RewrapSecrets;
#[cfg(feature = "sources")]
use self::sources::{
    CreateSource, DeleteSource, GetSource, ListSources, PatchSource, PutSource, TestSource,
};
use self::subscriptions::{
    CreateSubscription, DeleteSubscription, DeliverDue, GetSubscription, ListAttempts,
    ListSubscriptions, PatchSubscription, PauseSubscription, PutSubscription, RedriveSubscription,
    ReplaySubscription, ResumeSubscription, RotateSubscription, SeekSubscription, TestSubscription,
};
use self::topics::{DescribeTopic, ListTopics};
use self::webhooks::{
    DeleteWebhook, Deliver, GetWebhook, ListWebhooks, RegisterWebhook, RegisterWebhookByPath,
    SeekWebhook,
};
use super::answer::Response;
use super::declaration::{Declaration, TopicPlace};
#[cfg(feature = "description")]
use super::description::Operation;
use super::endpoint::{Call, Endpoint, Topics};
use super::refusal::{Refusal, RefusalKind};
use super::request::{Request, RequestBody};
use super::routing::Params;
use super::upstash;
use super::{admission, query::Query};
use crate::access::{AllowedTopic, Grant};
use crate::app::App;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::credentials::CredentialError;
use crate::telemetry::{AdministrativeCall, Level, level_of};

/// An endpoint in the list.
#[derive(Debug)]
pub struct Listed {
    pub declaration: Declaration,
    pub topics: TopicPlace,
    /// Whether it changes what the gateway is set up to do.
    pub administrative: bool,
}

impl Listed {
    const fn of<E: Endpoint>() -> Self {
        let (declaration, topics) = (E::DECLARATION, E::Topics::PLACE);
        Self { declaration, topics, administrative: E::ADMINISTRATIVE }
    }
}

/// An answer on its way. Boxed, because a future that holds all of them in place moves
/// the room of the largest at each request, and is the largest function of all.
type Answering<'r> = LocalBoxFuture<'r, Result<Response, Refusal>>;

type Start<'r, H, L, B> =
    fn(Call<'r, H, L, B>, Vec<AllowedTopic>, Grant) -> Result<Answering<'r>, Refusal>;

fn start<'r, E: Endpoint + 'r, H: Host, L: Log, B: RequestBody>(
    call: Call<'r, H, L, B>,
    in_path: Vec<AllowedTopic>,
    grant: Grant,
) -> Result<Answering<'r>, Refusal> {
    let topics = E::Topics::new(in_path, grant)?;
    Ok(Box::pin(E::answer(call, topics)))
}

/// What events tell of the call, if it is an administrative one. The rest of a path may hold
/// a callback's URL, and stands there by its name.
fn administrative_call<B>(
    request: &Request<B>,
    listed: &Listed,
    path: &Params<'_>,
    caller: &Grant,
) -> Option<AdministrativeCall> {
    listed.administrative.then(|| {
        let mut call = request.method.to_string() + " ";
        for segment in listed.declaration.path.split('/').skip(1) {
            let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            let given = name.and_then(|name| path.get(name));
            call.extend(["/", given.unwrap_or(segment)]);
        }
        AdministrativeCall { credential: caller.name().map(str::to_owned), call }
    })
}

/// An administrative call on its way. If it fails on the way, some of it may be done.
async fn changing<H: Host>(
    host: &H,
    call: AdministrativeCall,
    answering: Answering<'_>,
) -> Result<Response, Refusal> {
    let answer = call.clone().making(answering).await;
    let failed = match answer.as_ref().map_err(Refusal::kind) {
        Err(
            RefusalKind::Service(error) | RefusalKind::Credential(CredentialError::Failed(error)),
        ) => error,
        _ => return answer,
    };
    if level_of(failed) == Level::Warn {
        call.failed(host, failed.kind());
    }
    answer
}

macro_rules! endpoints {
    ($($(#[$compiled:meta])* $endpoint:path),+ $(,)?) => {
        /// All endpoints, in the order in which `GET /` shows them.
        pub static ENDPOINTS: &[Listed] = &[$($(#[$compiled])* Listed::of::<$endpoint>()),+];

        /// Lets the endpoint at this place in the list answer the request.
        pub(super) async fn answer<H: Host, L: Log, B: RequestBody>(
            app: &App<H, L>,
            request: &mut Request<B>,
            place: usize,
            path: Params<'_>,
        ) -> Result<Response, Refusal> {
            let listed = &ENDPOINTS[place];
            let admitted = admission::admit(app, request, listed, &path).await?;
            let (grant, in_path) = (admitted.grant, admitted.in_path);
            let query = Query::parse(request.query(), listed.declaration.query)?;
            let body_limit = listed.declaration.body.limit();
            let caller = grant.clone();
            let administrative = administrative_call(request, listed, &path, &caller);
            let host = app.host();
            let call = Call { app: admitted.app, caller, request, path, query, body_limit };
            let starts: &[Start<'_, H, L, B>] = &[$($(#[$compiled])* start::<$endpoint, H, L, B>),+];
            let answering = starts[place](call, in_path, grant.clone())?;
            let answer = match administrative {
                Some(call) => changing(host, call, answering).await,
                None => answering.await,
            };
            answer.map_err(|refusal| admission::explain(refusal, &grant))
        }

        /// Describes each endpoint beyond its declaration, in the order of the
        /// list.
        #[cfg(feature = "description")]
        pub(super) fn describe(each: &mut dyn FnMut(&'static Listed, &dyn Fn(&mut Operation))) {
            let mut listed = ENDPOINTS.iter();
            $(
                $(#[$compiled])*
                if let Some(listed) = listed.next() {
                    each(listed, &|operation| <$endpoint as Endpoint>::describe(operation));
                }
            )+
        }
    };
}

endpoints! {
    Index,
    GetDescription,
    Healthz,
    Readyz,
    #[cfg(feature = "console")]
    GetConsole,
    #[cfg(feature = "console")]
    GetConsoleFile,
    GetCaller,
    GetMetrics,
    ProduceMessage,
    ProduceBody,
    ReceiveWebhook,
    Consume,
    Acknowledge,
    GiveBack,
    Reject,
    Renew,
    Dispose,
    ListGroups,
    GetGroup,
    PutGroup,
    PatchGroup,
    SeekGroup,
    DeleteGroup,
    CreateSubscription,
    ListSubscriptions,
    GetSubscription,
    PutSubscription,
    PatchSubscription,
    DeleteSubscription,
    PauseSubscription,
    ResumeSubscription,
    SeekSubscription,
    RotateSubscription,
    TestSubscription,
    ListAttempts,
    ReplaySubscription,
    RedriveSubscription,
    DeliverDue,
    RegisterWebhookByPath,
    RegisterWebhook,
    ListWebhooks,
    GetWebhook,
    SeekWebhook,
    DeleteWebhook,
    Deliver,
    ListTopics,
    DescribeTopic,
    ReadPartition,
    ListCredentials,
    CreateCredential,
    UpdateCredential,
    RotateCredential,
    DeleteCredential,
    RewrapSecrets,
    #[cfg(feature = "configuration")]
    ExportConfiguration,
    #[cfg(feature = "configuration")]
    ApplyConfiguration,
    #[cfg(feature = "sources")]
    ReceiveEvent,
    #[cfg(feature = "sources")]
    CreateSource,
    #[cfg(feature = "sources")]
    ListSources,
    #[cfg(feature = "sources")]
    GetSource,
    #[cfg(feature = "sources")]
    PutSource,
    #[cfg(feature = "sources")]
    PatchSource,
    #[cfg(feature = "sources")]
    DeleteSource,
    #[cfg(feature = "sources")]
    TestSource,
    #[cfg(feature = "destinations")]
    CreateDestination<false>,
    #[cfg(feature = "destinations")]
    ListDestinations<false>,
    #[cfg(feature = "destinations")]
    GetDestination<false>,
    #[cfg(feature = "destinations")]
    PutDestination<false>,
    #[cfg(feature = "destinations")]
    PatchDestination<false>,
    #[cfg(feature = "destinations")]
    DeleteDestination<false>,
    #[cfg(feature = "destinations")]
    TestDestination<false>,
    #[cfg(feature = "destinations")]
    CreateDestination<true>,
    #[cfg(feature = "destinations")]
    ListDestinations<true>,
    #[cfg(feature = "destinations")]
    GetDestination<true>,
    #[cfg(feature = "destinations")]
    PutDestination<true>,
    #[cfg(feature = "destinations")]
    PatchDestination<true>,
    #[cfg(feature = "destinations")]
    DeleteDestination<true>,
    #[cfg(feature = "destinations")]
    TestDestination<true>,
    #[cfg(feature = "actions")]
    CreateAction,
    #[cfg(feature = "actions")]
    ListActions,
    #[cfg(feature = "actions")]
    GetAction,
    #[cfg(feature = "actions")]
    PutAction,
    #[cfg(feature = "actions")]
    PatchAction,
    #[cfg(feature = "actions")]
    DeleteAction,
    #[cfg(feature = "actions")]
    RunAction,
    #[cfg(feature = "actions")]
    GetRun,
    #[cfg(feature = "actions")]
    ReportRun,
    #[cfg(feature = "mcp")]
    Mcp,
    upstash::produce::ProduceMessage,
    upstash::produce::ProduceToTopic,
    upstash::produce::Produce,
    upstash::webhook::Webhook,
    upstash::consume::ConsumeTopic,
    upstash::consume::Consume,
    upstash::fetch::Fetch,
    upstash::commit::Commit,
    upstash::commit::Committed,
    upstash::metadata::Offsets,
    upstash::metadata::Topics,
    upstash::instances::Consumers,
    upstash::instances::DeleteConsumer,
    upstash::registry::ReadRegistry,
    upstash::registry::WriteRegistry,
    upstash::registry::DeleteFromRegistry,
}
