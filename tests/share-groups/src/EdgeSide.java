import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Plays scenes over HTTP, on a gateway that `cargo dev` runs in memory. */
final class EdgeSide implements Side {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern READY = Pattern.compile("listens on (http://\\S+)");

    private final HttpClient client = HttpClient.newHttpClient();
    private final Process process;
    private final String url;
    /** The last receipt of each consumer for each offset. */
    private final Map<String, Map<Integer, String>> receipts = new HashMap<>();
    private Scene scene;

    /** Starts the program of `cargo dev` with the topics of all scenes. */
    EdgeSide(String program, List<Scene> scenes) throws IOException {
        List<String> command = new ArrayList<>(List.of(program, "--listen", "127.0.0.1:0", "--ephemeral"));
        // Confluent Cloud's way of reading has the headers.
        command.addAll(List.of("--variable", "kafka_consume_api=cloud", "--variable", "log_level=error"));
        for (Scene scene : scenes) {
            command.addAll(List.of("--topic", scene.topic() + ":1"));
            if (scene.hasQueue()) command.addAll(List.of("--topic", scene.queue() + ":1"));
        }
        process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        BufferedReader lines = new BufferedReader(new InputStreamReader(process.getInputStream()));
        String found = null;
        for (String line; found == null && (line = lines.readLine()) != null; ) {
            Matcher match = READY.matcher(line);
            if (match.find()) found = match.group(1);
        }
        if (found == null) throw new IOException(program + " ended before it listened");
        url = found;
        // A pipe that nobody reads would stop the program.
        Thread reader = new Thread(() -> lines.lines().forEach(line -> {}));
        reader.setDaemon(true);
        reader.start();
    }

    @Override
    public String name() {
        return "edge";
    }

    @Override
    public void open(Scene scene) throws Exception {
        this.scene = scene;
        receipts.clear();
        ObjectNode settings = JSON.createObjectNode();
        settings.put("delivery_limit", scene.limit());
        settings.putObject("lease").put("default", scene.lock());
        if (!scene.deadLetters().equals("none")) settings.put("dead_letter", scene.queue());
        if (scene.open() != null) settings.put("max_claimed", Integer.parseInt(scene.open()));
        call("PUT", "/groups/" + scene.group(), settings.toString(), "application/json");
    }

    @Override
    public void produce(int count) throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < count; i++) {
            ObjectNode record = JSON.createObjectNode().put("key", "key-" + i).put("value", "value-" + i);
            record.putArray("headers").addObject().put("name", "trace").put("value", "trace-" + i);
            lines.append(record).append('\n');
        }
        String answer = call("POST", "/producer/" + scene.topic(), lines.toString(), "application/x-ndjson");
        if (answer.contains("\"error\"")) throw new IOException(answer);
    }

    @Override
    public String take(String consumer, int max, boolean expectNothing) throws Exception {
        String query = "?group=" + scene.group() + "&ack=manual&max=" + max + "&wait=" + (expectNothing ? 1 : 10);
        JsonNode page = JSON.readTree(call("GET", "/consumer/" + scene.topic() + query, null, null));
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
        what.words().forEach((word, offsets) -> {
            var list = body.putArray(word.name().toLowerCase());
            for (int offset : offsets) {
                String receipt = receipts.get(consumer).get(offset);
                offsetOf.put(receipt, offset);
                list.add(receipt);
            }
        });
        String path = "/consumer/" + scene.topic() + "/acknowledge?group=" + scene.group();
        JsonNode answer = JSON.readTree(call("POST", path, body.toString(), "application/json"));
        List<String> refused = new ArrayList<>();
        int answered = 0;
        for (JsonNode receipt : answer.get("receipts")) {
            answered += 1;
            String status = receipt.get("status").asText();
            int offset = offsetOf.get(receipt.get("receipt").asText());
            if (List.of("expired", "unknown").contains(status)) refused.add(offset + " " + status);
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
        JsonNode group = JSON.readTree(call("GET", "/groups/" + scene.group(), null, null));
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
        for (JsonNode letter : JSON.readTree(call("GET", path, null, null)).get("records")) {
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
        process.destroyForcibly();
    }

    private String call(String method, String path, String body, String type) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (type != null) request.header("content-type", type);
        HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) {
            throw new IOException(method + " " + path + " was answered " + answer.statusCode() + ": " + answer.body());
        }
        return answer.body();
    }
}
