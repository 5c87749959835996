//! `/config`: the set-up as a document.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::context::{Context, list, same, text};

const PASSPHRASE: &str = "of the end-to-end suite";

/// Leaves of a document what this scenario has made.
fn own(c: &Context, mut document: Value) -> Result<Value> {
    let entries = document["entries"].as_array_mut().context("a document has entries")?;
    let prefix = c.name("");
    entries.retain(|entry| entry["name"].as_str().is_some_and(|name| name.starts_with(&prefix)));
    Ok(document)
}

/// The words that stand for what is done with each entry.
async fn apply(c: &Context, document: &Value, query: &str) -> Result<Vec<String>> {
    let call = c.client.post(format!("/config/apply{query}")).json(document);
    let applied = call.header("x-passphrase", PASSPHRASE).expect(200).await?;
    list(&applied, "entries")?.iter().map(|entry| text(entry, "what").map(str::to_owned)).collect()
}

pub(super) async fn what_was_removed_comes_back_from_a_document(c: &Context) -> Result<()> {
    let source = json!({"name": c.name("source"), "topic": c.one,
        "verify": {"token": {"header": "x-token"}, "secrets": ["a-token-of-the-suite"]}});
    c.client.post("/sources").json(&source).expect(201).await?;
    let group = c.group_at_end("group", &c.one).await?;
    let export = async || {
        let call = c.client.get("/config/export?kinds=source,group,position&limit=2000");
        own(c, call.header("x-passphrase", PASSPHRASE).expect(200).await?)
    };
    let document = export().await?;
    same("what has not changed", apply(c, &document, "").await?, vec!["unchanged".to_owned(); 3])?;

    c.client.delete(format!("/sources/{}", c.name("source"))).expect(204).await?;
    c.forget(&group).await?;
    same(
        "what would be done",
        apply(c, &document, "?dry_run=true").await?,
        vec!["create".to_owned(); 3],
    )?;
    c.client.get(format!("/sources/{}", c.name("source"))).refused(404).await?;
    same("what is done", apply(c, &document, "").await?, vec!["create".to_owned(); 3])?;
    same("what is left to do", apply(c, &document, "").await?, vec!["unchanged".to_owned(); 3])?;
    let settings = |document: &Value| {
        let entries = list(document, "entries")?.iter();
        Ok::<_, anyhow::Error>(entries.map(|entry| entry["settings"].clone()).collect::<Vec<_>>())
    };
    same("the settings", settings(&export().await?)?, settings(&document)?)?;

    // Its secret came back with it.
    let event = c.client.as_nobody();
    let event =
        event.post(format!("/in/{}", c.name("source"))).header("x-token", "a-token-of-the-suite");
    event.body("application/json", "{}").past(404).await?.expect(200)?;
    c.client.delete(format!("/sources/{}", c.name("source"))).expect(204).await?;
    c.forget(&group).await
}
