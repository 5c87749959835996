import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Plays the scenario on a share group of Kafka and on kafka-edge, and compares what both show
 * with what the scenario says.
 *
 * <p>Arguments: the scenario, the folder with the programs of `cargo dev` (or `-` for Kafka
 * alone), and the scenes to play if not all.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        List<String> chosen = List.of(arguments).subList(2, arguments.length);
        List<Scene> all = Scene.read(Path.of(arguments[0]));
        for (String name : chosen) {
            if (all.stream().noneMatch(scene -> scene.name().equals(name))) {
                throw new IllegalArgumentException("There is no scene " + name);
            }
        }
        List<Scene> scenes = all.stream()
                .filter(scene -> chosen.isEmpty() || chosen.contains(scene.name())).toList();
        boolean withEdge = !arguments[1].equals("-");
        List<String> failures = new ArrayList<>();
        int steps = 0;
        try (Side kafka = new KafkaSide(new Broker());
                Side edge = withEdge ? new EdgeSide(Path.of(arguments[1])) : null) {
            for (Scene scene : scenes) {
                System.out.printf("%n== %s %s%n", scene.name(), scene.settings());
                Played ofKafka = Play.inBackground(kafka, scene);
                Played ofEdge = withEdge ? Play.inBackground(edge, scene) : null;
                ofKafka.join(scene.steps().size());
                if (withEdge) ofEdge.join(scene.steps().size());
                for (int i = 0; i < scene.steps().size(); i++) {
                    Step step = scene.steps().get(i);
                    System.out.println(step.text());
                    report(scene, step, "kafka", step.kafka(), ofKafka.result(i), failures);
                    if (withEdge) report(scene, step, "edge", step.edge(), ofEdge.result(i), failures);
                    if (step.kafka() != null) steps += 1;
                }
            }
        }
        System.out.printf("%nMeant to differ:%n%n| scene | step | Kafka 4.4.0 | kafka-edge | why |%n");
        System.out.printf("|---|---|---|---|---|%n");
        for (Scene scene : scenes) {
            for (Step step : scene.steps()) {
                if (!step.differs()) continue;
                System.out.printf("| %s | %s | %s | %s | %s |%n", scene.name(), step.text(),
                        inCell(step.kafka()), inCell(step.edge()), step.because());
            }
        }
        failures.forEach(failure -> System.out.println("\nFAILED: " + failure));
        System.out.printf("%n%d scenes, %d steps with a result, %d not as the scenario says%n",
                scenes.size(), steps, failures.size());
        // Threads of the client may still be there.
        System.exit(failures.isEmpty() ? 0 : 1);
    }

    private static void report(
            Scene scene, Step step, String side, String expected, Played.Result result, List<String> failures) {
        String shown = result.shown();
        if (expected == null && shown == null) return;
        String lines = String.valueOf(shown).replace("\n", "\n                  -> ");
        System.out.printf("    %-5s %5.1f s -> %s%n", side, result.at(), lines);
        // What is in brackets is in the side's own words, and for people.
        String plain = shown == null ? null : shown.replaceAll(" \\[.*]", "");
        if (!String.valueOf(expected).equals(plain)) {
            failures.add("line %d, %s: %s%nthe scenario says%n%s%n%s shows%n%s".formatted(
                    step.line(), scene.name(), step.text(), expected, side, shown));
        }
    }

    private static String inCell(String text) {
        return text.replace(" | ", ", ").replace("\n", "<br>");
    }
}
