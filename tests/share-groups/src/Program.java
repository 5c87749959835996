import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A program that runs beside the test and ends with it. */
final class Program implements AutoCloseable {
    private final Process process;
    /** What the first line that matched has in its first group. */
    final String found;

    Program(List<String> command, Pattern ready) throws IOException {
        process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        BufferedReader lines = new BufferedReader(new InputStreamReader(process.getInputStream()));
        String first = null;
        for (String line; first == null && (line = lines.readLine()) != null; ) {
            Matcher match = ready.matcher(line);
            if (match.find()) first = match.group(1);
        }
        if (first == null) throw new IOException(command.get(0) + " ended before it listened");
        found = first;
        // A pipe that nobody reads would stop the program.
        Thread reader = new Thread(() -> lines.lines().forEach(line -> {}));
        reader.setDaemon(true);
        reader.start();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
