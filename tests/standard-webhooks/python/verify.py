"""Verifies requests with a library of PyPI: a line of standard input for each."""

import base64
import importlib
import sys

Webhook = importlib.import_module(sys.argv[1]).Webhook

for line in sys.stdin:
    secret, identifier, timestamp, signatures, body = line.rstrip("\n").split("\t")
    headers = {
        "webhook-id": identifier,
        "webhook-timestamp": timestamp,
        "webhook-signature": signatures,
    }
    try:
        Webhook(secret).verify(base64.b64decode(body), headers)
        print("ok")
    except Exception as error:
        print(type(error).__name__)
