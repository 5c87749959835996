import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Plays scenes over HTTP, on a gateway that `cargo dev` runs, with an emulated Kafka REST server. */
final class EdgeSide implements Side {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** The status of a receipt with which that was done what was asked for. */
    private static final Map<Step.Word, String> DONE = Map.of(Step.Word.ACCEPT, "acked", Step.Word.RELEASE, "nacked",
            Step.Word.REJECT, "rejected", Step.Word.RENEW, "renewed");

    private final HttpClient client = HttpClient.newHttpClient();
    private final Program kafka;
    private final Program gateway;
    private final String topics;
    /** The last receipt of each consumer for each offset. */
    private final Map<String, Map<Integer, String>> receipts = new HashMap<>();
    private Scene scene;

    /** `programs` is the folder of `kafka-edge-dev` and `kafka-edge-emulator`. */
    EdgeSide(Path programs) throws IOException, InterruptedException {
        kafka = new Program(List.of("" + programs.resolve("kafka-edge-emulator"), "--listen", "127.0.0.1:0"),
                Pattern.compile("(http://[\\d.]+:\\d+)"));
        JsonNode clusters = JSON.readTree(call("GET", kafka.found + "/v3/clusters", null, null));
        String cluster = clusters.get("data").get(0).get("cluster_id").asText();
        topics = kafka.found + "/v3/clusters/" + cluster + "/topics";
        // Confluent Cloud's way of reading has the headers.
        gateway = new Program(List.of("" + programs.resolve("kafka-edge-dev"), "--listen", "127.0.0.1:0", "--ephemeral",
                "--rest-url", kafka.found, "--variable", "kafka_consume_api=cloud", "--variable", "log_level=error"),
                Pattern.compile("listens on (http://[\\d.]+:\\d+)"));
    }

    @Override
    public String name() {
        return "edge";
    }

    @Override
    public double slack() {
        // A second for clocks that differ, and reads of the store that are not of this moment.
        return 2;
    }

    @Override
    public String open(Scene scene) throws Exception {
        this.scene = scene;
        receipts.clear();
        makeTopic(scene.topic());
        if (scene.hasQueue()) makeQueue();
        ObjectNode settings = JSON.createObjectNode();
        settings.put("delivery_limit", scene.limit());
        settings.putObject("lease").put("default", scene.lock());
        if (!scene.deadLetters().equals("none")) settings.put("dead_letter", scene.queue());
        if (scene.open() != null) settings.put("max_claimed", Integer.parseInt(scene.open()));
        try {
            ask("PUT", "/groups/" + scene.group(), settings.toString(), "application/json");
            return "done";
        } catch (Refused refused) {
            return "refused [" + refused.getMessage() + "]";
        }
    }

    private void makeTopic(String name) throws IOException, InterruptedException {
        String body = JSON.createObjectNode().put("topic_name", name).put("partitions_count", 1).toString();
        call("POST", topics, body, "application/json");
    }

    @Override
    public void makeQueue() throws Exception {
        makeTopic(scene.queue());
    }

    @Override
    public void deleteQueue() throws Exception {
        call("DELETE", topics + "/" + scene.queue(), null, null);
    }

