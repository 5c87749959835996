import java.util.ArrayList;
import java.util.List;

/** What a scene has shown on one side, step by step. */
final class Played {
    /** What a step has shown, or null, and the seconds from the beginning to its end. */
    record Result(String shown, double at) {}

    interface Work {
        void run(Played played) throws Exception;
    }

    private final List<Result> results = new ArrayList<>();
    private final long begin = System.nanoTime();
    private final Thread thread;
    private Exception failed;

    Played(Work work) {
        thread = new Thread(() -> {
            try {
                work.run(this);
            } catch (Exception problem) {
                failed = problem;
            }
        });
        thread.start();
    }

    void add(String shown) {
        results.add(new Result(shown, (System.nanoTime() - begin) / 1e9));
    }

    /** Waits for the end. A scene that broke off shows what went wrong at its next step. */
    void join(int steps) throws InterruptedException {
        thread.join();
        if (failed != null) add("broken off [" + failed + "]");
        while (results.size() < steps) add("not played");
    }

    Result result(int step) {
        return results.get(step);
    }
}
