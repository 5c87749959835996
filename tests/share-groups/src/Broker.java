import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Uuid;

/** A broker of Kafka with one node, in a process and a temporary folder of its own. */
final class Broker implements AutoCloseable {
    private final Path folder;
    private final Process process;
    /** Connections through the relay can be broken. */
    final Relay relay;
    final String address;

    Broker() throws Exception {
        folder = Files.createTempDirectory("share-groups-");
        List<Integer> ports = freePorts(3);
        address = "127.0.0.1:" + ports.get(0);
        relay = new Relay(ports.get(1));
        Path properties = folder.resolve("server.properties");
        Files.writeString(properties, """
                process.roles=broker,controller
                node.id=1
                controller.quorum.voters=1@127.0.0.1:%3$d
                listeners=PLAIN://127.0.0.1:%1$d,RELAYED://127.0.0.1:%2$d,CONTROLLER://127.0.0.1:%3$d
                advertised.listeners=PLAIN://127.0.0.1:%1$d,RELAYED://127.0.0.1:%4$d
                listener.security.protocol.map=PLAIN:PLAINTEXT,RELAYED:PLAINTEXT,CONTROLLER:PLAINTEXT
                inter.broker.listener.name=PLAIN
                controller.listener.names=CONTROLLER
                log.dirs=%5$s
                num.partitions=1
                auto.create.topics.enable=false
                offsets.topic.num.partitions=1
                offsets.topic.replication.factor=1
                share.coordinator.state.topic.num.partitions=1
                share.coordinator.state.topic.replication.factor=1
                share.coordinator.state.topic.min.isr=1
                # The scenes last for seconds instead of minutes.
                group.share.min.record.lock.duration.ms=1000
                group.share.min.heartbeat.interval.ms=500
                group.share.heartbeat.interval.ms=500
                group.share.assignment.interval.ms=0
                """.formatted(ports.get(0), ports.get(1), ports.get(2), relay.port(), folder.resolve("log")));
        String[] format = {"format", "-t", Uuid.randomUuid().toString(), "-c", properties.toString()};
        if (kafka.tools.StorageTool.execute(format, new PrintStream(OutputStream.nullOutputStream())) != 0) {
            throw new IllegalStateException("The broker's folder could not be formatted");
        }
        List<String> command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", System.getProperty("java.class.path"), "kafka.Kafka", properties.toString());
        process = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile()).start();
        Runtime.getRuntime().addShutdownHook(new Thread(this::end));
        awaitReady();
    }

    private void awaitReady() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", address, "default.api.timeout.ms", 60_000))) {
            admin.describeCluster().nodes().get(60, TimeUnit.SECONDS);
        } catch (Exception problem) {
            throw new IllegalStateException("The broker does not answer:\n" + output(), problem);
        }
    }

    String output() throws IOException {
        return Files.readString(folder.resolve("output"));
    }

    private void end() {
        process.destroyForcibly();
        try {
            process.waitFor();
            try (var files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
            }
        } catch (IOException | InterruptedException problem) {
            // The folder is the system's to clean then.
        }
    }

    @Override
    public void close() {
        relay.close();
        end();
    }

    /** Kafka's controller takes no port 0, so that free ones have to be looked for. */
    private static List<Integer> freePorts(int count) throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        List<Integer> ports = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            sockets.add(socket);
            ports.add(socket.getLocalPort());
        }
        for (ServerSocket socket : sockets) socket.close();
        return ports;
    }
}
