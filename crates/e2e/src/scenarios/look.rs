//! Health, the index, topics, and records at offsets.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::context::{Context, list, messages, same, text};

pub(super) async fn health_is_for_everyone(c: &Context) -> Result<()> {
    let nobody = c.client.as_nobody();
    same("health", nobody.get("/healthz").expect(200).await?, json!({"status": "ok"}))?;
    same("readiness", nobody.get("/readyz").expect(200).await?, json!({"status": "ready"}))
}

pub(super) async fn the_index_links_to_what_there_is(c: &Context) -> Result<()> {
    let index = c.client.get("/").expect(200).await?;
    same("the name", text(&index, "name")?, "kafka-edge")?;
    let base = c.client.url();
    for link in list(&index, "links")? {
        let link = link.as_str().context("a link is a text")?;
        let path = link.strip_prefix(&base);
        let path = path.with_context(|| format!("the link {link} does not begin with {base}"))?;
        // One of them is a page, and no JSON.
        c.client.get(path).send().await?.expect(200)?;
    }
    let calls = list(&index, "calls")?;
    for (method, path) in [("GET", "/consumer/{topic}"), ("POST", "/upstash/fetch")] {
        let url = format!("{base}{path}");
        let is_there = calls.iter().any(|call| call["method"] == method && call["url"] == url);
        ensure!(is_there, "{method} {path} is missing in {calls:?}");
    }
    Ok(())
}

pub(super) async fn topics_are_listed_and_described(c: &Context) -> Result<()> {
    let all = c.client.get("/topics").expect(200).await?;
    for (topic, partitions) in [(&c.one, 1), (&c.three, 3)] {
        let entry = json!({"topic": topic, "partitions": partitions});
        ensure!(list(&all, "topics")?.contains(&entry), "{entry} is missing in {all}");
        let described = c.client.get(format!("/topics/{topic}")).expect(200).await?;
        same("the topic", text(&described, "topic")?, topic.as_str())?;
        same("its partitions", &described["partitions"], &json!(partitions))?;
    }
    let offset = c.produce(&c.three, 1, "counted").await?;
    let described = c.client.get(format!("/topics/{}", c.three)).expect(200).await?;
    // A log that knows no offsets leaves them out.
    if let Some(offsets) = described["offsets"].as_array() {
        same("the end of partition 1", &offsets[1]["end_offset"], &json!(offset + 1))?;
    }
    Ok(())
}

pub(super) async fn records_are_read_at_an_offset(c: &Context) -> Result<()> {
    let first = c.produce(&c.three, 2, "a").await?;
    for message in ["b", "c"] {
        c.produce(&c.three, 2, message).await?;
    }
    let at = format!("/topics/{}/partitions/2/records?offset=", c.three);
    let page = c.client.get(format!("{at}{first}&wait=5")).expect(200).await?;
    same("the records", messages(&page)?, vec!["a", "b", "c"])?;
    same("where to go on", &page["next_offset"], &json!(first + 3))?;
    let page = c.client.get(format!("{at}{}&max=1&wait=5", first + 1)).expect(200).await?;
    same("the record", text(&page["records"][0], "message")?, "b")?;
    let page = c.client.get(format!("{at}{}&wait=0", first + 3)).expect(200).await?;
    same("nothing at the end", page, json!({"records": [], "next_offset": first + 3}))
}
