//! `wasi:clocks/monotonic-clock@0.3.0`, with faults.

use crate::faults::{CallKind, Failure};
use crate::state::{Caller, State};
use wasmtime::component::{Accessor, HasData, Linker};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p3::bindings::clocks::{monotonic_clock, types};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    monotonic_clock::add_to_linker::<_, Clock>(linker, |state| state)
}

struct Clock;

impl HasData for Clock {
    type Data<'a> = &'a mut State;
}

impl monotonic_clock::Host for &mut State {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Mark> {
        monotonic_clock::Host::now(&mut self.clocks())
    }

    fn get_resolution(&mut self) -> wasmtime::Result<types::Duration> {
        monotonic_clock::Host::get_resolution(&mut self.clocks())
    }
}

impl monotonic_clock::HostWithStore<State> for Clock {
    async fn wait_until(
        accessor: &Accessor<State, Self>,
        when: monotonic_clock::Mark,
    ) -> wasmtime::Result<()> {
        let clock = accessor.with_getter::<WasiClocks>(State::clocks);
        let wait = <WasiClocks as monotonic_clock::HostWithStore<State>>::wait_until(&clock, when);
        sleep(accessor, wait).await
    }

    async fn wait_for(
        accessor: &Accessor<State, Self>,
        duration: types::Duration,
    ) -> wasmtime::Result<()> {
        let clock = accessor.with_getter::<WasiClocks>(State::clocks);
        let wait =
            <WasiClocks as monotonic_clock::HostWithStore<State>>::wait_for(&clock, duration);
        sleep(accessor, wait).await
    }
}

/// A wait that fails has no error to show: it kills the instance.
struct Never(wasmtime::Error);

impl From<Failure> for Never {
    fn from(failure: Failure) -> Self {
        Self(wasmtime::format_err!("the wait failed: {failure}"))
    }
}

async fn sleep(
    accessor: &Accessor<State, Clock>,
    wait: impl Future<Output = wasmtime::Result<()>>,
) -> wasmtime::Result<()> {
    let caller: Caller = accessor.with(|mut access| access.get().caller());
    let wait = async { wait.await.map_err(Never) };
    let outcome = caller.call(CallKind::Sleep, "", wait).await?;
    outcome.map_err(|error| error.0)
}
