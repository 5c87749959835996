import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A scene of the scenario: a group and a topic of its own, and the steps in order. */
record Scene(String name, Map<String, String> settings, List<Step> steps) {
    private static final Set<String> SETTINGS = Set.of("limit", "lock", "dead-letters", "open", "acquire");

    int limit() {
        return Integer.parseInt(settings.getOrDefault("limit", "3"));
    }

    /** Seconds for which a record is locked. */
    int lock() {
        return Integer.parseInt(settings.getOrDefault("lock", "3"));
    }

    /** `queue`, `headers` (Kafka copies nothing), `missing` (named, but not there) or `none`. */
    String deadLetters() {
        return settings.getOrDefault("dead-letters", "queue");
    }

    boolean hasQueue() {
        return deadLetters().equals("queue") || deadLetters().equals("headers");
    }

    /** How many records may be open at once, or null for the default. */
    String open() {
        return settings.get("open");
    }

    /** Whether Kafka hands out whole batches, as it does by default. */
    boolean batches() {
        return settings.getOrDefault("acquire", "records").equals("batches");
    }

    String topic() {
        return name;
    }

    String group() {
        return "group-of-" + name;
    }

    String queue() {
        return "dlq." + name;
    }

    /** The consumers by name, with the number of records that they ask for at most. */
    Map<String, Integer> consumers() {
        Map<String, Integer> found = new HashMap<>();
        for (Step step : steps) {
            if (step.action() instanceof Step.Take take) {
                Integer before = found.put(take.consumer(), take.max());
                if (before != null && before != take.max()) {
                    throw new IllegalArgumentException("Line " + step.line() + ": " + take.consumer()
                            + " asked for " + before + " before, and a consumer of Kafka keeps to one number");
                }
            }
        }
        return found;
    }

    boolean cuts(String consumer) {
        return steps.stream().map(Step::action)
                .anyMatch(action -> action instanceof Step.Cut cut && cut.consumer().equals(consumer));
    }

    /** Reads the scenario; its syntax is at its top. */
    static List<Scene> read(Path file) throws IOException {
        List<Scene> scenes = new ArrayList<>();
        List<String> lines = Files.readAllLines(file);
        for (int at = 0; at < lines.size(); at++) {
            String line = lines.get(at);
            if (line.isBlank() || line.startsWith("#")) continue;
            String[] words = line.trim().split(" +");
            if (words[0].equals("scene")) {
                Map<String, String> settings = new HashMap<>();
                for (int i = 2; i < words.length; i++) {
                    String[] pair = words[i].split("=");
                    if (pair.length != 2 || !SETTINGS.contains(pair[0])) throw bad(at, words[i]);
                    settings.put(pair[0], pair[1]);
                }
                scenes.add(new Scene(words[1], settings, new ArrayList<>()));
                continue;
            }
            if (scenes.isEmpty() || line.startsWith(" ")) throw bad(at, line);
            String[] parts = line.split(" -> ", 2);
            Step.Action action = action(at, parts[0]);
            String kafka = parts.length == 2 ? parts[1].trim() : null;
            String edge = kafka;
            String because = null;
            List<String> both = new ArrayList<>(), ofKafka = new ArrayList<>(), ofEdge = new ArrayList<>();
            int first = at;
            for (; at + 1 < lines.size() && lines.get(at + 1).startsWith("  "); at++) {
                String more = lines.get(at + 1).trim();
                if (more.startsWith("-> ")) both.add(more.substring(3));
                else if (more.startsWith("kafka -> ")) ofKafka.add(more.substring(9));
                else if (more.startsWith("edge -> ")) ofEdge.add(more.substring(8));
                else if (more.startsWith("because ")) because = more.substring(8);
                else if (because != null) because += " " + more;
                else throw bad(at + 1, more);
            }
            if (!both.isEmpty()) kafka = edge = String.join("\n", both);
            if (!ofKafka.isEmpty()) kafka = String.join("\n", ofKafka);
            if (!ofEdge.isEmpty()) edge = String.join("\n", ofEdge);
            boolean apart = !ofKafka.isEmpty() && !ofEdge.isEmpty();
            if (apart != (because != null) || ofKafka.isEmpty() != ofEdge.isEmpty()) {
                throw bad(first, "a difference has `kafka ->`, `edge ->` and `because`");
            }
            if (apart && kafka.equals(edge)) throw bad(first, "this is no difference");
            if (action instanceof Step.Shows != (kafka != null)) {
                throw bad(first, "what the sides show is missing or too much");
            }
            Step step = new Step(first + 1, parts[0].trim(), action, kafka, edge, because);
            scenes.get(scenes.size() - 1).steps().add(step);
        }
        return scenes;
    }

    private static Step.Action action(int at, String text) {
        String[] words = text.trim().split("[ ,]+");
        try {
            return switch (words[0]) {
                case "produce" -> new Step.Produce(Integer.parseInt(words[1]));
                case "pass" -> new Step.Pass(Double.parseDouble(words[1]));
                case "lag" -> new Step.Lag();
                case "settings" -> new Step.Settings();
                case "delete-queue" -> new Step.Queue(false);
                case "make-queue" -> new Step.Queue(true);
                case "dead-letters" -> new Step.DeadLetters(words.length > 1 && words[1].equals("whole"));
                default -> switch (words[1]) {
                    case "takes" -> new Step.Take(words[0], Integer.parseInt(words[2]));
                    case "is-cut" -> new Step.Cut(words[0]);
                    case "closes" -> new Step.Close(words[0]);
                    default -> acknowledge(at, words);
                };
            };
        } catch (IndexOutOfBoundsException | NumberFormatException problem) {
            throw bad(at, text);
        }
    }

    private static Step.Action acknowledge(int at, String[] words) {
        Map<Step.Word, List<Integer>> all = new EnumMap<>(Step.Word.class);
        List<Integer> offsets = null;
        for (int i = 1; i < words.length; i++) {
            Step.Word word = Step.Word.of(words[i]);
            if (word != null) {
                offsets = all.computeIfAbsent(word, any -> new ArrayList<>());
                continue;
            }
            if (offsets == null) throw bad(at, words[i]);
            String[] range = words[i].split("-");
            int last = Integer.parseInt(range[range.length - 1]);
            for (int offset = Integer.parseInt(range[0]); offset <= last; offset++) offsets.add(offset);
        }
        return new Step.Acknowledge(words[0], all);
    }

    private static IllegalArgumentException bad(int at, String what) {
        return new IllegalArgumentException("Line " + (at + 1) + " of the scenario: " + what);
    }
}
