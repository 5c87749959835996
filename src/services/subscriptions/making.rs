//! Makes and removes subscriptions, and mends what a death has left of either.

use std::rc::Rc;
use std::time::Duration;

use super::changing::settle;
use super::context::DeliveryContext;
use super::subscription::{Stage, Subscription};
use super::{due, removal};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::telemetry::{Level, Report};

/// After this time nobody is still at work on a change.
const MAX_CHANGE: Millis = 10 * 60 * 1000;

/// What a page of the list holds beside subscriptions.
const MAX_MENDED: usize = 20;

pub(super) struct Made {
    pub(super) subscription: Rc<Subscription>,
    /// Otherwise it was there already, for the same topic and callback.
    pub(super) is_new: bool,
}

/// Writes a new subscription: list, document, indexes, and the document once more.
pub(super) async fn make<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    new: Subscription,
) -> Result<Made> {
    let registry = &context.registry;
    let page = registry.enlist(&new.id, new.created).await?;
    let new = Rc::new(Subscription { page, ..new });
    let made = match place(context, &new).await {
        Ok(None) => {
            finish(context, &new.id).await.map(|subscription| Made { subscription, is_new: true })
        }
        Ok(Some(subscription)) => Ok(Made { subscription, is_new: false }),
        Err(error) => Err(error),
    };
    match &made {
        Ok(Made { is_new: true, subscription }) => {
            for topic in subscription.named() {
                due::forget(&context.host, topic).await;
            }
        }
        // It is somebody else's.
        Err(error) if matches!(**error, ErrorKind::NameTaken(_)) => {}
        // What cannot be taken back now is mended later.
        _ => drop(tidy(context, &new).await),
    }
    made
}

/// Writes the document and the index entries. Gives the subscription that is there
/// already, if one is found by the callback.
async fn place<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    new: &Rc<Subscription>,
) -> Result<Option<Rc<Subscription>>> {
    let registry = &context.registry;
    registry.write(new).await?;
    let twin = new.twin();
    let mut nobody = Vec::new();
    for topic in new.named() {
        while let Some(other) = registry.index(topic, &new.id, &twin, &nobody).await? {
            if let Some(known) = registry.find(&other, Duration::ZERO).await?
                && known.is_twin_of(topic, &new.settings.callback_url)
            {
                return adopt(context, known).await.map(Some);
            }
            nobody.push(other);
        }
    }
    let prefixes: Vec<_> = new.prefixes().collect();
    registry.set_prefixes(&new.id, &prefixes).await?;
    Ok(None)
}

/// The subscription of a topic that is found by its callback.
pub(super) async fn twin<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    topic: &str,
    callback_url: &str,
) -> Result<Option<Rc<Subscription>>> {
    let registry = &context.registry;
    let note = super::subscription::twin(callback_url);
    let index = registry.index_of(topic, Duration::ZERO).await?;
    for (id, _) in index.iter().filter(|(_, known)| *known == note) {
        if let Some(known) = registry.find(id, Duration::ZERO).await?
            && known.is_twin_of(topic, callback_url)
        {
            return adopt(context, known).await.map(Some);
        }
    }
    Ok(None)
}

