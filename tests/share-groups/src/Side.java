import java.util.List;

/** What plays the scenes: Kafka's share groups, or kafka-edge. */
interface Side extends AutoCloseable {
    String name();

    /** How many seconds after its lock has ended a record comes again, at the latest. */
    double slack();

    /** Makes topic and group. Returns `done`, or what was refused; the group is then not set. */
    String open(Scene scene) throws Exception;

    void produce(int count) throws Exception;

    /** The offsets with their delivery counts. `expectNothing` only says how long to wait. */
    String take(String consumer, int max, boolean expectNothing) throws Exception;

    /** `done`, or what was refused. */
    String acknowledge(String consumer, Step.Acknowledge what) throws Exception;

    void cut(String consumer) throws Exception;

    void shut(String consumer) throws Exception;

    void makeQueue() throws Exception;

    void deleteQueue() throws Exception;

    long lag() throws Exception;

    /** The dead letters; waits until this many are there. */
    List<DeadLetter> deadLetters(int expected) throws Exception;

    /** Ends the scene's consumers. */
    void leave() throws Exception;

    @Override
    void close();
}
