import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Plays scenes on a share group of a real broker, through the Java client. */
final class KafkaSide implements Side {
    /** How long a take waits for records, and until it believes that there are none. */
    private static final Duration RECORDS = Duration.ofSeconds(10);
    private static final Duration NOTHING = Duration.ofMillis(1500);

    private final Broker broker;
    private final Admin admin;
    private final Map<String, KafkaShareConsumer<String, String>> consumers = new HashMap<>();
    /** What was handed out, by consumer and offset. */
    private final Map<String, ConsumerRecord<String, String>> held = new HashMap<>();
    private Scene scene;

    KafkaSide(Broker broker) throws Exception {
        this.broker = broker;
        admin = Admin.create(Map.of("bootstrap.servers", broker.address));
        // The first group waits for topics of the broker's own, which would count as the
        // first scene's time.
        open(new Scene("first", Map.of(), List.of()));
        produce(1);
        if (!take("A", 1, false).equals("0 (1)")) throw new IllegalStateException("Nothing comes from the broker");
        leave();
    }

    @Override
    public String name() {
        return "kafka";
    }

    @Override
    public double slack() {
        return 0.5;
    }

    @Override
    public String open(Scene scene) throws Exception {
        this.scene = scene;
        held.clear();
        admin.createTopics(List.of(new NewTopic(scene.topic(), 1, (short) 1))).all().get();
        Map<String, String> group = new HashMap<>(Map.of(
                "share.auto.offset.reset", "earliest",
                "share.delivery.count.limit", "" + scene.limit(),
                "share.record.lock.duration.ms", "" + scene.lock() * 1000));
        if (scene.open() != null) group.put("share.partition.max.record.locks", scene.open());
        if (!scene.deadLetters().equals("none")) {
            group.put("errors.deadletterqueue.topic.name", scene.queue());
            group.put("errors.deadletterqueue.copy.record.enable", "" + !scene.deadLetters().equals("headers"));
        }
        if (scene.hasQueue()) makeQueue();
        Collection<AlterConfigOp> settings = group.entrySet().stream()
                .map(entry -> new ConfigEntry(entry.getKey(), entry.getValue()))
                .map(entry -> new AlterConfigOp(entry, AlterConfigOp.OpType.SET)).toList();
        var resource = new ConfigResource(ConfigResource.Type.GROUP, scene.group());
        admin.incrementalAlterConfigs(Map.of(resource, settings)).all().get();
        return "done";
    }

    @Override
    public void makeQueue() throws Exception {
        var queue = new NewTopic(scene.queue(), 1, (short) 1)
                .configs(Map.of("errors.deadletterqueue.group.enable", "true"));
        admin.createTopics(List.of(queue)).all().get();
    }

    @Override
    public void deleteQueue() throws Exception {
        admin.deleteTopics(List.of(scene.queue())).all().get();
    }

    private KafkaShareConsumer<String, String> join(String name, int max) {
        Properties options = new Properties();
        options.put("bootstrap.servers", scene.cuts(name) ? "127.0.0.1:" + broker.relay.port() : broker.address);
        options.put("group.id", scene.group());
        options.put("client.id", name);
        options.put("share.acknowledgement.mode", "explicit");
        options.put("share.acquire.mode", scene.batches() ? "batch_optimized" : "record_limit");
        options.put("max.poll.records", max);
        options.put("fetch.max.wait.ms", 100);
        var consumer = new KafkaShareConsumer<>(options, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(scene.topic()));
        return consumer;
    }

    @Override
    public void produce(int count) throws Exception {
        // All records are one batch.
        var options = Map.<String, Object>of("bootstrap.servers", broker.address, "linger.ms", 10_000,
                "batch.size", 1 << 20);
        try (var producer = new KafkaProducer<>(options, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < count; i++) {
                var record = new ProducerRecord<>(scene.topic(), "key-" + i, "value-" + i);
                record.headers().add("trace", ("trace-" + i).getBytes());
                producer.send(record);
            }
            producer.flush();
        }
    }

    @Override
    public String take(String name, int max, boolean expectNothing) throws Exception {
        var consumer = consumers.computeIfAbsent(name, any -> join(name, max));
        TreeMap<Long, Integer> got = new TreeMap<>();
        try {
            if (expectNothing) awaitMember(name, consumer);
            // One call: each further one could tell the client to fetch again just when
            // records have come.
            for (var record : consumer.poll(expectNothing ? NOTHING : RECORDS)) {
                got.put(record.offset(), (int) record.deliveryCount().orElseThrow());
                held.put(name + record.offset(), record);
            }
        } catch (IllegalStateException refused) {
            return "refused [" + refused.getMessage() + "]";
        }
        if (got.isEmpty()) {
            // A consumer that got nothing goes on fetching although nobody polls it, and what
            // comes then would be locked for it: see findings/kafka_share_consumer_fetches_on.sh.
            shut(name);
        }
        return Step.shown(got);
    }

