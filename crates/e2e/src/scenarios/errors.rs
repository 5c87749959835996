//! Answers to what cannot be done.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::json;

use crate::context::{Context, same};

pub(super) async fn a_path_that_is_none_is_404(c: &Context) -> Result<()> {
    for target in ["/nothing", "/producer", "/groups/a/b/c", "/upstash/nothing", "//"] {
        c.client.get(target).refused(404).await?;
    }
    Ok(())
}

pub(super) async fn a_method_that_is_none_is_405_and_names_those_that_are(
    c: &Context,
) -> Result<()> {
    for (method, target, allowed) in [
        (Method::DELETE, format!("/consumer/{}", c.one), "GET"),
        (Method::PUT, "/webhooks".to_owned(), "POST"),
    ] {
        let answer = c.client.call(method.clone(), target.clone()).send().await?;
        let answer = answer.expect(405)?;
        let allow = answer.header("allow").unwrap_or_default();
        let names = |allow: &str| allow.split(',').any(|name| name.trim() == allowed);
        ensure!(names(allow), "{method} {target}: {allow}");
    }
    Ok(())
}

pub(super) async fn an_unknown_topic_is_404_wherever_it_is_named(c: &Context) -> Result<()> {
    let none = "no-such-topic-of-e2e";
    for target in [
        format!("/producer/{none}/m"),
        format!("/consumer/{none}?wait=0"),
        format!("/topics/{none}"),
        format!("/topics/{none}/partitions/0/records?wait=0"),
    ] {
        same(&target, c.client.get(target.clone()).refused(404).await?.as_str(), none)?;
    }
    c.client.post(format!("/producer/{none}")).body("text/plain", "m").refused(404).await?;
    let to = json!({"topic": none, "to": "latest"});
    c.client.post(format!("/groups/{}/seek", c.name("g"))).json(&to).refused(404).await?;
    Ok(())
}

pub(super) async fn a_parameter_that_is_wrong_is_named(c: &Context) -> Result<()> {
    for (target, field) in [
        (format!("/topics/{}/partitions/x/records", c.one), "partition"),
        (format!("/topics/{}/partitions/0/records?offset=-1", c.one), "offset"),
        ("/consumer/a%20b".to_owned(), "topic"),
        ("/groups/%00".to_owned(), "group"),
        ("/topics?no_such=1".to_owned(), "no_such"),
    ] {
        same(&target, c.client.get(target.clone()).refused(400).await?.as_str(), field)?;
    }
    Ok(())
}

pub(super) async fn a_body_that_is_wrong_is_refused(c: &Context) -> Result<()> {
    let targets = [
        "/webhooks".to_owned(),
        "/credentials".to_owned(),
        format!("/groups/{}/seek", c.name("g")),
        format!("/consumer/{}/ack", c.one),
        "/upstash/produce".to_owned(),
        "/upstash/fetch".to_owned(),
    ];
    for target in targets {
        for body in ["{", "7", ""] {
            let call = c.client.post(target.clone()).body("application/json", body);
            call.refused(400).await?;
        }
    }
    Ok(())
}

pub(super) async fn no_answer_is_kept_by_a_cache(c: &Context) -> Result<()> {
    for target in ["/", "/healthz", "/topics", "/nothing"] {
        let answer = c.client.get(target).send().await?;
        same(target, answer.header("cache-control"), Some("no-store"))?;
    }
    Ok(())
}
