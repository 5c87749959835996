//! `wasi:http/client@0.3.0`, with faults.

use crate::faults::{CallKind, Failure};
use crate::state::State;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance("wasi:http/client@0.3.0")?.func_wrap_concurrent(
        "send",
        |accessor, (request,)| {
            Box::pin(async move {
                match send(accessor, request).await {
                    Ok(response) => Ok((Ok(response),)),
                    Err(error) => Ok((Err(error.downcast()?),)),
                }
            })
        },
    )
}

type HttpError = TrappableError<ErrorCode>;

/// Holds either an injected failure or the result of the call.
struct SendError(HttpError);

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        Self(ErrorCode::from(failure).into())
    }
}

async fn send(
    accessor: &Accessor<State>,
    request: Resource<Request>,
) -> Result<Resource<Response>, HttpError> {
    let (caller, url) = accessor.with(|mut access| {
        let state = access.get();
        (state.caller(), url_of(state, &request))
    });
    let http = accessor.with_getter::<WasiHttp>(State::http);
    let mut came = None;
    let send = async {
        let sent = <WasiHttp as client::HostWithStore<State>>::send(&http, request).await;
        sent.inspect(|response| came = Some(response.rep())).map_err(SendError)
    };
    let outcome = caller.call(CallKind::Http, &url, send).await;
    match outcome.map_err(HttpError::trap)? {
        Ok(response) => Ok(response),
        Err(SendError(error)) => {
            // The guest never learns of a response that came before the failure, and so
            // cannot drop it: its connection would be held as long as the instance lives.
            if let Some(unseen) = came {
                let unseen = Resource::<Response>::new_own(unseen);
                let removed = accessor.with(|mut access| access.get().table.delete(unseen));
                removed.map_err(HttpError::trap)?;
            }
            Err(error)
        }
    }
}

fn url_of(state: &State, request: &Resource<Request>) -> String {
    let Ok(request) = state.table.get(request) else {
        return String::new();
    };
    let scheme = request.scheme.as_ref().map_or("https", |s| s.as_str());
    let authority = request.authority.as_ref().map_or("", |a| a.as_str());
    let path = request.path_with_query.as_ref().map_or("", |p| p.as_str());
    format!("{scheme}://{authority}{path}")
}
