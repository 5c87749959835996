//! `/consumer` with automatic commits.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::context::{Context, list, messages, same, text};

pub(super) async fn one_record_comes_after_the_other(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let first = c.produce(&c.one, 0, "a").await?;
    c.produce(&c.one, 0, "b").await?;
    for (message, offset) in [("a", first), ("b", first + 1)] {
        let record = c.consume(&c.one, &format!("group={group}&wait=20")).await?;
        same("the topic", text(&record, "topic")?, c.one.as_str())?;
        same("the message", text(&record, "message")?, message)?;
        same("the offset", &record["offset"], &json!(offset))?;
    }
    c.forget(&group).await
}

pub(super) async fn a_page_tells_where_each_partition_goes_on(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.three).await?;
    let mut ends = serde_json::Map::new();
    for partition in [0, 2] {
        for message in ["a", "b", "c"] {
            let offset = c.produce(&c.three, partition, message).await?;
            ends.insert(partition.to_string(), json!(offset + 1));
        }
    }
    let (mut read, mut next) = (0, serde_json::Map::new());
    while read < 6 {
        let page = c.consume(&c.three, &format!("group={group}&max=4&wait=20")).await?;
        let records = list(&page, "records")?;
        ensure!((1..=4).contains(&records.len()), "{} records: {page}", records.len());
        read += records.len();
        let of_topic = page["next"][&c.three].as_object().context("a page tells what is next")?;
        next.extend(of_topic.clone());
    }
    same("where to go on", next, ends)?;
    c.forget(&group).await
}

pub(super) async fn several_topics_are_read_together(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    c.group_at_end("group", &c.three).await?;
    c.produce(&c.one, 0, "of one").await?;
    c.produce(&c.three, 1, "of three").await?;
    let topics = format!("{},{}", c.one, c.three);
    let mut read = Vec::new();
    while read.len() < 2 {
        let page = c.consume(&topics, &format!("group={group}&max=10&wait=20")).await?;
        ensure!(!list(&page, "records")?.is_empty(), "only {read:?} came");
        read.extend(messages(&page)?.into_iter().map(str::to_owned));
    }
    read.sort();
    same("the records", read, vec!["of one".to_owned(), "of three".to_owned()])?;
    c.forget(&group).await
}

pub(super) async fn with_nothing_there_the_answer_comes_after_the_wait(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let start = Instant::now();
    let nothing = c.consume(&c.one, &format!("group={group}&wait=2")).await?;
    let waited = start.elapsed();
    let expected = json!({"topic": c.one, "message": null, "key": null, "partition": null,
        "offset": null});
    same("the answer", nothing, expected)?;
    ensure!(waited >= Duration::from_millis(1_900), "it came after {waited:?}");
    let page = c.consume(&c.one, &format!("group={group}&wait=0&max=5")).await?;
    same("a page of nothing", page, json!({"records": [], "next": {}}))?;
    c.forget(&group).await
}

pub(super) async fn a_wait_ends_with_the_record(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.three).await?;
    let start = Instant::now();
    let waiting = async {
        let record = c.consume(&c.three, &format!("group={group}&wait=25")).await?;
        Ok::<_, anyhow::Error>((record, start.elapsed()))
    };
    let producing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        c.produce(&c.three, 1, "at last").await
    };
    let (waited, produced) = join(waiting, producing).await;
    produced?;
    let (record, waited) = waited?;
    same("the record", text(&record, "message")?, "at last")?;
    ensure!(waited < Duration::from_secs(20), "it came after {waited:?}");
    c.forget(&group).await
}

pub(super) async fn a_new_group_begins_where_it_says(c: &Context) -> Result<()> {
    c.produce(&c.one, 0, "old").await?;
    let (late, early) = (c.name("late"), c.name("early"));
    let nothing = c.consume(&c.one, &format!("group={late}&from=latest&wait=0")).await?;
    same("what a group from the end has at first", &nothing["message"], &Value::Null)?;
    c.produce(&c.one, 0, "new").await?;
    let record = c.consume(&c.one, &format!("group={late}&from=latest&wait=20")).await?;
    same("what it has then", text(&record, "message")?, "new")?;
    // The topic may hold more than the records of this run.
    let first = c.consume(&c.one, &format!("group={early}&wait=20")).await?;
    let page = format!("/topics/{}/partitions/0/records?offset=0&max=1&wait=5", c.one);
    let page = c.client.get(page).expect(200).await?;
    same("what a group from the beginning has", &first["offset"], &page["records"][0]["offset"])?;
    c.forget(&late).await?;
    c.forget(&early).await
}

pub(super) async fn callers_side_by_side_never_get_the_same_record(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.three).await?;
    let mut written = Vec::new();
    for n in 0..12 {
        written.push((n % 3, c.produce(&c.three, n % 3, &n.to_string()).await?));
    }
    let parameters = format!("group={group}&wait=20");
    let callers = (0..12).map(|_| c.consume(&c.three, &parameters));
    let mut read = Vec::new();
    for record in join_all(callers).await {
        let record = record?;
        let partition = record["partition"].as_i64().context("there was none for a caller")?;
        read.push((i32::try_from(partition)?, record["offset"].as_i64().unwrap_or_default()));
    }
    read.sort_unstable();
    written.sort_unstable();
    same("the records", read, written)?;
    c.forget(&group).await
}

pub(super) async fn what_is_wrong_with_a_question_is_said(c: &Context) -> Result<()> {
    for (query, field) in [
        ("wait=31", "wait"),
        ("wait=soon", "wait"),
        ("max=0", "max"),
        ("from=middle", "from"),
        ("ack=perhaps", "ack"),
        ("lease=5", "lease"),
        ("grpup=g", "grpup"),
    ] {
        let target = format!("/consumer/{}?{query}", c.one);
        same(query, c.client.get(target).refused(400).await?.as_str(), field)?;
    }
    Ok(())
}
