//! Subscriptions whose callback does nothing but fail are disabled after a time.

use std::time::Duration;

use super::context::DeliveryContext;
use super::job::Job;
use super::settings::Settings;
use super::subscription::State;
use super::{removal, topics};
use crate::concurrent::try_join_bounded;
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::Log;

/// Whether a partition has failed for so long.
pub(super) fn is_time(settings: &Settings, failing: Option<(u32, Millis)>, now: Millis) -> bool {
    let (Some(after), Some((failures, since))) = (settings.disable_after, failing) else {
        return false;
    };
    // One failure after a long silence is no long failure.
    let most = i64::try_from(after.saturating_mul(1_000)).unwrap_or(i64::MAX);
    failures > 1 && now.saturating_sub(since) >= most
}

/// Whether nothing was delivered from any partition since this one fails.
pub(super) async fn nothing_succeeds<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    failing: Option<(u32, Millis)>,
) -> Result<bool> {
    let Some((_, since)) = failing else { return Ok(false) };
    let subscription = context.registry.get(&job.id, Duration::ZERO).await?;
    let mut lanes = Vec::new();
    for topic in topics::of(context, &subscription).await {
        for partition in removal::partitions(context, &subscription, &topic).await {
            lanes.push((topic.clone(), partition));
        }
    }
    let looks = lanes.into_iter().map(async |(topic, partition)| {
        let latest = context.lane(&job.id, &topic, partition)?.peek().await?;
        let state = latest.and_then(|(_, document)| document.payload);
        let succeeded = state.and_then(|state| state.succeeded);
        Ok::<_, crate::error::Error>(succeeded.is_some_and(|at| at >= since))
    });
    let looks = try_join_bounded(looks).await?;
    Ok(!looks.into_iter().any(|has_succeeded| has_succeeded))
}

pub(super) async fn disable<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    now: Millis,
    why: &'static str,
) -> Result<()> {
    let disable = |subscription: &mut super::subscription::Subscription| {
        if subscription.state.is_active() {
            subscription.state = State::Disabled { since: now, why: why.to_owned() };
            subscription.version += 1;
        }
        Ok(())
    };
    context.registry.change(&job.id, &disable).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_failed_again_and_again_for_so_long_is_disabled() {
        let text = r#"{"topics":["t"],"callback_url":"https://example.com/","disable_after":60}"#;
        let settings: Settings = serde_json::from_str(text).unwrap();
        assert!(!is_time(&settings, None, i64::MAX));
        assert!(!is_time(&settings, Some((9, 0)), 59_999));
        assert!(is_time(&settings, Some((9, 0)), 60_000));
        assert!(!is_time(&settings, Some((1, 0)), 60_000));
        let never = Settings { disable_after: None, ..settings };
        assert!(!is_time(&never, Some((9, 0)), i64::MAX));
    }
}
