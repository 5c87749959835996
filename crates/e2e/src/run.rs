//! Runs the scenarios one after the other.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::ability::Ability;
use crate::context::Context;
use crate::scenarios::{Scenario, all};
use crate::{Client, Options};

/// No scenario takes longer.
const LONGEST: Duration = Duration::from_secs(180);

/// What became of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed(Duration),
    /// With everything that was said about the reason.
    Failed(String),
    /// For want of this.
    Skipped(Ability),
}

/// What became of all of them, by name.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub outcomes: Vec<(&'static str, Outcome)>,
}

impl Report {
    pub fn passed(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Passed(_))).count()
    }

    /// The scenarios that failed, each with its reason.
    pub fn failed(&self) -> Vec<(&'static str, &str)> {
        self.outcomes
            .iter()
            .filter_map(|(name, outcome)| match outcome {
                Outcome::Failed(reason) => Some((*name, reason.as_str())),
                _ => None,
            })
            .collect()
    }

    /// The scenarios that were skipped, each with what was missing.
    pub fn skipped(&self) -> Vec<(&'static str, Ability)> {
        self.outcomes
            .iter()
            .filter_map(|(name, outcome)| match outcome {
                Outcome::Skipped(ability) => Some((*name, *ability)),
                _ => None,
            })
            .collect()
    }
}

/// Runs the scenarios, and shows each outcome as it comes. An error is one of
/// the options.
pub async fn run(options: &Options, mut show: impl FnMut(&str, &Outcome)) -> Result<Report> {
    Client::new(&options.url, options.token.as_deref())?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nonce = format!("{:x}", since.as_micros());
    let mut report = Report::default();
    let wanted = |scenario: &Scenario| {
        options.only.is_empty() || options.only.iter().any(|part| scenario.name.contains(part))
    };
    for (index, scenario) in all().into_iter().enumerate().filter(|(_, one)| wanted(one)) {
        let outcome = match missing(options, &scenario) {
            Some(ability) => Outcome::Skipped(ability),
            None => {
                let context = Context::new(options, format!("e2e-{nonce}-{index}"))?;
                one(&scenario, context).await
            }
        };
        show(scenario.name, &outcome);
        report.outcomes.push((scenario.name, outcome));
    }
    Ok(report)
}

fn missing(options: &Options, scenario: &Scenario) -> Option<Ability> {
    let is_missing = |ability: &Ability| {
        options.without.contains(ability)
            || (*ability == Ability::Credentials && options.token.is_none())
    };
    scenario.needs.iter().copied().find(is_missing)
}

async fn one(scenario: &Scenario, context: Context) -> Outcome {
    let start = Instant::now();
    match tokio::time::timeout(LONGEST, (scenario.play)(context)).await {
        Ok(Ok(())) => Outcome::Passed(start.elapsed()),
        Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
        Err(_) => Outcome::Failed(format!("it was not over in {LONGEST:?}")),
    }
}
