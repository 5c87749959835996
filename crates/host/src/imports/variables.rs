//! `spin:variables@3.0.0`, and what it is called in Spin 2 and 3.

use super::bindings::spin::spin::variables::variables;
use super::bindings::spin_without_wasi03::fermyon::spin::variables as variables2;
use crate::faults::{CallKind, Failure};
use crate::state::{Caller, State};
use wasmtime::component::{Accessor, HasData, Linker};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    variables2::add_to_linker::<_, Variables>(linker, |state| state)?;
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
        get(&caller, &name).await
    }
}

async fn get(caller: &Caller, name: &str) -> wasmtime::Result<Result<String, variables::Error>> {
    let get = async {
        if !is_name(name) {
            return Err(variables::Error::InvalidName(name.to_owned()));
        }
        let value = caller.services.variables.get(name);
        value.cloned().ok_or_else(|| variables::Error::Undefined(name.to_owned()))
    };
    caller.call(CallKind::Variable, name, get).await
}

impl variables2::Host for &mut State {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables2::Error>> {
        Ok(get(&self.caller(), &name).await?.map_err(Into::into))
    }
}

impl From<variables::Error> for variables2::Error {
    fn from(error: variables::Error) -> Self {
        match error {
            variables::Error::InvalidName(name) => Self::InvalidName(name),
            variables::Error::Undefined(name) => Self::Undefined(name),
            variables::Error::Provider(text) => Self::Provider(text),
            variables::Error::Other(text) => Self::Other(text),
        }
    }
}
