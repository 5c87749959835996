"""Reads the metrics of a gateway as others read them. See .ci/metrics."""
import json
import subprocess
import sys
import time

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
# The classic parser reads an exemplar as a timestamp; there is none here.
from prometheus_client.parser import text_string_to_metric_families as classic

import server
from gateway import CALLBACK, SECRETS, SHOP, Gateway

RULES = "deploy/prometheus/alerts.yml"
DASHBOARD = "deploy/grafana/kafka-edge.json"
TEXT = "text/plain"
OPEN = "application/openmetrics-text"


def samples(families):
    """The samples by name and labels. Neither promtool nor the parsers refuse a duplicate."""
    found = {}
    for family in families:
        assert family.documentation, f"{family.name} has no help"
        assert family.type in ("gauge", "counter"), family
        for sample in family.samples:
            assert sample.timestamp is None and sample.exemplar is None, sample
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def check_formats(gateway):
    kind, text = gateway.metrics(TEXT)
    assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
    kind, opened = gateway.metrics(OPEN)
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8", kind
    assert opened.endswith("# EOF\n")
    families = list(open_metrics(opened))
    assert len({family.name for family in families}) == len(families)
    classics = list(classic(text))
    one, other = samples(families), samples(classics)
    # An instance does not tell of itself at its first request, and either may have been one.
    differing = {name for name, _ in one.keys() ^ other.keys()}
    assert all(name.startswith("kafka_edge_instance_") for name in differing), differing
    said = promtool("check", "metrics", text=text)
    assert not said.strip(), f"promtool says: {said}"
    for hidden in [*SECRETS.values(), SHOP, CALLBACK, "a record of turn", "receipt"]:
        assert hidden not in text and hidden not in opened, hidden
    print(f"{len(one)} samples of {len(families)} families, in both formats")
    return {**other, **one}


def check_agreement(gateway):
    """Nobody works meanwhile: the metrics are what the API says."""
    time.sleep(1.5)
    gateway.wait_for_deliveries()
    found = check_formats(gateway)
    fields = {"lag": "lag", "claimed": "claimed", "rejected_total": "rejected", "given_up_total": "given_up"}
    groups = gateway.ok("GET", "/groups")["groups"]
    for group in groups:
        name = group["group"]
        path = "/groups/" + "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in name)
        for topic in gateway.ok("GET", path)["topics"]:
            labels = (("group", name), ("topic", topic["topic"]))
            for metric, field in fields.items():
                expected = sum(one[field] for one in topic["partitions"])
                told = found[(f"kafka_edge_group_{metric}", labels)]
                assert told == expected, (metric, labels, told, expected)
    assert any(value > 0 for (name, _), value in found.items() if name == "kafka_edge_group_lag")
    totals = ["delivered", "failed", "retried", "dead_lettered", "skipped", "filtered"]
    for id in ["webhook_works", "webhook_fails"]:
        shown = gateway.ok("GET", f"/subscriptions/{id}")
        labels = (("subscription", id), ("topic", "orders"))
        assert found[("kafka_edge_subscription_lag", labels)] == shown["lag"], (id, shown)
        for total in totals:
            told = found[(f"kafka_edge_subscription_{total}_total", labels)]
            assert told == shown["totals"][total], (id, total, told, shown)
        state = (("state", shown["state"]), ("subscription", id))
        assert found[("kafka_edge_subscription_state", state)] == 1, state
    works, fails = ((("subscription", f"webhook_{one}"), ("topic", "orders")) for one in ["works", "fails"])
    assert found[("kafka_edge_subscription_delivered_total", works)] > 0
    assert found[("kafka_edge_subscription_dead_lettered_total", fails)] > 0
    assert found[("kafka_edge_instance_calls_total", (("of", "store"),))] > 0
    assert 'odd"\\{}' in {group["group"] for group in groups}
    print(f"{len(groups)} groups and 2 subscriptions as the API tells them")


def check_dashboard():
    """Grafana's own types know every field of the dashboard, and no two panels share a place."""
    with open(DASHBOARD) as file:
        written = json.load(file)

    def lost(one, other):
        if isinstance(one, dict):
            return [f"{key}.{rest}" for key in one for rest in lost(one[key], (other or {}).get(key))]
        if isinstance(one, list):
            pairs = zip(one, other or [], strict=True)
            return [f"{place}.{rest}" for place, pair in enumerate(pairs) for rest in lost(*pair)]
        return [] if one == other else [f"{one} became {other}"]

    read = json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))
    assert not lost(written, read), lost(written, read)
    places = [(left, top) for at in (panel["gridPos"] for panel in written["panels"])
              for left in range(at["x"], at["x"] + at["w"]) for top in range(at["y"], at["y"] + at["h"])]
    assert len(places) == len(set(places)) and all(left < 24 for left, _ in places)
    print(f"a dashboard of {len(written['panels'])} panels")


def main():
    said = promtool("check", "rules", RULES)
    assert "14 rules found" in said, said
    check_dashboard()
    gateway = Gateway()
    try:
        gateway.prepare()
        for turn in range(12):
            gateway.work(turn)
        check_agreement(gateway)
        status, _, text = gateway.call("GET", "/metrics")
        assert status == 403 and json.loads(text)["detail"] == 'The permission "metrics" is missing', text
        if sys.argv[1:] == ["all"]:
            server.check(gateway, RULES, DASHBOARD)
        elif sys.argv[1:] == ["pictures"]:
            server.pictures(gateway, RULES, "docs/pictures")
    finally:
        gateway.stop()


main()
