//! `/schema-registry`: passed on as it came.

use http::header::{ACCEPT, CONTENT_TYPE};

use crate::app::App;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::services::schema_registry::RegistryCall;

/// The longest schema that is passed on.
const BODY_BYTES: usize = 1024 * 1024;

pub(super) async fn forward<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    path: &str,
) -> Result<Response, Refusal> {
    let call = RegistryCall {
        method: request.method.clone(),
        path: path.to_owned(),
        query: request.query().map(str::to_owned),
        accept: request.header(ACCEPT.as_str()).cloned(),
        content_type: request.header(CONTENT_TYPE.as_str()).cloned(),
        body: request.read_body(BODY_BYTES).await?,
    };
    let answer = app.services().await?.schema_registry.forward(call).await?;
    Ok(Response::passed_on(answer.status, answer.content_type.as_deref(), answer.body))
}
