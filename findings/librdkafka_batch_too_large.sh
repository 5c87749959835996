#!/usr/bin/env bash
# Maven org.apache.kafka:kafka_2.13 and kafka-clients 4.4.0, on Java 17, and PyPI confluent-kafka
# 2.16.1 (librdkafka 2.16.0).
#
# A good engineer would guess: "message size too large" is said of the record that is too large.
#   The others of its batch are written, as KafkaProducer does it: it splits a batch that the
#   broker refuses for its size, and sends the parts (KIP-126).
# What really happens: librdkafka splits nothing. Each record of the batch fails at once by
#   MSG_SIZE_TOO_LARGE, so that 100 bytes beside a record of 6,000 are "too large" for a topic
#   that takes 5,000, and so are nine records of 1,000 that only lingered together. The one limit
#   that it knows by itself, `message.max.bytes`, is the same for all topics.
# Why it matters: who takes the error at its word makes dead letters of records that fit, or answers
#   413 for them; and a topic whose limit was lowered takes single records, as tests send them,
#   and none under load. `batch.size` has to be below the limit, or what failed so is sent again
#   one by one.
# Verified on 2026-11-30. Splitting has faults of its own in KafkaProducer (KAFKA-8350).
set -euo pipefail

place=$(mktemp -d)
broker=
finish() {
    if [ -n "$broker" ]; then kill "$broker" 2> /dev/null || true; fi
    rm -rf "$place"
}
trap finish EXIT
cd "$place"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check confluent-kafka==2.16.1
cat > pom.xml <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>0</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DoutputDirectory=packages
run() { java -Dorg.slf4j.simpleLogger.defaultLogLevel=off -classpath 'packages/*' "$@"; }

cat > Broker.java <<'JAVA'
import java.io.*;
import java.net.ServerSocket;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;

// A broker of Kafka with one node, on free ports of the loopback interface.
public class Broker {
    public static void main(String[] arguments) throws Exception {
        int[] ports = new int[2];
        try (var one = new ServerSocket(0); var other = new ServerSocket(0)) {
            ports[0] = one.getLocalPort();
            ports[1] = other.getLocalPort();
        }
        var settings = new Properties();
        settings.putAll(Map.of("process.roles", "broker,controller", "node.id", "1", "log.dirs", "log",
                "controller.quorum.voters", "1@127.0.0.1:" + ports[1], "controller.listener.names", "CONTROLLER",
                "listeners", "PLAINTEXT://127.0.0.1:" + ports[0] + ",CONTROLLER://127.0.0.1:" + ports[1],
                "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"));
        try (var file = new FileWriter("server.properties")) {
            settings.store(file, null);
        }
        var format = new String[] {"format", "-t", Uuid.randomUuid().toString(), "-c", "server.properties"};
        kafka.tools.StorageTool.execute(format, new PrintStream(OutputStream.nullOutputStream()));
        new kafka.server.KafkaRaftServer(kafka.server.KafkaConfig.fromProps(settings), Time.SYSTEM).startup();
        Files.writeString(Path.of("broker.new"), "127.0.0.1:" + ports[0]);
        Files.move(Path.of("broker.new"), Path.of("broker"));
    }
}
JAVA
# What they print: the lengths of the records, sent as one batch to a topic that takes 5000 bytes,
# and the offset or the error of each.
cases='1000;1000,1000,1000,1000,1000,1000,1000,1000,1000;100,6000,100'
cat > Producer.java <<'JAVA'
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

public class Producer {
    public static void main(String[] arguments) throws Exception {
        var options = new HashMap<String, Object>(Map.of("bootstrap.servers", arguments[0], "linger.ms", 500));
        for (String lengths : arguments[1].split(";")) {
            String topic = UUID.randomUUID().toString();
            try (var admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
                var limit = Map.of("max.message.bytes", "5000");
                admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(limit))).all().get();
            }
            var producer = new KafkaProducer<>(options, new ByteArraySerializer(), new ByteArraySerializer());
            producer.partitionsFor(topic);
            var sent = new ArrayList<Future<RecordMetadata>>();
            for (String length : lengths.split(",")) {
                sent.add(producer.send(new ProducerRecord<>(topic, new byte[Integer.parseInt(length)])));
            }
            var seen = new ArrayList<String>();
            for (var one : sent) {
                try {
                    seen.add("" + one.get().offset());
                } catch (ExecutionException error) {
                    seen.add(error.getCause().getClass().getSimpleName());
                }
            }
            String shown = Set.copyOf(seen).size() < seen.size() ? "all " + seen.get(0) : String.join(" ", seen);
            System.out.println(lengths + ": " + shown);
            producer.close();
        }
        Runtime.getRuntime().halt(0);
    }
}
JAVA
cat > producer.py <<'PYTHON'
import sys
import uuid

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

server, cases, size = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": server})
for lengths in cases.split(";"):
    topic, seen = str(uuid.uuid4()), []
    admin.create_topics([NewTopic(topic, 1, 1, config={"max.message.bytes": "5000"})])[topic].result()
    producer = Producer({"bootstrap.servers": server, "linger.ms": 500, "batch.size": int(size)})
    for length in lengths.split(","):
        producer.produce(topic, bytes(int(length)), on_delivery=lambda error, message: seen.append(error.name() if error else str(message.offset())))
    producer.flush()
    print(f"{lengths}: {'all ' + seen[0] if len(set(seen)) < len(seen) else ' '.join(seen)}")
PYTHON
run Broker.java &
broker=$!
until [ -s broker ]; do kill -0 "$broker"; sleep 0.2; done
{
    run Producer.java "$(cat broker)" "$cases" | sed 's/^/KafkaProducer, /'
    venv/bin/python producer.py "$(cat broker)" "$cases" 1000000 | sed 's/^/librdkafka with its batch.size, /'
    venv/bin/python producer.py "$(cat broker)" "$cases" 4000 | sed 's/^/librdkafka with 4000, /'
} | tee seen
cmp --silent seen - <<'TEXT' && exit
KafkaProducer, 1000: 0
KafkaProducer, 1000,1000,1000,1000,1000,1000,1000,1000,1000: 0 1 2 3 4 5 6 7 8
KafkaProducer, 100,6000,100: 0 RecordTooLargeException 1
librdkafka with its batch.size, 1000: 0
librdkafka with its batch.size, 1000,1000,1000,1000,1000,1000,1000,1000,1000: all MSG_SIZE_TOO_LARGE
librdkafka with its batch.size, 100,6000,100: all MSG_SIZE_TOO_LARGE
librdkafka with 4000, 1000: 0
librdkafka with 4000, 1000,1000,1000,1000,1000,1000,1000,1000,1000: 0 1 2 3 4 5 6 7 8
librdkafka with 4000, 100,6000,100: 0 MSG_SIZE_TOO_LARGE 1
TEXT
echo "That is not as stated any more." && exit 1
