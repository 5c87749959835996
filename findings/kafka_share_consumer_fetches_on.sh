#!/usr/bin/env bash
# Maven org.apache.kafka:kafka_2.13 and kafka-clients 4.4.0, on Java 17.
#
# A good engineer would guess: a KafkaShareConsumer fetches while its `poll` waits. One that
#   is not polled takes nothing from the other members of its group.
# What really happens: once a `poll` has come back without records, the client's background
#   thread goes on fetching, for as long as the consumer is open, until records come. They
#   are locked for it, and the delivery counts. Nobody else gets them before the lock is
#   over. The next `poll` hands them out, however late: here another member has them by then.
# Why it matters: a worker that looks once and then sleeps, or does something else, holds up
#   records that came later for a whole lock, uses up one of their deliveries, and at last
#   works on them together with somebody else. A consumer that wants no more for now has to
#   be closed, or unsubscribed.
# Verified on 2026-11-29.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
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
cat > Finding.java <<'JAVA'
import java.io.*;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.Time;

public class Finding {
    static String broker;

    public static void main(String[] arguments) throws Exception {
        broker = startBroker(Map.of("group.share.min.record.lock.duration.ms", "1000"));
        for (String after : List.of("left open", "unsubscribed")) {
            String name = after.replace(' ', '-');
            make(name, Map.of("share.record.lock.duration.ms", "6000"));
            var idle = join(name, Map.of("fetch.max.wait.ms", 500));
            String found = shown(idle.poll(Duration.ofSeconds(5)));
            check("The first consumer polls for 5 s, and is then " + after, found, "nothing");
            if (after.equals("unsubscribed")) idle.unsubscribe();
            // Ten times as long as a fetch waits.
            Thread.sleep(5000);
            produce(name, 1);
            Thread.sleep(1000);
            var busy = join(name, Map.of());
            boolean isOpen = after.equals("left open");
            found = shown(busy.poll(Duration.ofSeconds(3)));
            check("A record is written, and another consumer polls for 3 s", found, isOpen ? "nothing" : "0 (1)");
            if (!isOpen) continue;
            check("It polls until the lock is over", shown(busy.poll(Duration.ofSeconds(10))), "0 (2)");
            check("The first consumer polls again", shown(idle.poll(Duration.ofSeconds(1))), "0 (1)");
        }
        Runtime.getRuntime().halt(0);
    }

    // A topic with one partition, and a group of the same name that begins at its beginning.
    static void make(String name, Map<String, String> group) throws Exception {
        try (var admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all().get();
            var settings = new HashMap<>(group);
            settings.put("share.auto.offset.reset", "earliest");
            var changes = settings.entrySet().stream()
                    .map(entry -> new ConfigEntry(entry.getKey(), entry.getValue()))
                    .map(entry -> new AlterConfigOp(entry, AlterConfigOp.OpType.SET)).toList();
            var resource = new ConfigResource(ConfigResource.Type.GROUP, name);
            admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
        }
    }

    // All records are one batch.
    static void produce(String topic, int count) {
        var options = Map.<String, Object>of("bootstrap.servers", broker, "linger.ms", 10_000);
        try (var producer = new KafkaProducer<>(options, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, "record " + i));
        }
    }

    static KafkaShareConsumer<String, String> join(String group, Map<String, Object> more) {
        var options = new HashMap<String, Object>(Map.of("bootstrap.servers", broker, "group.id", group,
                "share.acknowledgement.mode", "explicit", "share.acquire.mode", "record_limit"));
        options.putAll(more);
        var consumer = new KafkaShareConsumer<>(options, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(group));
        return consumer;
    }

    // Offsets with their delivery counts.
    static String shown(Iterable<ConsumerRecord<String, String>> records) {
        var text = new StringJoiner(", ");
        for (var record : records) text.add(record.offset() + " (" + record.deliveryCount().get() + ")");
        return text.length() == 0 ? "nothing" : text.toString();
    }

    static void check(String what, String seen, String stated) {
        System.out.println(what + ": " + seen);
        if (seen.equals(stated)) return;
        System.out.println("That is not as stated any more: " + stated);
        Runtime.getRuntime().halt(1);
    }

    // A broker of Kafka with one node, on free ports of the loopback interface.
    static String startBroker(Map<String, String> more) throws Exception {
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
        for (String topic : List.of("offsets.topic", "share.coordinator.state.topic")) {
            settings.putAll(Map.of(topic + ".num.partitions", "1", topic + ".replication.factor", "1"));
        }
        settings.put("share.coordinator.state.topic.min.isr", "1");
        // Members join within a second.
        settings.putAll(Map.of("group.share.min.heartbeat.interval.ms", "500",
                "group.share.heartbeat.interval.ms", "500", "group.share.assignment.interval.ms", "0"));
        settings.putAll(more);
        try (var file = new FileWriter("server.properties")) {
            settings.store(file, null);
        }
        var format = new String[] {"format", "-t", Uuid.randomUuid().toString(), "-c", "server.properties"};
        kafka.tools.StorageTool.execute(format, new PrintStream(OutputStream.nullOutputStream()));
        new kafka.server.KafkaRaftServer(kafka.server.KafkaConfig.fromProps(settings), Time.SYSTEM).startup();
        return "127.0.0.1:" + ports[0];
    }
}
JAVA
java -Dorg.slf4j.simpleLogger.defaultLogLevel=off -classpath 'packages/*' Finding.java
