import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** Passes connections on to a port, and breaks all of them when it is told to. */
final class Relay implements AutoCloseable {
    private final ServerSocket listener;
    private final int target;
    private final List<Socket> open = new ArrayList<>();

    Relay(int target) throws IOException {
        this.target = target;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        inBackground(() -> {
            while (true) accept(listener.accept());
        });
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept(Socket caller) throws IOException {
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
        synchronized (open) {
            open.add(caller);
            open.add(server);
        }
        inBackground(() -> pass(caller, server));
        inBackground(() -> pass(server, caller));
    }

    private static void pass(Socket from, Socket to) throws IOException {
        try (from; to) {
            from.getInputStream().transferTo(to.getOutputStream());
        }
    }

    /** Returns how many connections were broken. */
    int cut() throws IOException {
        synchronized (open) {
            int broken = 0;
            for (Socket socket : open) {
                if (!socket.isClosed()) broken += 1;
                socket.close();
            }
            open.clear();
            return broken / 2;
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
            cut();
        } catch (IOException problem) {
            // There is nothing left to close then.
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void inBackground(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException closed) {
                // A connection that breaks ends its threads.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
