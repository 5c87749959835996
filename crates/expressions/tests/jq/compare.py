"""Compares cases.jsonl with jq 1.8, which the package `jq` on PyPI bundles.

    compare.py           fails where jq gives anything else than the file says
    compare.py --write   writes what jq gives

A row is a program, an input as JSON text, and what jq gives: "outputs" as JSON texts
and, if it ends in one, "error". Where ours is deliberately different, "ours" has what it
gives, and "why" the reason; jq's own part is still jq's.

The texts are those of jq's `tojson`. The package's own `text()` goes through Python's
JSON and loses what jq 1.8 keeps: integers beyond 2^53 and the digits of decimals.
"""

import json
import pathlib
import sys

import jq

FILE = pathlib.Path(__file__).parent / "cases.jsonl"
VARIABLES = {"record": {"topic": "orders", "key": "k-1", "headers": {"x-event": "push"}}, "out": [1, 2]}
WRAPPED = """try ((
%s
) | {v: tojson}) catch {e: (if type == "string" then . else tojson end)}"""


def run(program, text):
    compiled = jq.compile(WRAPPED % program, args=VARIABLES)
    outputs, error = [], None
    for result in compiled.input_text(text):
        if "v" in result:
            outputs.append(result["v"])
        else:
            error = result["e"]
    return outputs, error


def main():
    write = "--write" in sys.argv
    rows, wrong = [], 0
    for line in FILE.read_text().splitlines():
        row = json.loads(line)
        outputs, error = run(row["program"], row["input"])
        made = {"program": row["program"], "input": row["input"], "outputs": outputs}
        if error is not None:
            made["error"] = error
        made |= {key: row[key] for key in ("ours", "why") if key in row}
        if made != row and not write:
            wrong += 1
            print(f"{row['program']} with {row['input']}\n  file: {row}\n  jq:   {made}")
        rows.append(made)
    if write:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        FILE.write_text(text)
    programs = {row["program"] for row in rows}
    print(f"{len(rows)} rows, {len(programs)} programs, {wrong} differ from jq {jq.__dict__.get('__version__', '')}")
    sys.exit(1 if wrong else 0)


main()
