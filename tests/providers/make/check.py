"""Shows the vectors that are checked in to the vendors' packages for Python.

Each must accept the request, and refuse it with another body. Where a package can sign, its
signature must be the one that is checked in. EXCEPT names what a package does not take, with
the reason; a case that it begins to take fails, so that the list stays true.
"""

import base64
import json
import logging
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs

import time_machine
from packages import CHECKS

logging.disable()
VECTORS = Path(__file__).parent.parent / "vectors"
# When the requests were sent, as in case.mjs.
SENT = 1764399998


class Vector:
    def __init__(self, case):
        self.__dict__.update(case, **case["request"])
        self.name = case["case"]
        self.sent = dict(self.headers)
        binary = case["request"].get("body_base64")
        self.bytes = base64.b64decode(binary) if binary is not None else self.body.encode()

    @property
    def text(self):
        return self.bytes.decode()

    @property
    def form(self):
        return Form(parse_qs(self.text, keep_blank_values=True))


class Form(dict):
    """What web frameworks hand over: names with several values have `getlist`."""

    def getlist(self, name):
        return self[name]


EXCEPT = {
    ("box", "parsed-and-written-anew"): "the package for Python escapes no slashes",
    ("workos", "without-space"): "the package parts the header at a comma and a space",
}
# What Google signs is the token alone.
BODY_IS_UNSIGNED = {"google-pubsub"}


def accepts(check, vector):
    refusals = []
    for secret in vector.secrets or [None]:
        try:
            if check(vector, secret):
                return True
        except (ImportError, AttributeError, NameError):
            raise
        except Exception as error:  # Each package has errors of its own.
            refusals.append(error)
    vector.refusal = refusals
    return False


def changed(vector):
    content = bytearray(vector.bytes or b"0")
    at = max(i for i, byte in enumerate(content) if byte in b"0123456789")
    content[at] ^= 1
    other = Vector.__new__(Vector)
    other.__dict__.update(vector.__dict__, bytes=bytes(content))
    return other


def wrong(package, check, vector):
    """What the package does that the vector does not say, or None."""
    by = f"PyPI {package} "
    if by in vector.by and not vector.by.startswith(f"{by}{version(package)} "):
        return f"is {version(package)}, and the vector is of {vector.by}"

    def at(now, of=vector):
        with time_machine.travel(now, tick=False):
            return accepts(check, of)

    if not at(vector.now):
        return f"refuses: {vector.refusal}"
    if vector.provider not in BODY_IS_UNSIGNED and at(vector.now, changed(vector)):
        return "accepts another content"
    # The vectors that no package for JavaScript has checked are held to their window here.
    if by in vector.by:
        year, (age, future) = 366 * 86400, vector.window.values()
        if not at(SENT + (year if age is None else age - 0.5)) or not at(SENT - (year if future is None else future - 0.5)):
            return f"refuses within the window: {vector.refusal}"
        if (age is not None and at(SENT + age + 1)) or (future is not None and at(SENT - future - 1)):
            return "accepts out of the window"
    return None


def main():
    seen, failed = 0, 0
    for provider, (package, check) in CHECKS.items():
        for case in json.loads((VECTORS / f"{provider}.json").read_text()):
            seen += 1
            # One of the packages prints what it refuses.
            with redirect_stdout(None):
                what = wrong(package, check, Vector(case))
            expected = EXCEPT.get((provider, case["case"]))
            if bool(what) != bool(expected):
                failed += 1
                print(f"{provider}, {case['case']}: PyPI {package} {version(package)} {what or 'accepts'}", file=sys.stderr)
    print(f"{seen} vectors of {len(CHECKS)} providers, Python {sys.version.split()[0]}")
    sys.exit(failed > 0)


main()
