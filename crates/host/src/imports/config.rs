//! `wasi:config@0.2.0-rc.1`, from the same variables as Spin's interface.

use super::bindings::serve::wasi::config::store;
use crate::faults::{CallKind, Failure};
use crate::state::State;
use wasmtime::component::{HasData, Linker};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, Config>(linker, |state| state)
}

struct Config;

impl HasData for Config {
    type Data<'a> = &'a mut State;
}

impl From<Failure> for store::Error {
    fn from(failure: Failure) -> Self {
        Self::Upstream(failure.to_string())
    }
}

impl store::Host for &mut State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        let caller = self.caller();
        let get = async { Ok(caller.services.variables.get(&key).cloned()) };
        caller.call(CallKind::Variable, &key, get).await
    }
}
