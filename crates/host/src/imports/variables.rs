//! `spin:variables@3.0.0`.

use super::bindings::spin::spin::variables::variables;
use crate::faults::{CallKind, Failure};
use crate::state::State;
use wasmtime::component::{Accessor, HasData, Linker};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    variables::add_to_linker::<_, Variables>(linker, |state| state)
}

struct Variables;

impl HasData for Variables {
    type Data<'a> = &'a mut State;
}

impl variables::Host for &mut State {}

impl From<Failure> for variables::Error {
    fn from(failure: Failure) -> Self {
        Self::Provider(failure.to_string())
    }
}

/// Spin's rule for names: lower-case letters, digits and underscores, beginning
/// with a letter.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl variables::HostWithStore<State> for Variables {
    async fn get(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, variables::Error>> {
        let caller = accessor.with(|mut access| access.get().caller());
        let get = async {
            if !is_name(&name) {
                return Err(variables::Error::InvalidName(name.clone()));
            }
            let value = caller.services.variables.get(&name);
            value.cloned().ok_or_else(|| variables::Error::Undefined(name.clone()))
        };
        caller.call(CallKind::Variable, &name, get).await
    }
}
