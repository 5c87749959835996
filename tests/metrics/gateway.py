"""A gateway under `cargo dev`, with groups and sources that do something."""
import json
import os
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request

SECRETS = {"root": "secret-of-the-root-0001", "prometheus": "secret-of-prometheus-02"}
CREDENTIALS = [
    {"name": "root", "secret": SECRETS["root"], "topics": ["*"],
     "allow": ["produce", "consume", "webhooks", "admin"]},
    {"name": "prometheus", "secret": SECRETS["prometheus"], "topics": ["*"], "allow": ["metrics"]},
]
SHOP = "the-secret-of-the-shop"
CALLBACK = "the-secret-of-a-callback"


class Gateway:
    def __init__(self):
        topics = ["orders:3", "refunds:1", "logs.web:2"]
        options = [f"--topic={topic}" for topic in topics]
        environment = dict(os.environ, SPIN_VARIABLE_OPEN_ACCESS="false", SPIN_VARIABLE_LOG_LEVEL="error",
                           SPIN_VARIABLE_CREDENTIALS=json.dumps(CREDENTIALS))
        self.process = subprocess.Popen(
            [os.environ["KAFKA_EDGE_DEV"], "--listen", "127.0.0.1:0", "--ephemeral", *options],
            stdout=subprocess.PIPE, text=True, env=environment)
        for line in self.process.stdout:
            if found := re.search(r"listens on (http://[\d.]+:\d+)", line):
                self.url = found[1]
            if found := re.search(r"(http://[\d.]+:\d+/callback)", line):
                self.callback = found[1]
            if line.startswith("Ctrl-C"):
                # Somebody has to read on, or a full pipe stops it.
                threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()
                return
        raise SystemExit("the gateway did not start")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def call(self, method, path, body=None, headers=None, secret=SECRETS["root"]):
        """The status, the headers and the text of an answer."""
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = {"authorization": f"Bearer {secret}", **(headers or {})}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def ok(self, method, path, body=None, headers=None):
        status, _, text = self.call(method, path, body, headers)
        assert 200 <= status < 300, (method, path, status, text)
        return json.loads(text) if text else None

    def metrics(self, accept, query=""):
        status, headers, text = self.call("GET", f"/metrics{query}", headers={"accept": accept},
                                          secret=SECRETS["prometheus"])
        assert status == 200, text
        return headers["content-type"], text

    def prepare(self):
        for topic in ["orders", "refunds", "logs.web"]:
            self.ok("POST", "/groups/billing/seek", {"topic": topic, "to": "earliest"})
        self.ok("POST", "/groups/audit/seek", {"topic": "orders", "to": "earliest"})
        self.ok("PUT", "/groups/billing", {"delivery_limit": 1})
        # What the names of groups may hold has to survive as a label.
        self.ok("POST", "/groups/odd%22%5C%7B%7D/seek", {"topic": "orders", "to": "latest"})
        self.ok("POST", "/sources", {"name": "shop", "topic": "orders",
                                     "verify": {"token": {"header": "x-token"}, "secrets": [SHOP]}})
        subscription = {"topics": ["orders"], "callback_url": self.callback, "auth": {"bearer": CALLBACK}}
        self.ok("PUT", "/subscriptions/webhook_works", subscription)
        # Nothing listens there. What cannot be delivered is a dead letter at once.
        fails = {"callback_url": "http://127.0.0.1:9/", "retry": {"delays": []},
                 "exhausted": {"dead_letter": "refunds"}, "breaker": {"failures": 3, "cooldown": 1}}
        self.ok("PUT", "/subscriptions/webhook_fails", {**subscription, **fails})

    def wait_for_deliveries(self):
        end = time.monotonic() + 60
        while any(self.ok("GET", f"/subscriptions/webhook_{one}")["lag"] for one in ["works", "fails"]):
            assert time.monotonic() < end, "the deliveries do not come to an end"
            time.sleep(0.2)

    def work(self, turn):
        """One round of what callers do."""
        self.ok("POST", "/producer/orders", f"a record of turn {turn}")
        self.ok("GET", "/consumer/orders?group=audit&wait=0")
        claimed = self.ok("GET", "/consumer/orders?group=billing&ack=manual&lease=1&wait=0")
        if turn % 3 == 0 and claimed.get("receipt"):
            self.ok("POST", "/consumer/orders/reject?group=billing", {"receipts": [claimed["receipt"]]})
        for secret in [SHOP, "a guess", "a guess", "a guess"]:
            self.call("POST", "/in/shop", "{}", {"x-token": secret})
