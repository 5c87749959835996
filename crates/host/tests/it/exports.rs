//! Exports of a component that are no HTTP handler.

use crate::common::{host, program, until};
use kafka_edge_host::HostError;
use kafka_edge_host::wasmtime::component::Val;
use std::time::Duration;

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

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_called_by_its_name_in_an_instance_that_stays() {
    let host = host().build().unwrap();
    let add = host.export(Some("test:guest/adder"), "add").expect("it is exported");
    let numbers = |left, right| vec![Val::U32(left), Val::U32(right)];
    let (one, other) = tokio::join!(add.call(numbers(20, 22)), add.call(numbers(u32::MAX, 1)));
    assert_eq!(one.unwrap(), Val::Result(Ok(Some(Box::new(Val::U32(42))))));
    assert!(matches!(other.unwrap(), Val::Result(Err(Some(_)))));
    assert_eq!(host.stats().instances_started, 1);

    assert!(host.export(Some("test:guest/adder"), "subtract").is_none());
    assert!(host.export(Some("test:guest/counter"), "add").is_none());
    assert!(host.export(None, "add").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_closes_finishes_calls_of_exports_and_takes_no_more() {
    let host = host().build().unwrap();
    let add = host.export(Some("test:guest/adder"), "add").expect("it is exported");
    let numbers = vec![Val::U32(20), Val::U32(22)];
    add.call(numbers.clone()).await.unwrap();
    // The first of the two is made before the host closes.
    let closing = host.close(Duration::from_secs(20));
    let (made_before, closed) = tokio::join!(biased; add.call(numbers.clone()), closing);
    assert!(made_before.is_ok(), "{made_before:?}");
    assert!(closed);
    assert!(add.call(numbers).await.is_err() && add.has_ended());
    assert_eq!(host.stats().instances_live, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_ends_its_export_and_the_host_counts_it() {
    let host = host().build().unwrap();
    let add = host.export(Some("test:guest/adder"), "add").expect("it is exported");
    let error = add.call(vec![Val::String("not a number".into())]).await.unwrap_err();
    assert!(matches!(error, HostError::Trapped), "{error}");
    until(async || add.has_ended().then_some(())).await;
    until(async || (host.stats().instances_live == 0).then_some(())).await;
    assert_eq!(host.stats().traps, 1);
}
