//! Changes what a subscription is set to, in steps that a death may end anywhere.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::administration::{changed, live};
use super::check::{check, dead_letters, parse, refused};
use super::context::DeliveryContext;
use super::keys::{new_seed, owner};
use super::settings::{Scheme, Settings, Start};
use super::subscription::{Stage, Subscription, named, prefixes};
use super::{callback, consent, due, may_see, removal, topics, view};
use crate::access::{AccessError, Denial, Grant, Missing, Permission, TopicPattern};
use crate::calendar;
use crate::concurrent::try_join_bounded;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::secrets::{MASK, StoredSecret};
use crate::services::condition::Condition;
use crate::sorted::SortedMap;

/// How often a change without a condition is made again, because somebody else was faster.
const MAX_TRIES: usize = 5;

/// Settings that a caller may have, and what they mean now.
pub(super) struct Admitted {
    pub(super) settings: Settings,
    /// Of topics that are new.
    pub(super) starts: SortedMap<String, Vec<i64>>,
    pub(super) granted: Option<u32>,
}

/// Checks everything about settings, and asks the log and the callback.
pub(super) async fn admit<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    mut settings: Settings,
    before: Option<&Subscription>,
    grant: &Grant,
) -> Result<Admitted, AccessError> {
    context.keys.check()?;
    check(&settings, &context.config)?;
    may_have(&settings, grant)?;
    let callback = callback::check(&settings.callback_url, &context.config)
        .map_err(|reason| refused("callback_url", format!("The URL {reason}")))?;
    settings.callback_url.clone_from(&callback.url);
    let starts = starts(context, &settings, before).await?;
    for (field, topic) in dead_letters(&settings) {
        exists(context, field, topic).await?;
    }
    let asked = before.filter(|before| {
        let before = &before.settings;
        before.callback_url == settings.callback_url
            && (before.consent, before.rate) == (settings.consent, settings.rate)
    });
    let granted = match asked {
        Some(before) => before.granted,
        None => consent::ask(context, &settings, &callback).await?.rate,
    };
    Ok(Admitted { settings, starts, granted })
}

/// Whether a caller may have a subscription: it may read all its topics, and write to those
/// that take what cannot be delivered.
fn may_have(settings: &Settings, grant: &Grant) -> Result<(), Denial> {
    grant.permits(Permission::Consume)?;
    for topic in &settings.topics {
        let pattern = TopicPattern::parse(topic);
        if !pattern.is_some_and(|pattern| grant.covers_pattern(&pattern)) {
            return Err(Denial::Forbidden(Missing::Topic(topic.clone())));
        }
    }
    for (_, topic) in dead_letters(settings) {
        grant.permits(Permission::Produce)?;
        grant.permits_topic(topic)?;
    }
    Ok(())
}

async fn exists<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    field: &str,
    topic: &str,
) -> Result<i32> {
    match context.log.topic(topic).await {
        Ok(topic) => Ok(topic.partitions),
        Err(error) if matches!(*error, ErrorKind::UnknownTopic(_)) => {
            Err(refused(field, "There is no such topic"))
        }
        Err(error) => Err(error),
    }
}

