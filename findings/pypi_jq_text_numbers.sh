#!/usr/bin/env bash
# PyPI package jq, version 1.13.0, which bundles jq 1.8.
#
# A good engineer would guess: `jq.compile(p).input_text(t).text()` gives the text that jq
#   itself would print, so the package can stand in for the command in a comparison.
# What really happens: each result becomes a Python value through a C double and is written
#   by Python's json module. Integers beyond 2^53 lose digits that jq 1.8 keeps, decimals
#   lose their zeros, -0 its sign, and 1e300 becomes 301 digits. `tojson` within the
#   program gives jq's own text.
# Why it matters: a differential test over ids of 19 digits that uses `text()` or `all()`
#   compares with values that jq never printed, and lets an implementation that rounds pass.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet jq==1.13.0
cat > "$place/check.py" <<'PYTHON'
import jq

# Input, what `text()` gives, what jq's own `tojson` gives.
stated = [
    ("1234567890123456789", "1234567890123456768", "1234567890123456789"),
    ("1.50", "1.5", "1.50"),
    ("-0", "0", "-0"),
]
wrong = 0
for text, through_python, through_jq in stated:
    seen = jq.compile(".").input_text(text).text(), jq.compile("tojson").input_text(text).first()
    print(f"{text}: text() gives {seen[0]}, tojson gives {seen[1]}")
    wrong += seen != (through_python, through_jq)
long = jq.compile(". + 0").input_text("1e300").text()
print(f"1e300 + 0: text() gives {len(long)} digits")
wrong += len(long) != 301
raise SystemExit(1 if wrong else 0)
PYTHON
"$place/venv/bin/python" "$place/check.py" && exit
echo "The package does not treat numbers as stated any more." && exit 1
