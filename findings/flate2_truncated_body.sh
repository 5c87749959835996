#!/usr/bin/env bash
# Rust crate flate2, versions 1.1.9, 1.1.10 and 1.1.11, each with its default backend.
#
# A good engineer would guess: a decoder that meets the end of its input too early
#   returns an error, whatever the format is, and all patch versions of 1.1 agree.
# What really happens: up to 1.1.9, `read::ZlibDecoder`, `read::DeflateDecoder` and the
#   decoders of the same names in `write` return Ok with a shortened body; only gzip is
#   an error. In 1.1.10 the readers return an error, and the writers' `finish` still
#   returns Ok. In 1.1.11 all of them return an error.
# Why it matters: a client may upload a compressed file that is itself cut off, in a
#   request that is complete as HTTP. A gateway that decodes `Content-Encoding: deflate`
#   then takes the half for the whole and stores it. The requirement `flate2 = "1"` allows
#   each of these versions, so the lock file decides whether that happens.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export CARGO_TARGET_DIR=$place/target
mkdir "$place/src"
cat > "$place/src/main.rs" <<'RUST'
use flate2::{read, write, Compression};
use std::io::{Read, Result, Write};

// A sentence about what became of the first half of a compressed text.
macro_rules! halved {
    ($text:expr, $encoder:ident, $decoder:ident) => {{
        let mut encoder = write::$encoder::new(Vec::new(), Compression::default());
        encoder.write_all($text).unwrap();
        let whole = encoder.finish().unwrap();
        let half = &whole[..whole.len() / 2];
        let mut out = Vec::new();
        let by_reader = read::$decoder::new(half).read_to_end(&mut out).map(|_| out.len());
        let mut writer = write::$decoder::new(Vec::new());
        let by_writer = writer.write_all(half).and_then(|()| writer.finish()).map(|out| out.len());
        for (kind, result) in [("read", by_reader), ("write", by_writer)] {
            println!("{kind}::{} {}", stringify!($decoder), say(result, $text.len()));
        }
    }};
}

fn say(result: Result<usize>, whole: usize) -> &'static str {
    match result {
        Ok(length) if 0 < length && length < whole => "Ok, shortened",
        Ok(_) => "Ok, of another length",
        Err(_) => "error",
    }
}

fn main() {
    let text: String = (0..2000).map(|n| format!("line {n}\n")).collect();
    halved!(text.as_bytes(), ZlibEncoder, ZlibDecoder);
    halved!(text.as_bytes(), DeflateEncoder, DeflateDecoder);
    halved!(text.as_bytes(), GzEncoder, GzDecoder);
}
RUST

# Arguments: version, version of the backend, what readers do, what writers do.
check() {
    printf '[package]\nname = "finding"\nversion = "0.0.0"\nedition = "2021"\n' > "$place/Cargo.toml"
    printf '[dependencies]\nflate2 = "=%s"\nminiz_oxide = "=%s"\n' "$1" "$2" >> "$place/Cargo.toml"
    printf '%s = "=%s"\n' adler2 2.0.1 cfg-if 1.0.4 crc32fast 1.5.0 simd-adler32 0.3.10 >> "$place/Cargo.toml"
    cargo run --quiet --manifest-path "$place/Cargo.toml" > "$place/seen"
    printf '\nflate2 %s with miniz_oxide %s decodes the first half of a compressed text:\n' "$1" "$2"
    cat "$place/seen"
    for format in Zlib Deflate; do
        printf 'read::%sDecoder %s\nwrite::%sDecoder %s\n' "$format" "$3" "$format" "$4"
    done > "$place/stated"
    printf 'read::GzDecoder error\nwrite::GzDecoder error\n' >> "$place/stated"
    cmp --silent "$place/seen" "$place/stated" && return
    echo "flate2 $1 does not treat a truncated body as stated any more." && exit 1
}
check 1.1.9 0.8.9 "Ok, shortened" "Ok, shortened"
check 1.1.10 0.9.1 error "Ok, shortened"
check 1.1.11 0.9.1 error error
