import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** A dead letter, whose headers are in their order. */
record DeadLetter(String key, String value, List<Map.Entry<String, String>> headers) {
    /** What the names of Kafka's six headers begin with. */
    private static final String PREFIX = "__dlq.errors.";

    /** Key, value, and where the record was: `key-3=value-3 from 3 (1)`. */
    String brief() {
        return key + "=" + value + " from " + header("offset") + " (" + header("delivery.count") + ")";
    }

    /** Key, value, and the headers; the names of Kafka's six begin with `.`. */
    String whole() {
        StringJoiner text = new StringJoiner(" | ").add(key + "=" + value);
        for (var header : headers) {
            String name = header.getKey();
            if (name.startsWith(PREFIX)) name = "." + name.substring(PREFIX.length());
            text.add(name + ": " + header.getValue());
        }
        return text.toString();
    }

    private String header(String name) {
        return headers.stream().filter(header -> header.getKey().equals(PREFIX + name)).map(Map.Entry::getValue)
                .findFirst().orElse("no header");
    }
}
