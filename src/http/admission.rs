//! Identifies the caller of a request and checks its permission, before an
//! endpoint sees the request.

use http::header::AUTHORIZATION;

use super::declaration::{Caller, Declaration, QueryRule, TopicPlace};
use super::endpoints::Listed;
use super::parameter::{Kind, Parameter};
use super::percent;
use super::query::Query;
use super::refusal::{Refusal, RefusalKind};
use super::request::Request;
use super::routing::Params;
use crate::access::{AllowedTopic, Denial, Grant, Presented};
use crate::app::App;
use crate::error::ErrorKind;
use crate::host::Host;
use crate::kafka::Log;

/// An admitted caller.
pub(super) struct Admitted<H: Host, L> {
    /// With this caller's key in pass-through mode.
    pub(super) app: App<H, L>,
    /// For checks that only the endpoint can make.
    pub(super) grant: Grant,
    /// The topics in the path.
    pub(super) in_path: Vec<AllowedTopic>,
}

/// Identifies the caller and checks its permission, using only the head of the
/// request. Kafka is asked only in pass-through mode.
pub(super) async fn admit<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    listed: &Listed,
    path: &Params<'_>,
) -> Result<Admitted<H, L>, Refusal> {
    let permission = match listed.declaration.caller {
        Caller::Anyone | Caller::ByMessage => {
            let (app, grant) = (app.clone(), Grant::nothing());
            return Ok(Admitted { app, grant, in_path: Vec::new() });
        }
        Caller::Known => None,
        Caller::Allowed(permission) => Some(permission),
    };
    let presented = presented(request, &listed.declaration)?;
    let grant = app.credentials().await?.check(&presented).await?;
    permission.map_or(Ok(()), |permission| grant.permits(permission))?;
    let in_path = in_path(listed.topics, path, &grant)?;
    let app = app.on_behalf_of(&grant);
    if let (Some(_), Some(permission)) = (grant.key(), permission) {
        // On the heap: without pass-through every request would carry the room for it.
        let asked = Box::pin(app.ask_kafka(permission, &in_path)).await;
        asked.map_err(|refused| explain(refused.into(), &grant))?;
    }
    Ok(Admitted { app, grant, in_path })
}

/// What the caller presents to identify itself.
pub(super) fn presented<B>(
    request: &Request<B>,
    declaration: &Declaration,
) -> Result<Presented, Refusal> {
    let header = Presented::from_headers(request.header_values(AUTHORIZATION.as_str()));
    let or_api_key = |presented: Presented| presented.or_api_key(request.header_values(API_KEY));
    if !declaration.credential_in_query {
        return Ok(or_api_key(header));
    }
    let query = Query::parse(request.query(), QueryRule::Among(CREDENTIAL))?;
    Ok(match (query.text("user")?, query.text("pass")?) {
        (None, None) => or_api_key(header),
        // Two credentials in one call are ambiguous.
        _ if header != Presented::Nothing => Presented::Malformed,
        (user, pass) => Presented::pair(user.unwrap_or_default(), pass.unwrap_or_default()),
    })
}

/// A credential in place of `authorization`.
const API_KEY: &str = "x-api-key";

/// A credential in the query, for endpoints that accept it there: in many of the
/// services that send webhooks, only the URL can be set.
pub(super) const CREDENTIAL: &[Parameter] = &[
    Parameter::new("user", Kind::Text, "The name of a credential, in place of the header"),
    Parameter::new("pass", Kind::Text, "Its secret"),
];

/// The topics in the path. No topic's name contains a comma, so it does not
/// matter whether a client has encoded the commas between several topics.
fn in_path(
    place: TopicPlace,
    path: &Params<'_>,
    grant: &Grant,
) -> Result<Vec<AllowedTopic>, Refusal> {
    let decoded = || percent::decode_text("topic", path.get("topic").unwrap_or_default());
    Ok(match place {
        TopicPlace::InPath => vec![grant.topic(decoded()?)?],
        TopicPlace::ListInPath => {
            grant.topics(decoded()?.split(',').map(str::to_owned).collect())?
        }
        _ => Vec::new(),
    })
}

/// In pass-through mode, it is the caller's own key that Kafka refuses.
pub(super) fn explain(refusal: Refusal, grant: &Grant) -> Refusal {
    match refusal.into_kind() {
        RefusalKind::Service(error) if grant.key().is_some() => match error.into_kind() {
            ErrorKind::PermissionDenied { known, detail } => {
                Denial::RefusedByKafka { known, detail }.into()
            }
            kind => kind.into(),
        },
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::http::endpoints::ENDPOINTS;

    #[test]
    fn a_credential_in_the_query_is_the_only_one() {
        let in_query = ENDPOINTS.iter().filter(|listed| listed.declaration.credential_in_query);
        let in_query: Vec<_> = in_query.map(|listed| &listed.declaration).collect();
        let names: Vec<_> = in_query.iter().map(|declaration| declaration.name).collect();
        assert_eq!(names, ["receiveWebhook", "upstashWebhook"]);
        let webhook = in_query[0];
        let presented = |request| presented(&request, webhook);
        let request = |target: &str, headers| Request {
            method: http::Method::POST,
            target: target.into(),
            headers,
            scheme: None,
            authority: None,
            client: None,
            body: Bytes::new(),
        };
        let target = "/webhook?topic=t&user=a%40b&pass=x+y&more=1";
        assert_eq!(presented(request(target, Vec::new())), Ok(Presented::pair("a@b", "x y")));
        let header = ("Authorization".to_owned(), Bytes::from_static(b"Basic dXNlcjpwYXNz"));
        let both = presented(request(target, vec![header.clone()]));
        assert_eq!(both, Ok(Presented::Malformed));
        let basic = presented(request("/webhook?topic=t", vec![header]));
        assert_eq!(basic, Ok(Presented::pair("user", "pass")));
        // Many senders have a key of their own in this header.
        let key = ("X-API-Key".to_owned(), Bytes::from_static(b"of the sender"));
        let both = presented(request(target, vec![key]));
        assert_eq!(both, Ok(Presented::pair("a@b", "x y")));
    }
}
