import com.standardwebhooks.Webhook;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Verifies requests with the library of Maven Central: a line of standard input for each. */
final class Verify {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split("\t");
            String body = new String(Base64.getDecoder().decode(parts[4]), StandardCharsets.UTF_8);
            Map<String, List<String>> headers = Map.of(
                    "webhook-id", List.of(parts[1]),
                    "webhook-timestamp", List.of(parts[2]),
                    "webhook-signature", List.of(parts[3]));
            try {
                new Webhook(parts[0]).verify(body, headers);
                System.out.println("ok");
            } catch (Exception error) {
                System.out.println(error.getClass().getSimpleName());
            }
        }
    }
}
