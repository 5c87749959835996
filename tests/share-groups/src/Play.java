import java.util.List;

/** Plays one scene on one side. */
final class Play {
    private final Side side;
    private final Scene scene;
    private String settings;
    /** When records were handed out or their locks renewed last. */
    private long locked = System.nanoTime();

    private Play(Side side, Scene scene) {
        this.side = side;
        this.scene = scene;
    }

    static Played inBackground(Side side, Scene scene) {
        return new Played(played -> new Play(side, scene).run(played));
    }

    private void run(Played played) throws Exception {
        settings = side.open(scene);
        try {
            for (Step step : scene.steps()) played.add(step(step));
        } finally {
            side.leave();
        }
    }

    private String step(Step step) throws Exception {
        String expected = side.name().equals("kafka") ? step.kafka() : step.edge();
        if (step.action() instanceof Step.Produce produce) {
            side.produce(produce.count());
            return null;
        }
        if (step.action() instanceof Step.Take take) {
            String got = side.take(take.consumer(), take.max(), "nothing".equals(expected));
            if (!got.equals("nothing")) locked = System.nanoTime();
            return got;
        }
        if (step.action() instanceof Step.Acknowledge acknowledge) {
            String result = side.acknowledge(acknowledge.consumer(), acknowledge);
            if (acknowledge.words().containsKey(Step.Word.RENEW)) locked = System.nanoTime();
            return result;
        }
        if (step.action() instanceof Step.Cut cut) {
            side.cut(cut.consumer());
            return null;
        }
        if (step.action() instanceof Step.Settings) return settings;
        if (step.action() instanceof Step.Queue queue) {
            if (queue.there()) side.makeQueue();
            else side.deleteQueue();
            return null;
        }
        if (step.action() instanceof Step.Close close) {
            side.shut(close.consumer());
            return null;
        }
        if (step.action() instanceof Step.Pass pass) {
            double slack = pass.locks() >= 1 ? side.slack() : 0;
            long end = locked + (long) ((pass.locks() * scene.lock() + slack) * 1e9);
            Thread.sleep(Math.max(0, (end - System.nanoTime()) / 1_000_000));
            return null;
        }
        if (step.action() instanceof Step.Lag) return lag(expected);
        if (step.action() instanceof Step.DeadLetters what) {
            var letters = side.deadLetters(expected.equals("none") ? 0 : expected.split("\n").length);
            var shown = letters.stream().map(letter -> what.whole() ? letter.whole() : letter.brief());
            return letters.isEmpty() ? "none" : String.join("\n", shown.toList());
        }
        throw new IllegalStateException("Nobody plays " + step.text());
    }

    /** Kafka's view of a group may be some seconds old. */
    private String lag(String expected) throws Exception {
        long end = System.nanoTime() + 5_000_000_000L;
        while (true) {
            String lag = "" + side.lag();
            if (lag.equals(expected) || System.nanoTime() > end) return lag;
            Thread.sleep(100);
        }
    }
}