/// Whether another subscription is in the way of a new one that is found by its callback.
#[cfg(feature = "configuration")]
pub(super) async fn has_twin<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    new: &Subscription,
) -> Result<bool> {
    let note = new.twin();
    for topic in new.named().filter(|_| !note.is_empty()) {
        let index = context.registry.index_of(topic, Duration::ZERO).await?;
        for (id, _) in index.iter().filter(|(_, known)| *known == note) {
            if let Some(known) = context.registry.find(id, Duration::ZERO).await?
                && known.is_twin_of(topic, &new.settings.callback_url)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A subscription that stands in the index. Whoever is making it may have died.
async fn adopt<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    known: Rc<Subscription>,
) -> Result<Rc<Subscription>> {
    match known.is_live() {
        true => Ok(known),
        false => {
            let adopted = finish(context, &known.id).await?;
            for topic in adopted.named() {
                due::forget(&context.host, topic).await;
            }
            Ok(adopted)
        }
    }
}

async fn finish<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    id: &str,
) -> Result<Rc<Subscription>> {
    let finish = |subscription: &mut Subscription| match subscription.stage {
        Stage::Removing { .. } => Err(ErrorKind::UnknownSubscription(id.to_owned()).into()),
        _ => {
            subscription.stage = Stage::Whole;
            Ok(())
        }
    };
    context.registry.change(id, &finish).await
}

/// Removes a subscription.
pub(super) async fn remove<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    id: &str,
) -> Result<()> {
    let since = context.host.now();
    let remove = |subscription: &mut Subscription| {
        if !matches!(subscription.stage, Stage::Removing { .. }) {
            subscription.stage = Stage::Removing { since };
        }
        Ok(())
    };
    let removed = context.registry.change(id, &remove).await?;
    if let Err(error) = tidy(context, &removed).await {
        // It is nobody's any more, and the next list mends it.
        let fields = [("webhook", id.into()), ("why", error.kind().into())];
        context.host.event(Level::Warn, "webhook-not-tidied", &fields);
    }
    Ok(())
}

/// Removes what there is of a subscription that is nobody's: its id last.
async fn tidy<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) -> Result<()> {
    let registry = &context.registry;
    let id = &*subscription.id;
    let left = match &subscription.stage {
        Stage::Changing { left, .. } => &left[..],
        _ => &[],
    };
    let left = super::subscription::named(left);
    for topic in subscription.named().chain(left) {
        registry.unindex(topic, id).await?;
    }
    registry.set_prefixes(id, &[]).await?;
    removal::stop(context, subscription).await?;
    registry.forget(id).await?;
    registry.delist(subscription.page, &[id]).await
}

/// The subscriptions of a page of the list. What a death has left on it is mended.
pub(super) async fn page<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    page: u32,
) -> Result<Vec<Rc<Subscription>>> {
    let registry = &context.registry;
    let ids = registry.page(page).await?;
    let found = ids.iter().map(async |(id, created)| {
        Ok::<_, Error>((id, created, registry.find(id, Duration::ZERO).await?))
    });
    let found = crate::concurrent::try_join_bounded(found).await?;
    let is_old = |since: Millis| context.host.now().saturating_sub(since) > MAX_CHANGE;
    let (mut all, mut gone, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for (id, created, subscription) in found {
        match subscription {
            None if created.parse().is_ok_and(is_old) => gone.push(id),
            None => {}
            Some(subscription) => {
                match subscription.stage {
                    Stage::Whole => {}
                    Stage::Making { since }
                    | Stage::Changing { since, .. }
                    | Stage::Removing { since } => {
                        if is_old(since) {
                            broken.push(subscription.clone());
                        }
                    }
                }
                if subscription.is_live() {
                    all.push(subscription);
                }
            }
        }
    }
    if let Err(error) = mend(context, page, &gone, &broken).await {
        let fields = [("page", i64::from(page).into()), ("why", error.kind().into())];
        context.host.event(Level::Warn, "webhooks-not-mended", &fields);
    }
    Ok(all)
}

async fn mend<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    page: u32,
    gone: &[&str],
    broken: &[Rc<Subscription>],
) -> Result<()> {
    for id in gone {
        context.registry.forget(id).await?;
    }
    if !gone.is_empty() {
        context.registry.delist(page, gone).await?;
    }
    for subscription in broken.iter().take(MAX_MENDED) {
        match subscription.stage {
            Stage::Whole => {}
            Stage::Making { .. } | Stage::Removing { .. } => {
                remove(context, &subscription.id).await?
            }
            Stage::Changing { .. } => drop(settle(context, subscription).await?),
        }
    }
    Ok(())
}