/// Where the topics start that are new: those that the settings name, and those that their
/// prefixes match now. One that comes later is delivered from its first record on.
async fn starts<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    settings: &Settings,
    before: Option<&Subscription>,
) -> Result<SortedMap<String, Vec<i64>>> {
    let is_new = |topic: &str| !before.is_some_and(|before| before.covers(topic));
    let mut new = Vec::new();
    for (place, topic) in settings.topics.iter().enumerate() {
        if !topic.ends_with('*') && is_new(topic) {
            let partitions = exists(context, &format!("topics[{place}]"), topic).await?;
            new.push((topic.clone(), partitions));
        }
    }
    // Without a start it begins at its first record anyway.
    if settings.from != Start::Earliest && prefixes(&settings.topics).next().is_some() {
        let matching =
            |topic: &str| prefixes(&settings.topics).any(|start| topic.starts_with(start));
        for topic in topics::all(context).await?.iter() {
            let is_known = new.iter().any(|(known, _)| known == topic);
            if matching(topic) && is_new(topic) && !is_known {
                new.push((topic.clone(), context.log.topic(topic).await?.partitions));
            }
        }
    }
    if new.len() > topics::MAX_MATCHING {
        let most = topics::MAX_MATCHING;
        return Err(refused("topics", format!("The prefixes match more than {most} topics")));
    }
    let starts = new.into_iter().map(async |(topic, partitions)| {
        let starts = start(context, &topic, partitions, &settings.from).await?;
        Ok::<_, Error>((topic, starts))
    });
    let starts = try_join_bounded(starts).await?.into_iter();
    Ok(starts.filter(|(_, starts)| !starts.is_empty()).collect())
}

/// Where one topic starts, by partition; nothing is known where the log does not tell its
/// first offsets.
async fn start<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    topic: &str,
    partitions: i32,
    from: &Start,
) -> Result<Vec<i64>> {
    let log = &context.log;
    let offsets = match from {
        Start::Latest => log.ends(topic).await?,
        Start::Earliest => match log.offsets(topic).await {
            Ok(offsets) => offsets.into_iter().map(|(p, offsets)| (p, offsets.first)).collect(),
            Err(error) if matches!(*error, ErrorKind::Unsupported(_)) => Vec::new(),
            Err(error) => return Err(error),
        },
        Start::Offset(offset) => (0..partitions).map(|partition| (partition, *offset)).collect(),
        Start::Time(time) => {
            let time = calendar::parse(time).unwrap_or_default();
            log.offset_at(topic, time).await?
        }
    };
    let mut starts = Vec::new();
    for (partition, offset) in offsets {
        if let Ok(place) = usize::try_from(partition) {
            // The partitions of a topic are numbered from 0 on, and listed in order.
            starts.resize(starts.len().max(place + 1), 0);
            starts[place] = offset;
        }
    }
    Ok(starts)
}

/// Replaces what a subscription is set to by what `json` makes of it.
pub(super) async fn replace<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    id: &str,
    condition: Condition<'_>,
    grant: &Grant,
    json: &dyn Fn(&Subscription) -> Result<Value>,
) -> Result<Rc<Subscription>, AccessError> {
    for _ in 0..MAX_TRIES {
        let before = context.registry.get(id, Duration::ZERO).await?;
        may_see(&before, grant)?;
        // What it has left may come back, and must begin anew then.
        let before = settle(context, &before).await?;
        if !condition.holds(Some(&before.version.to_string())) {
            return Err(changed().into());
        }
        let settings = parse(json(&before)?)?;
        let admitted = admit(context, settings, Some(&before), grant).await?;
        let next = next(context, &before, admitted)?;
        let written = {
            let (before, next) = (&*before, &next);
            let write = |subscription: &mut Subscription| {
                live(subscription)?;
                // An earlier write of the same change may have been stored.
                let is_written = subscription.version == before.version + 1
                    && (Subscription { version: before.version, ..subscription.clone() }) == *next;
                if subscription.version != before.version && !is_written {
                    return Err(changed());
                }
                if !is_written {
                    *subscription = next.clone();
                }
                Ok(())
            };
            context.registry.change(id, &write).await
        };
        match written {
            Err(error)
                if matches!(*error, ErrorKind::Changed(_)) && condition == Condition::None => {}
            Err(error) => return Err(error.into()),
            Ok(written) => {
                written.report(Some(&before), &context.host);
                woken(context, &before, &written).await;
                return Ok(settle(context, &written).await?);
            }
        }
    }
    Err(ErrorKind::Busy("Others are changing the same subscription; try again".into()).into())
}

