#!/usr/bin/env bash
# Fastly's command line 16.1.0 (npm @fastly/cli 16.1.0).
#
# A good engineer would guess: with `language = "rust"` and a script of one's own in fastly.toml,
#   any package is built that cargo builds.
# What really happens: the command line reads Cargo.toml itself, and ends at
#   `version.workspace = true`, which cargo has had since 1.64: "Can't convert workspace = true
#   (*toml.Tree) to a tree". With `language = "other"` the same script builds the same package.
# Why it matters: no member of a workspace that inherits anything can be built or served so, and
#   the message leads to the package in place of the setting.
# Verified on 2026-11-30.
set -euo pipefail

toolchain=$(cd "$(dirname "$0")/.." && pwd)/rust-toolchain.toml
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
npm install --silent --prefix tools @fastly/cli@16.1.0
cp "$toolchain" .
mkdir -p member/src
printf '[workspace]\nmembers = ["member"]\nresolver = "3"\n[workspace.package]\nversion = "0.1.0"\n' > Cargo.toml
printf '[package]\nname = "member"\nedition = "2024"\nversion.workspace = true\n' > member/Cargo.toml
printf 'fn main() {}\n' > member/src/main.rs
cd member
# A module with nothing in it: what is tried happens before it is looked at.
build='mkdir -p bin && printf "\\0asm\\1\\0\\0\\0" > bin/main.wasm'
said() { # LANGUAGE
    printf 'manifest_version = 3\nname = "member"\nlanguage = "%s"\n[scripts]\nbuild = '"'''%s'''"'\n' "$1" "$build" > fastly.toml
    XDG_CONFIG_HOME=$place ../tools/node_modules/.bin/fastly compute build --non-interactive 2>&1 || true
}
said rust | tr '\n' ' ' | grep -o "Can't convert workspace = true"
said other | grep -o 'Built package'
