import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One line of a scene: what is done, and what either side shows. */
record Step(int line, String text, Action action, String kafka, String edge, String because) {
    boolean differs() {
        return because != null;
    }

    sealed interface Action {}

    /** What has a result that is compared. */
    sealed interface Shows extends Action {}

    /** Writes this many records. */
    record Produce(int count) implements Action {}

    /** A consumer asks for at most this many records. */
    record Take(String consumer, int max) implements Shows {}

    /** A consumer says what becomes of records, all in one call. */
    record Acknowledge(String consumer, Map<Word, List<Integer>> words) implements Shows {}

    /** The connections of a consumer break, and its program goes on. */
    record Cut(String consumer) implements Action {}

    /** A consumer ends as a program should end it. */
    record Close(String consumer) implements Action {}

    /** Time passes, measured from the last hand-out or renewal, in locks. */
    record Pass(double locks) implements Action {}

    /** The queue of dead letters is deleted, or made anew. */
    record Queue(boolean there) implements Action {}

    /** Whether the group took its settings. */
    record Settings() implements Shows {}

    /** How many records of the topic are not finished. */
    record Lag() implements Shows {}

    /** What lies in the queue of dead letters: keys, values, offsets and counts, or all of it. */
    record DeadLetters(boolean whole) implements Shows {}

    enum Word {
        ACCEPT("accepts"), RELEASE("releases"), REJECT("rejects"), RENEW("renews");

        final String verb;

        Word(String verb) {
            this.verb = verb;
        }

        static Word of(String verb) {
            for (Word word : values()) {
                if (word.verb.equals(verb)) return word;
            }
            return null;
        }
    }

    /** Deliveries as they are shown: offsets with their counts, `0-3 (1), 4 (2)`. */
    static String shown(TreeMap<Long, Integer> deliveries) {
        if (deliveries.isEmpty()) return "nothing";
        StringBuilder text = new StringBuilder();
        long first = -1, last = -1;
        int count = 0;
        for (var entry : deliveries.entrySet()) {
            if (first >= 0 && entry.getKey() == last + 1 && entry.getValue() == count) {
                last += 1;
                continue;
            }
            if (first >= 0) text.append(range(first, last)).append(" (").append(count).append("), ");
            first = last = entry.getKey();
            count = entry.getValue();
        }
        return text.append(range(first, last)).append(" (").append(count).append(")").toString();
    }

    private static String range(long first, long last) {
        return first == last ? "" + first : first + "-" + last;
    }
}
