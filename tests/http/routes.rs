//! Every call of the gateway's own list, with a request that makes it.

use bytes::Bytes;
use http::Method;
use kafka_edge::http::description::{Example, operations};
use kafka_edge::http::{Caller, Request, TopicPlace};

use crate::gateway::{header, request};

/// An endpoint under one of its methods.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) caller: Caller,
    pub(crate) topic: TopicPlace,
    pub(crate) administrative: bool,
    pub(crate) safe: bool,
    example: Example,
}

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for (listed, operation) in operations() {
        let declaration = &listed.declaration;
        for method in declaration.methods {
            routes.push(Route {
                name: declaration.name,
                method: method.clone(),
                path: declaration.path,
                caller: declaration.caller,
                topic: listed.topics,
                administrative: listed.administrative,
                safe: declaration.safe,
                example: operation.example.clone().expect("each endpoint shows an example"),
            });
        }
    }
    routes
}

/// The call of this name.
pub(crate) fn named(name: &str) -> Route {
    routes().into_iter().find(|route| route.name == name).expect("there is such a call")
}

impl Route {
    /// A request that does what the call is for, without any credential. The
    /// examples of the API description are these.
    ///
    /// `ids` holds the id of a webhook and, behind a space, that of a run.
    pub(crate) fn example(&self, ids: &str) -> Request<Bytes> {
        let (webhook, run) = ids.split_once(' ').unwrap_or((ids, "wfr_1"));
        let target = self.example.target.replace("{webhook_id}", webhook);
        let node = run.replace("wfr_", "wfnr_");
        let target = target.replace("{run_id}", run).replace("{node_run_id}", &node);
        let mut request = request(self.method.clone(), &target);
        if !self.example.body.is_empty() {
            request.headers.push(header("content-type", b"application/json"));
            request.body = self.example.body.into();
        }
        request
    }
}
