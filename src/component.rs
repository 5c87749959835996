//! The component on WASI 0.3: what `wit/` says that it exports, over the same
//! services as the HTTP API.

mod bindings;
mod consumer;
mod convert;
mod credentials;
mod handler;
mod producer;
mod webhook;

use std::rc::Rc;

use crate::app::App;
use crate::error::Result;
use crate::host::spin::SpinHost;
use crate::log::confluent::ConfluentLog;
use crate::services::Services;

type Log = ConfluentLog<SpinHost>;

/// The one thing that is exported.
struct Component;

/// What this instance keeps.
fn app() -> Rc<App<SpinHost, Log>> {
    thread_local! {
        static APP: Rc<App<SpinHost, Log>> =
            Rc::new(App::new(SpinHost::default(), |host, config| ConfluentLog::new(host, &config)));
    }
    APP.with(Rc::clone)
}

async fn services() -> Result<Rc<Services<SpinHost, Log>>> {
    app().services().await
}
