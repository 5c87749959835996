//! What each scenario is given, and what many of them do.

use std::fmt::Debug;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::Options;
use crate::client::Client;
use crate::receiver::Receiver;

/// The gateway as one scenario sees it.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) client: Client,
    /// A topic of one partition.
    pub(crate) one: String,
    /// A topic of three.
    pub(crate) three: String,
    /// What names have in common that this scenario makes up.
    name: String,
    options: Options,
}

impl Context {
    pub(crate) fn new(options: &Options, name: String) -> Result<Self> {
        Ok(Self {
            client: Client::new(&options.url, options.token.as_deref())?,
            one: format!("{}1", options.prefix),
            three: format!("{}3", options.prefix),
            name,
            options: options.clone(),
        })
    }

    /// A name that nobody else uses, for a group, a key or a credential.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.name)
    }

    pub(crate) async fn receiver(&self) -> Result<Receiver> {
        Receiver::start(self.options.listen, self.options.callback_url.as_deref()).await
    }

    /// Writes a record to a partition, and gives its offset.
    pub(crate) async fn produce(&self, topic: &str, partition: i32, message: &str) -> Result<i64> {
        let target = format!("/producer/{topic}?partition={partition}");
        let body = message.to_owned();
        let report = self.client.post(target).body("text/plain", body).expect(200).await?;
        same("the partition that was asked for", &report["partition"], &json!(partition))?;
        report["offset"].as_i64().with_context(|| format!("a report has an offset: {report}"))
    }

    /// A group that stands at the end of a topic.
    pub(crate) async fn group_at_end(&self, what: &str, topic: &str) -> Result<String> {
        let group = self.name(what);
        let to = json!({"topic": topic, "to": "latest"});
        self.client.post(format!("/groups/{group}/seek")).json(&to).expect(200).await?;
        Ok(group)
    }

    /// The next record of a group.
    pub(crate) async fn consume(&self, topics: &str, parameters: &str) -> Result<Value> {
        self.client.get(format!("/consumer/{topics}?{parameters}")).expect(200).await
    }

    pub(crate) async fn forget(&self, group: &str) -> Result<()> {
        self.client.delete(format!("/groups/{group}")).expect(204).await.map(drop)
    }

    /// The record at an offset, read for no group.
    pub(crate) async fn record_at(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Value> {
        let target =
            format!("/topics/{topic}/partitions/{partition}/records?offset={offset}&max=1&wait=5");
        let mut page = self.client.get(target).expect(200).await?;
        let record = page["records"][0].take();
        same("the offset that was asked for", &record["offset"], &json!(offset))?;
        Ok(record)
    }
}

/// Fails unless the two are the same.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<()> {
    ensure!(found == expected, "{what}: {found:?}, where {expected:?} was expected");
    Ok(())
}

/// A list in an answer.
pub(crate) fn list<'a>(json: &'a Value, field: &str) -> Result<&'a Vec<Value>> {
    json[field].as_array().with_context(|| format!("{field} is a list: {json}"))
}

/// A text in an answer.
pub(crate) fn text<'a>(json: &'a Value, field: &str) -> Result<&'a str> {
    json[field].as_str().with_context(|| format!("{field} is a text: {json}"))
}

/// The messages of a page.
pub(crate) fn messages(page: &Value) -> Result<Vec<&str>> {
    list(page, "records")?.iter().map(|record| text(record, "message")).collect()
}
