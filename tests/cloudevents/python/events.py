"""PyPI's cloudevents: writes events as HTTP requests, or reads Kafka's records.

What is wanted comes as JSON on the standard input, and the result goes to the standard
output. Bytes are in base64 there.
"""

import base64
import json
import re
import sys
from datetime import datetime

from cloudevents.core.bindings import http, kafka
from cloudevents.core.v1.event import CloudEvent


def write(wanted):
    # The constructor keeps the dictionary of its caller, and fills it.
    attributes = dict(wanted["attributes"])
    attributes["time"] = datetime.fromisoformat(attributes["time"].replace("Z", "+00:00"))
    data = wanted.get("json", wanted.get("text"))
    if "bytes" in wanted:
        data = base64.b64decode(wanted["bytes"])
    event = CloudEvent(attributes, data)
    written = {"binary": http.to_binary_event(event), "structured": http.to_structured_event(event)}
    return {
        mode: {"headers": message.headers, "body": base64.b64encode(message.body).decode()}
        for mode, message in written.items()
    }


def read(record):
    def raw(name):
        return None if record[name] is None else base64.b64decode(record[name])

    headers = {name: value.encode() for name, value in record["headers"].items()}
    event = kafka.from_kafka_event(kafka.KafkaMessage(headers, raw("key"), raw("value")))
    attributes = {name: canonical(value) for name, value in event.get_attributes().items()}
    data = event.get_data()
    read = {"attributes": attributes}
    if isinstance(data, (bytes, str)) and not is_json(attributes.get("datacontenttype", "")):
        data = data.encode() if isinstance(data, str) else data
        read["base64"] = base64.b64encode(data).decode()
    elif data is not None:
        read["json"] = data
    return read


def canonical(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


def is_json(content_type):
    return re.match(r"[^;]*[/+]json\s*(;|$)", content_type, re.IGNORECASE)


task = {"write": write, "read": read}[sys.argv[1]]
json.dump([task(one) for one in json.load(sys.stdin)], sys.stdout)
