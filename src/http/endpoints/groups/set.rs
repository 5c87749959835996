//! `PUT` and `PATCH /groups/{group}`: what a group is set to.

use http::header::{ETAG, LOCATION};
use http::{Method, StatusCode};

#[cfg(feature = "description")]
use super::GroupDescription;
use super::{ListGroups, described, group};
use crate::access::Grant;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, OfGroup};
use crate::http::if_match::{as_condition, condition, quoted};
use crate::http::json::without_mark;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
#[cfg(feature = "description")]
use crate::services::group_settings::Leases;
use crate::services::groups::SetGroup;

/// What a group is set to.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct GroupSettings {
    /// From 1 to 1000.
    delivery_limit: Option<u32>,
    /// From 1 to 3600 seconds.
    lease: Option<Leases>,
    dead_letter: Option<String>,
    /// From 1 to 1000.
    max_claimed: Option<u32>,
}

pub(in crate::http::endpoints) struct PutGroup;

impl Endpoint for PutGroup {
    const DECLARATION: Declaration = Declaration {
        name: "putGroup",
        methods: &[Method::PUT],
        path: "/groups/{group}",
        safe: false,
        about: "Sets how a consumer group hands out records",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..ListGroups::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfGroup;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfGroup(grant): OfGroup,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        set(call, grant, false)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "What is left out has its default. The caller needs all topics of the group, and \
                 the permission `produce` for its dead-letter topic, before and after. A group \
                 that does not exist comes to be.",
            )
            .heeds("If-Match", IF_MATCH)
            .takes::<GroupSettings>()
            .gives::<GroupDescription>(200, "What the group is set to now")
            .gives::<GroupDescription>(201, "The new group")
            .fails(409, "The maximum number of groups has been reached")
            .fails(412, "The group is not set as in the version of If-Match")
            .asks_kafka()
            .example_with("/groups/audit", r#"{"delivery_limit":5,"lease":{"default":60}}"#);
    }
}

#[cfg(feature = "description")]
const IF_MATCH: &str = "`*`, or the entity tags of versions of the group's settings";

pub(in crate::http::endpoints) struct PatchGroup;

impl Endpoint for PatchGroup {
    const DECLARATION: Declaration = Declaration {
        name: "patchGroup",
        methods: &[Method::PATCH],
        about: "Changes what a consumer group is set to by JSON Merge Patch (RFC 7396)",
        ..PutGroup::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfGroup;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfGroup(grant): OfGroup,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        set(call, grant, true)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .takes::<GroupSettings>()
            .gives::<GroupDescription>(200, "What the group is set to now")
            .fails(404, "There is no such group")
            .fails(412, "The group is not set as in the version of If-Match")
            .asks_kafka()
            .example_with("/groups/audit", r#"{"max_claimed":100}"#);
    }
}

async fn set<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    grant: Grant,
    is_patch: bool,
) -> Result<Response, Refusal> {
    let group = group(&call)?;
    let tags = condition(call.request)?;
    let body = call.body().await?;
    let services = call.app.services().await?;
    let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
    let set = services.groups.set(&group, body, is_patch, condition, &grant).await?;
    let SetGroup { settings, tag, is_new } = set;
    let place = call.app.gateway().await?.link(&format!("/groups/{}", call.path_raw("group")));
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let answer = described(group, settings, None);
    let response = Response::json(status, &answer).with_header(ETAG, quoted(&tag));
    Ok(if is_new { response.with_header(LOCATION, place) } else { response })
}
