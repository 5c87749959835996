//! Exports of a component that are no HTTP handler.

use crate::common::{host, program};

mod bindings {
    wasmtime::component::bindgen!({
        path: "tests/guest/wit",
        world: "extra",
        exports: { default: async | store },
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_another_world_is_called_by_hand() {
    let host = host().build().unwrap();
    let mut store = host.new_store();
    let component = program().component();
    let extra = bindings::Extra::instantiate_async(&mut store, component, host.linker());
    let extra = extra.await.unwrap();
    let sums = store.run_concurrent(async |accessor| {
        let adder = extra.test_guest_adder();
        let fits = adder.call_add(accessor, 20, 22).await.unwrap();
        let fails = adder.call_add(accessor, u32::MAX, 1).await.unwrap();
        (fits, fails)
    });
    let (fits, fails) = sums.await.unwrap();
    assert_eq!(fits, Ok(42));
    assert!(fails.unwrap_err().contains("too much"));
}