    @Override
    public void produce(int count) throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < count; i++) {
            ObjectNode record = JSON.createObjectNode().put("key", "key-" + i).put("value", "value-" + i);
            record.putArray("headers").addObject().put("name", "trace").put("value", "trace-" + i);
            lines.append(record).append('\n');
        }
        String answer = ask("POST", "/producer/" + scene.topic(), lines.toString(), "application/x-ndjson");
        if (answer.contains("\"error\"")) throw new IOException(answer);
    }

    @Override
    public String take(String consumer, int max, boolean expectNothing) throws Exception {
        String query = "?group=" + scene.group() + "&ack=manual&max=" + max + "&wait=" + (expectNothing ? 1 : 10);
        JsonNode page = JSON.readTree(ask("GET", "/consumer/" + scene.topic() + query, null, null));
        TreeMap<Long, Integer> got = new TreeMap<>();
        for (JsonNode record : page.get("records")) {
            got.put(record.get("offset").asLong(), record.get("delivery_count").asInt());
            receipts.computeIfAbsent(consumer, any -> new HashMap<>())
                    .put(record.get("offset").asInt(), record.get("receipt").asText());
        }
        return Step.shown(got);
    }

    @Override
    public String acknowledge(String consumer, Step.Acknowledge what) throws Exception {
        ObjectNode body = JSON.createObjectNode();
        Map<String, Integer> offsetOf = new HashMap<>();
        Map<String, Step.Word> wordOf = new HashMap<>();
        what.words().forEach((word, offsets) -> {
            var list = body.putArray(word.name().toLowerCase());
            for (int offset : offsets) {
                String receipt = receipts.getOrDefault(consumer, Map.of()).get(offset);
                if (receipt == null) throw new IllegalArgumentException(consumer + " never had " + offset);
                offsetOf.put(receipt, offset);
                wordOf.put(receipt, word);
                list.add(receipt);
            }
        });
        String path = "/consumer/" + scene.topic() + "/acknowledge?group=" + scene.group();
        JsonNode answer = JSON.readTree(ask("POST", path, body.toString(), "application/json"));
        List<String> refused = new ArrayList<>();
        int answered = 0;
        for (JsonNode receipt : answer.get("receipts")) {
            answered += 1;
            String status = receipt.get("status").asText();
            Step.Word word = wordOf.get(receipt.get("receipt").asText());
            int offset = offsetOf.get(receipt.get("receipt").asText());
            if (!status.equals(DONE.get(word))) refused.add(offset + " " + status);
        }
        if (answered != offsetOf.size()) throw new IOException("Not every receipt was answered: " + answer);
        return refused.isEmpty() ? "done" : "refused [" + String.join(", ", refused) + "]";
    }

    /** There is no session: each call has a connection, as far as anybody can tell. */
    @Override
    public void cut(String consumer) {}

    @Override
    public void shut(String consumer) {}

    @Override
    public long lag() throws Exception {
        JsonNode group = JSON.readTree(ask("GET", "/groups/" + scene.group(), null, null));
        return group.get("topics").get(0).get("partitions").get(0).get("lag").asLong();
    }

    @Override
    public List<DeadLetter> deadLetters(int expected) throws Exception {
        long end = System.nanoTime() + 10_000_000_000L;
        List<DeadLetter> found = letters();
        while (found.size() < expected && System.nanoTime() < end) {
            Thread.sleep(100);
            found = letters();
        }
        // One too many would come about now.
        Thread.sleep(1000);
        return letters();
    }

    private List<DeadLetter> letters() throws IOException, InterruptedException {
        String path = "/topics/" + scene.queue() + "/partitions/0/records?max=500&wait=0";
        List<DeadLetter> found = new ArrayList<>();
        for (JsonNode letter : JSON.readTree(ask("GET", path, null, null)).get("records")) {
            List<Map.Entry<String, String>> headers = new ArrayList<>();
            for (JsonNode header : letter.get("headers")) {
                headers.add(Map.entry(header.get("name").asText(), header.get("value").asText()));
            }
            found.add(new DeadLetter(letter.get("key").asText(), letter.get("message").asText(), headers));
        }
        return found;
    }

    @Override
    public void leave() {}

    @Override
    public void close() {
        gateway.close();
        kafka.close();
    }

    private static final class Refused extends IOException {
        Refused(String what) {
            super(what);
        }
    }

    private String ask(String method, String path, String body, String type) throws IOException, InterruptedException {
        return call(method, gateway.found + path, body, type);
    }

    private String call(String method, String url, String body, String type) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (type != null) request.header("content-type", type);
        HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) {
            throw new Refused(method + " " + url + " was answered " + answer.statusCode() + ": " + answer.body());
        }
        return answer.body();
    }
}
