import Glibc
import Harvest
import Testing

/// What a daemon reports about itself to `/healthz` and to the service manager.
@Suite struct WatchHealthTests {
    @Test func healthNamesTheWorstTrouble() {
        var counts = WatchMetrics.Counts()
        counts.started = 1_000_000
        counts.alive = 1_000_000
        func trouble(after milliseconds: Int64) -> String? {
            var counts = counts
            counts.alive = 1_000_000 + milliseconds
            return WatchHealth(counts, pollInterval: 5000, now: 1_000_000 + milliseconds).trouble
        }
        #expect(trouble(after: 50_000) == nil)
        #expect(trouble(after: 61_000)?.contains("no complete list") == true)
        counts.progress.listed = 1_050_000
        #expect(trouble(after: 61_000) == nil)
        counts.progress.nearestDeadline = 1_060_000
        #expect(trouble(after: 61_000)?.contains("past its deadline") == true)
        counts.pause = "401"
        #expect(trouble(after: 61_000) == "paused: 401")
        counts.pause = nil
        #expect(WatchHealth(counts, pollInterval: 5000, now: 1_031_000).trouble?.contains("not moved") == true)
    }

    @Test func aListThatNeverEndsIsSeenByHealthAndByTheManager() throws {
        var counts = WatchMetrics.Counts()
        counts.started = 1_000_000
        counts.progress.listed = 2_000_000
        func trouble(at now: Int64) -> String? {
            counts.alive = now
            counts.progress.listed = now
            return WatchHealth(counts, pollInterval: 5000, listLimit: 60_000, now: now).trouble
        }
        // The loop reports progress, but no list has ended since its start.
        #expect(trouble(at: 1_300_000) == nil)
        #expect(trouble(at: 1_400_000)?.contains("no list has ended") == true)
        counts.progress.polled = 1_390_000
        #expect(trouble(at: 1_400_000) == nil)

        let path = "/tmp/salvage-notify-\(getpid())"
        let manager = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(manager)
            unlink(path)
        }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(manager, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        func said() -> [String] {
            var said: [String] = []
            var bytes = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(manager, &bytes, bytes.count, Int32(MSG_DONTWAIT)), count > 0 {
                said.append(String(decoding: bytes[..<count], as: UTF8.self))
            }
            return said
        }
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000"])
        notifier.alive(HarvestProgress())
        #expect(said().contains("WATCHDOG=1"))
        usleep(5000)
        notifier.alive(HarvestProgress(), isStuck: true)
        #expect(!said().contains("WATCHDOG=1"))
        usleep(5000)
        notifier.alive(HarvestProgress(), isStuck: false)
        #expect(said().contains("WATCHDOG=1"))
    }
}