/// One that had no secret and has it now stands behind what is known of its topics.
pub(super) async fn woken<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    before: &Subscription,
    after: &Subscription,
) {
    if before.lacks_secret() && !after.lacks_secret() {
        for topic in topics::of(context, after).await {
            due::forget(&context.host, &topic).await;
        }
    }
}

/// The subscription with other settings.
pub(super) fn next<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    before: &Subscription,
    admitted: Admitted,
) -> Result<Subscription> {
    let (host, keys, id) = (&context.host, &context.keys, &before.id);
    let Admitted { settings, starts, granted } = admitted;
    let mut settings = view::sealed(settings, Some(&before.settings), id, host, keys)?;
    let mut next = before.clone();
    match settings.secret.take() {
        Some(StoredSecret::Plain(chosen)) if chosen != MASK => {
            next.keys.replace(keys.seal(host, &owner(id), &chosen)?, None);
        }
        _ => {}
    }
    match (settings.sign.contains(&Scheme::V1a), next.keys.has_seed()) {
        (true, false) => next.keys.set_seed(Some(new_seed(id, host, keys)?)),
        (false, true) => next.keys.set_seed(None),
        _ => {}
    }
    if before.settings.topics != settings.topics {
        let mut left = match &before.stage {
            Stage::Changing { left, .. } => left.clone(),
            _ => Vec::new(),
        };
        left.extend(before.settings.topics.iter().cloned());
        left.retain(|topic| !settings.topics.contains(topic));
        next.stage = Stage::Changing { since: host.now(), left };
    }
    next.settings = settings;
    next.granted = granted;
    let covered = next.patterns().collect::<Vec<_>>();
    next.starts.retain(|topic, _| covered.iter().any(|pattern| pattern.matches(topic)));
    next.starts.extend(starts);
    Ok(next)
}

/// Brings indexes and lanes in line with the document, after a change of its topics.
pub(super) async fn settle<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    changed: &Rc<Subscription>,
) -> Result<Rc<Subscription>> {
    let Stage::Changing { left, .. } = &changed.stage else { return Ok(changed.clone()) };
    let (registry, id) = (&context.registry, &*changed.id);
    enter(context, changed).await?;
    for topic in named(left) {
        registry.unindex(topic, id).await?;
    }
    for topic in left_topics(context, changed, left).await? {
        removal::stop_topic(context, changed, &topic).await?;
    }
    for topic in topics::of(context, changed).await {
        due::forget(&context.host, &topic).await;
    }
    let is_latest = Cell::new(true);
    let settled = |subscription: &mut Subscription| {
        live(subscription)?;
        is_latest.set(subscription.stage == changed.stage);
        if is_latest.get() {
            subscription.stage = Stage::Whole;
        }
        Ok(())
    };
    let settled = registry.change(id, &settled).await?;
    if !is_latest.get() {
        // Somebody has settled this change, too, and made the next one, which may want what
        // was taken away here.
        enter(context, &settled).await?;
    }
    Ok(settled)
}

/// Puts a subscription into the indexes of all its topics. A registration by topic and
/// callback does not find it any more: two that were moved may have the same.
async fn enter<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) -> Result<()> {
    let registry = &context.registry;
    for topic in subscription.named() {
        registry.index(topic, &subscription.id, "", &[]).await?;
    }
    let prefixes: Vec<_> = subscription.prefixes().collect();
    registry.set_prefixes(&subscription.id, &prefixes).await
}

/// The topics that are a subscription's no longer.
async fn left_topics<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    changed: &Subscription,
    left: &[String],
) -> Result<Vec<String>> {
    let mut topics: Vec<String> = named(left).map(str::to_owned).collect();
    if prefixes(left).next().is_some() {
        let all = topics::all(context).await?;
        let matching = |topic: &&String| prefixes(left).any(|start| topic.starts_with(start));
        topics.extend(all.iter().filter(matching).cloned());
    }
    topics.retain(|topic| !changed.covers(topic));
    Ok(topics)
}
