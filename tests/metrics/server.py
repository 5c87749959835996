"""A Prometheus that scrapes a gateway for a minute, and answers the queries of the dashboard
and of the alerts. Its own page is what docs/metrics.md shows."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from gateway import SECRETS

SECONDS = 65
# A metric in an expression, with its labels.
SELECTOR = re.compile(r"\bkafka_edge_\w+(?:\{[^}]*\})?")
# What the alerts are after the minute of `gateway.work`.
STATES = {
    "KafkaEdgeAbsent": {"inactive"},
    "KafkaEdgeGroupFallsBehind": {"inactive"},
    # Between the end of a lease and the next claim nobody has the records of `billing`.
    "KafkaEdgeGroupStandsStill": {"inactive", "pending"},
    "KafkaEdgeGroupBeyondEnd": {"inactive"},
    # `delivery_limit` is 1, so that what was claimed once and not accepted is given up.
    "KafkaEdgeRecordsGivenUp": {"firing"},
    "KafkaEdgeDeliveriesWait": {"inactive"},
    "KafkaEdgeDeliveriesStandStill": {"inactive"},
    # The callback of one subscription does not work. It has a breaker, and gives up at once.
    "KafkaEdgeBreakerOpen": {"pending"},
    "KafkaEdgeSubscriptionDisabled": {"inactive"},
    "KafkaEdgeSubscriptionBeyondEnd": {"inactive"},
    "KafkaEdgeDeadLetters": {"firing"},
    "KafkaEdgeSourceRefuses": {"pending"},
    "KafkaEdgeSourceFails": {"inactive"},
    "KafkaEdgeScrapeNotWhole": {"inactive"},
}
SCRAPE = f"""
global: {{ scrape_interval: 2s, evaluation_interval: 2s }}
rule_files: ["alerts.yml"]
scrape_configs:
  - job_name: kafka-edge
    authorization: {{ credentials: {SECRETS["prometheus"]} }}
    static_configs: [{{ targets: ["TARGET"] }}]
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def check(gateway, rules, dashboard):
    scrape(gateway, rules, lambda url: look(url, dashboard))


def pictures(gateway, rules, folder):
    lag = urllib.parse.urlencode({"g0.expr": 'kafka_edge_group_lag{group=~"audit|billing"}', "g0.tab": 0,
                                  "g0.range_input": "1m"})
    pages = {"lag": (f"graph?{lag}", 900), "alerts": ("classic/alerts", 800)}

    def shoot(url):
        for name, (path, height) in pages.items():
            shown = os.path.abspath(f"{folder}/metrics-{name}.png")
            program = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                       f"--screenshot={shown}", f"--window-size=1200,{height}", "--virtual-time-budget=8000"]
            subprocess.run([*program, f"{url}/{path}"], check=True, capture_output=True)

    scrape(gateway, rules, shoot)


def scrape(gateway, rules, then):
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "prometheus.yml").write_text(SCRAPE.replace("TARGET", gateway.url.removeprefix("http://")))
    shutil.copy(rules, folder / "alerts.yml")
    url = f"http://127.0.0.1:{free_port()}"
    program = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
               f"--web.listen-address={url.removeprefix('http://')}", "--log.level=error"]
    process = subprocess.Popen(program, cwd=folder)
    try:
        end, turn = time.monotonic() + SECONDS, 100
        while time.monotonic() < end:
            gateway.work(turn)
            turn += 1
            time.sleep(0.5)
        then(url)
    finally:
        process.kill()
        process.wait()


def ask(url, path, **query):
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
        said = json.load(answer)
    assert said["status"] == "success", said
    return said["data"]


def look(url, dashboard):
    target = ask(url, "targets")["activeTargets"][0]
    assert target["health"] == "up" and not target["lastError"], target
    scraped = float(ask(url, "query", query="count_over_time(up[1m])")["result"][0]["value"][1])
    assert scraped >= 20, scraped
    panels = json.loads(pathlib.Path(dashboard).read_text())["panels"]
    asked = 0
    for panel in panels:
        for one in panel["targets"]:
            query = one["expr"].replace("$__rate_interval", "30s").replace("$group", ".*").replace("$subscription", ".*")
            result = ask(url, "query", query=query)["result"]
            assert result, f"{panel['title']}: {query} has no answer"
            for series in result:
                float(series["value"][1])
            asked += 1
    # An alert that is quiet has no answer; what it looks at has.
    groups = ask(url, "rules")["groups"]
    alerts = [rule for group in groups for rule in group["rules"]]
    assert all(rule["health"] == "ok" for rule in alerts), alerts
    looked_at = 0
    for rule in alerts:
        selectors = SELECTOR.findall(rule["query"])
        assert selectors, f"{rule['name']} looks at nothing"
        for selector in selectors:
            # An age is there only while a record waits.
            known = ask(url, "query", query=f"last_over_time({selector}[1m])")["result"]
            assert known, f"{rule['name']}: {selector} has no answer"
            looked_at += 1
    states = {rule["name"]: rule["state"] for rule in alerts}
    assert states.keys() == STATES.keys(), states.keys() ^ STATES.keys()
    wrong = {name: state for name, state in states.items() if state not in STATES[name]}
    assert not wrong, wrong
    print(f"Prometheus scraped {scraped:.0f} times in a minute, answered {asked} queries and "
          f"{looked_at} metrics of alerts, and has {states}")