    /** Polls until the consumer has the partition, so that nothing comes for no other reason. */
    private void awaitMember(String name, KafkaShareConsumer<String, String> consumer) throws Exception {
        long end = System.nanoTime() + RECORDS.toNanos();
        while (!isMember(name)) {
            if (System.nanoTime() > end) throw new IllegalStateException(name + " did not join");
            int count = consumer.poll(Duration.ofMillis(100)).count();
            if (count > 0) throw new IllegalStateException(name + " got " + count + " records instead of nothing");
        }
    }

    private boolean isMember(String name) throws Exception {
        var group = admin.describeShareGroups(List.of(scene.group())).all().get().get(scene.group());
        return group.members().stream().anyMatch(
                member -> member.clientId().equals(name) && !member.assignment().topicPartitions().isEmpty());
    }

    @Override
    public String acknowledge(String name, Step.Acknowledge what) {
        var consumer = consumers.get(name);
        List<String> refused = new ArrayList<>();
        what.words().forEach((word, offsets) -> offsets.forEach(offset -> {
            var record = held.get(name + offset);
            if (record == null) throw new IllegalArgumentException(name + " never had " + offset);
            try {
                consumer.acknowledge(record, AcknowledgeType.valueOf(word.name()));
            } catch (IllegalStateException problem) {
                refused.add(offset + ": " + problem.getMessage());
            }
        }));
        consumer.commitSync(Duration.ofSeconds(10)).values().stream().flatMap(Optional::stream)
                .forEach(problem -> refused.add(problem.getClass().getSimpleName() + ": " + problem.getMessage()));
        var renewed = what.words().get(Step.Word.RENEW);
        if (refused.isEmpty() && renewed != null) takeAgain(name, renewed);
        return refused.isEmpty() ? "done" : "refused [" + String.join("; ", refused) + "]";
    }

    /**
     * The client hands out again what was renewed, from its own memory, and lets nothing be
     * said about it before: see findings/kafka_share_consumer_renew_then_poll.sh.
     */
    private void takeAgain(String name, List<Integer> renewed) {
        List<Integer> again = new ArrayList<>();
        for (var record : consumers.get(name).poll(RECORDS)) {
            again.add((int) record.offset());
            held.put(name + record.offset(), record);
        }
        if (!again.equals(renewed)) throw new IllegalStateException(again + " came again of the renewed " + renewed);
    }

    @Override
    public void cut(String name) throws Exception {
        if (broker.relay.cut() == 0) throw new IllegalStateException("There was no connection to break");
    }

    @Override
    public void shut(String name) {
        consumers.remove(name).close(Duration.ofSeconds(5));
    }

    @Override
    public long lag() throws Exception {
        TopicPartition partition = new TopicPartition(scene.topic(), 0);
        var wanted = new ListShareGroupOffsetsSpec().topicPartitions(List.of(partition));
        var offsets = admin.listShareGroupOffsets(Map.of(scene.group(), wanted))
                .partitionsToOffsetInfo(scene.group()).get();
        return offsets.get(partition).lag().orElse(-1L);
    }

    @Override
    public List<DeadLetter> deadLetters(int expected) throws Exception {
        TopicPartition partition = new TopicPartition(scene.queue(), 0);
        List<DeadLetter> found = new ArrayList<>();
        var options = Map.<String, Object>of("bootstrap.servers", broker.address, "auto.offset.reset", "earliest");
        try (var reader = new KafkaConsumer<>(options, new StringDeserializer(), new StringDeserializer())) {
            reader.assign(List.of(partition));
            long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
            while (found.size() < expected && System.nanoTime() < end) {
                reader.poll(Duration.ofMillis(200)).forEach(letter -> found.add(of(letter)));
            }
            // One too many would come about now.
            reader.poll(Duration.ofMillis(1000)).forEach(letter -> found.add(of(letter)));
        }
        return found;
    }

    private static DeadLetter of(ConsumerRecord<String, String> letter) {
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        letter.headers().forEach(header -> headers.add(Map.entry(header.key(), new String(header.value()))));
        return new DeadLetter(letter.key(), letter.value(), headers);
    }

    @Override
    public void leave() {
        consumers.values().forEach(consumer -> consumer.close(Duration.ofSeconds(5)));
        consumers.clear();
    }

    @Override
    public void close() {
        leave();
        admin.close();
        broker.close();
    }
}
