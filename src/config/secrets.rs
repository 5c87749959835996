//! The key under which secrets are stored.

use super::variables::Variables;
use crate::error::Result;
use crate::secrets::{SecretKeys, VARIABLE};

pub(super) const VARIABLES: [&str; 1] = [VARIABLE];

pub(super) fn keys(variables: &Variables<'_>) -> Result<SecretKeys> {
    variables.text(VARIABLE).map_or(Ok(SecretKeys::default()), |text| SecretKeys::parse(&text))
}
