"""A Prometheus that scrapes a gateway for a minute, and answers the queries of the dashboard
and of the alerts. Its own page is what docs/metrics.md shows."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from gateway import SECRETS

SECONDS = 65
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
    assert len(alerts) == 14 and all(rule["health"] == "ok" for rule in alerts), alerts
    states = {rule["name"]: rule["state"] for rule in alerts}
    assert states["KafkaEdgeAbsent"] == "inactive", states
    assert states["KafkaEdgeScrapeNotWhole"] == "inactive", states
    # `delivery_limit` is 1, so that what was claimed once and not accepted is given up.
    assert states["KafkaEdgeRecordsGivenUp"] == "firing", states
    # The callback of one subscription does not work. It has a breaker, and gives up at once.
    assert states["KafkaEdgeBreakerOpen"] == "pending", states
    assert states["KafkaEdgeDeadLetters"] == "firing", states
    assert states["KafkaEdgeSubscriptionDisabled"] == "inactive", states
    assert states["KafkaEdgeSourceRefuses"] in ("pending", "firing"), states
    print(f"Prometheus scraped {scraped:.0f} times in a minute, answered {asked} queries, and has {states}")
