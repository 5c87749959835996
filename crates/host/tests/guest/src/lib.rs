//! The component that the host's tests run: each path does one thing to the
//! host. On any other target it is empty.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod answer;
mod behave;
mod export;
mod fetch;
mod kv;
mod signal;

use answer::{Answer, text};
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

struct Component;

spin_sdk::wasip3::http::service::export!(Component);

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        route(request, &parts).await
    }
}

async fn route(request: Request, parts: &[&str]) -> Answer {
    match parts {
        ["hello"] => text("hello"),
        ["who"] => behave::who(&request),
        ["visits"] => behave::visits(),
        ["together", ms] => behave::together(ms).await,
        ["later", key, ms] => behave::later(key, ms),
        ["stream", key, pieces, ms] => behave::stream(key, pieces, ms),
        ["stream-then-die", ms] => behave::stream_then_die(ms),
        ["compute", ms] => behave::compute(ms),
        ["fill", mib] => behave::fill(mib),
        ["panic"] => panic!("on purpose"),
        ["refuse"] => Err(ErrorCode::LoopDetected),
        ["print", line] => behave::print(line),
        ["time"] => behave::time(),
        ["variable", name] => behave::variable(name).await,
        ["echo"] => fetch::echo(request),
        ["fetch"] => fetch::fetch(request).await,
        ["signal", "wait", name] => signal::wait(name).await,
        ["signal", "now", name] => signal::now(name),
        ["signal", "later", name, ms] => signal::later(name, ms),
        ["kv", rest @ ..] => kv::call(rest).await,
        _ => answer::with_status(404, "no such path"),
    }
}
