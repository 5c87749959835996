//! Generated from the files in `wit/` and `wit-serve/`.

/// What stands behind the resources.
pub(super) mod resources {
    pub use super::super::key_value::OpenStore;
    pub use super::super::keyvalue::{Bucket, Cas};
    pub type Connection = std::sync::Arc<crate::redis::Connection>;
}

pub(super) mod spin {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "spin",
        imports: { default: async | store | trappable },
        with: {
            "spin:key-value/key-value.store": super::resources::OpenStore,
            "spin:redis/redis.connection": super::resources::Connection,
        },
    });
}

pub(super) mod keyvalue {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "keyvalue",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": super::resources::Bucket,
            "wasi:keyvalue/atomics.cas": super::resources::Cas,
        },
    });
}

pub(super) mod serve {
    wasmtime::component::bindgen!({
        path: "wit-serve",
        world: "serve",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": super::resources::Bucket },
    });
}

pub(super) mod spin_without_wasi03 {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "spin-without-wasi03",
        imports: { default: async | trappable },
    });
}

pub(super) mod wasmcloud {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "wasmcloud",
        imports: { default: async | store | trappable },
        with: { "wasmcloud:keyvalue/types.bucket": super::resources::Bucket },
    });
}
