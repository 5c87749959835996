//! `list_subscriptions`: the webhooks out.

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, Permission};
use crate::host::Host;
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::subscriptions::SubscriptionSummary;

pub(super) const TOOL: Tool = Tool {
    name: "list_subscriptions",
    permission: Some(Permission::Webhooks),
    topics: Topics::None,
};

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    call.arguments.only(&["cursor"])?;
    let cursor = call.arguments.text("cursor")?;
    let (list, next) = call.services.subscriptions.list(cursor.as_deref(), call.grant).await?;
    Ok(write(&list, next.as_deref()))
}

#[inline(never)]
fn write(subscriptions: &[SubscriptionSummary], next: Option<&str>) -> Called {
    done(|json| {
        json.objects("subscriptions", subscriptions, |json, subscription| {
            json.text("id", &subscription.id);
            json.texts("topics", subscription.topics.iter().map(String::as_str));
            json.text("callback_url", &without_query(&subscription.callback_url));
            json.text("created", &timestamp(subscription.created));
        });
        json.text_if("next", next);
    })
}

/// Many services want a token in the query of the URL, and what a model reads goes to
/// whoever runs it.
fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((place, _)) => format!("{place}?********"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_hold_a_secret() {
        assert_eq!(without_query("https://h.test/a"), "https://h.test/a");
        assert_eq!(without_query("https://h.test/a?t=b?c"), "https://h.test/a?********");
    }
}
