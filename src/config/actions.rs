//! What actions are told of their surroundings.

use super::variables::Variables;
use crate::error::{ErrorKind, Result};
use crate::names;

const ORG_ID: &str = "org_id";

pub(super) const VARIABLES: [&str; 1] = [ORG_ID];

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionsConfig {
    /// What `{orgId}` stands for in the topics of actions that do not say it themselves.
    pub org_id: Option<String>,
}

impl ActionsConfig {
    pub(super) fn of(variables: &Variables<'_>) -> Result<Self> {
        let org_id = variables.text(ORG_ID).map(|text| text.trim().to_owned());
        match org_id.as_deref().map(names::check_topic) {
            Some(Err(_)) => Err(ErrorKind::Unconfigured(format!(
                "{ORG_ID} holds something other than letters, digits, dots, underscores and hyphens"
            ))
            .into()),
            _ => Ok(Self { org_id }),
        }
    }
}
