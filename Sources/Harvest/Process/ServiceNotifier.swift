import Clocks
import Glibc
import Synchronization
import Terminal

/// Reports the daemon's state to the service manager by the protocol of sd_notify(3): one datagram per message to the
/// socket that `NOTIFY_SOCKET` names. Without that variable it does nothing. No call waits for the manager.
public final class ServiceNotifier: Sendable {
    private let address: [UInt8]?
    private let watchdog: Int64?
    private let pinged = Mutex<(ready: Bool, ping: Int64, status: Int64)>((false, 0, 0))

    /// Interval between two status texts, in milliseconds.
    private static let statusEvery: Int64 = 5000

    /// Takes the socket and the watchdog's interval from the environment that the manager gave the process.
    public init(environment: [String: String]) {
        address = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        // In microseconds; pings are sent at half the interval, as sd_watchdog_enabled(3) recommends.
        watchdog = isForUs ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { max(1, $0 / 2000) } : nil
    }

    /// Reports that the loop is alive: readiness once, then watchdog pings and status texts when they are due.
    ///
    /// - Parameters:
    ///   - progress: the counts for the status text.
    ///   - isStuck: whether listing is stuck; then no ping is sent, and the manager restarts the daemon.
    public func alive(_ progress: HarvestProgress, isStuck: Bool = false) {
        guard address != nil else { return }
        let now = WallClock.now()
        let (isFirst, pings, tells) = pinged.withLock { state in
            let isFirst = !state.ready
            let pings = !isStuck && watchdog.map { now - state.ping >= $0 } ?? false
            let tells = isFirst || now - state.status >= Self.statusEvery
            state.ready = true
            if pings { state.ping = now }
            if tells { state.status = now }
            return (isFirst, pings, tells)
        }
        if isFirst { send("READY=1") }
        if pings { send("WATCHDOG=1") }
        if tells {
            let left = progress.nearestDeadline.map { ", nearest deadline in \(TimeText.span(max(0, $0 - now)))" } ?? ""
            send("STATUS=\(progress.running) running, \(progress.pending) pending\(left)")
        }
    }

    /// Reports that the configuration is being reloaded.
    public func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicClock.nanoseconds() / 1000)")
    }

    /// Reports that the reload is over.
    public func reloaded() { send("READY=1") }

    /// Reports that a service without a loop is ready, and what it does.
    public func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }

    /// Reports that the daemon drains.
    public func stopping() { send("STOPPING=1\nSTATUS=draining") }

    private func send(_ text: String) {
        guard let address, address.count < 108 else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { path in
            path.copyBytes(from: address)
            // A leading @ stands for the zero byte of an abstract address.
            if address.first == UInt8(ascii: "@") { path[0] = 0 }
        }
        let isAbstract = address.first == UInt8(ascii: "@")
        let length = MemoryLayout<sa_family_t>.size + address.count + (isAbstract ? 0 : 1)
        let bytes = Array(text.utf8)
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                // A manager that is gone or busy must not stop a harvest.
                _ = sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), target,
                    socklen_t(length))
            }
        }
    }
}
