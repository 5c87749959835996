//! `/credentials`, and who is refused.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::client::{KNOWN, PAUSE};
use crate::context::{Context, list, same, text};

async fn make(c: &Context, what: &str, allow: &[&str], topics: &[&str]) -> Result<Value> {
    let body = json!({"name": c.name(what), "allow": allow, "topics": topics});
    c.client.post("/credentials").json(&body).expect(201).await
}

async fn remove(c: &Context, what: &str) -> Result<()> {
    c.client.delete(format!("/credentials/{}", c.name(what))).expect(204).await.map(drop)
}

pub(super) async fn a_credential_is_made_listed_and_removed(c: &Context) -> Result<()> {
    let made = make(c, "reader", &["consume"], &[&c.one]).await?;
    ensure!(text(&made, "secret")?.len() >= 16, "the secret: {made}");
    let all = c.client.get("/credentials").expect(200).await?;
    let entry = list(&all, "credentials")?.iter().find(|one| one["name"] == made["name"]);
    let mut shown = made.clone();
    shown.as_object_mut().map(|shown| shown.remove("secret"));
    same("the entry in the list", entry, Some(&shown))?;
    let body = json!({"name": made["name"], "allow": ["admin"]});
    c.client.post("/credentials").json(&body).refused(409).await?;
    let body = json!({"name": c.name("x"), "allow": ["everything"]});
    c.client.post("/credentials").json(&body).refused(400).await?;
    remove(c, "reader").await?;
    let gone = c.client.delete(format!("/credentials/{}", c.name("reader")));
    gone.refused(404).await.map(drop)
}

pub(super) async fn callers_without_one_are_refused(c: &Context) -> Result<()> {
    let wrong = c.client.with_token("a-secret-that-nobody-has")?;
    let pair = c.client.with_pair("nobody", "a-secret-that-nobody-has")?;
    for client in [c.client.as_nobody(), wrong, pair] {
        for target in ["/", "/topics", "/groups", "/webhooks", "/credentials", "/upstash/topics"] {
            let answer = client.get(target).send().await?.expect(401)?;
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            ensure!(challenge.contains("Basic") && challenge.contains("Bearer"), "{challenge}");
        }
        client.get(format!("/producer/{}/m", c.one)).refused(401).await?;
        client.get(format!("/consumer/{}", c.one)).refused(401).await?;
        // Which topics there are is nobody's business.
        client.get("/consumer/no-such-topic-of-e2e").refused(401).await?;
    }
    Ok(())
}

pub(super) async fn a_credential_allows_what_it_says_and_no_more(c: &Context) -> Result<()> {
    let made = make(c, "writer", &["produce"], &[&c.one]).await?;
    let (name, secret) = (text(&made, "name")?, text(&made, "secret")?);
    for client in [c.client.with_token(secret)?, c.client.with_pair(name, secret)?] {
        client.get(format!("/producer/{}/allowed", c.one)).past(401).await?.expect(200)?;
        client.get(format!("/producer/{}/m", c.three)).past(401).await?.refused(403)?;
        client.get(format!("/consumer/{}", c.one)).past(401).await?.refused(403)?;
        client.get("/webhooks").past(401).await?.refused(403)?;
        client.get("/credentials").past(401).await?.refused(403)?;
        let body = json!([{"topic": c.three, "value": "m"}]);
        client.post("/upstash/produce").json(&body).past(401).await?.refused(403)?;
        let topics = client.get("/topics").past(401).await?.expect(200)?.json()?;
        let all_its_own = list(&topics, "topics")?.iter().all(|one| one["topic"] == c.one.as_str());
        ensure!(all_its_own, "it sees other topics: {topics}");
    }
    // A service that sends webhooks may have nothing but the URL.
    let nobody = c.client.as_nobody();
    let target = format!("/upstash/webhook?topic={}&user={name}&pass={secret}", c.one);
    nobody.post(target).body("text/plain", "event").past(401).await?.expect(200)?;
    remove(c, "writer").await
}

pub(super) async fn a_credential_that_is_removed_ends(c: &Context) -> Result<()> {
    let made = make(c, "brief", &["produce"], &[&c.one]).await?;
    let client = c.client.with_token(text(&made, "secret")?)?;
    client.get(format!("/producer/{}/m", c.one)).past(401).await?.expect(200)?;
    remove(c, "brief").await?;
    let start = Instant::now();
    loop {
        let answer = client.get(format!("/producer/{}/m", c.one)).send().await?;
        if answer.expect(401).is_ok() {
            return Ok(());
        }
        ensure!(start.elapsed() < KNOWN, "it is still taken after {KNOWN:?}");
        tokio::time::sleep(PAUSE).await;
    }
}
