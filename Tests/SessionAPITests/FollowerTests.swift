import Foundation
import Glibc
import SessionAPI
import Synchronization
import Testing

final class Counter: Sendable {
    private let count = Mutex(0)
    func add(_ number: Int) { count.withLock { $0 += number } }
    var value: Int { count.withLock { $0 } }
}

@Suite(.serialized) struct FollowerTests {
    @Test func aThousandFollowedLogsLeaveRoomForTheList() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur >= 4_096 else {
            print("skipped: only \(limit.rlim_cur) open files are allowed")
            return
        }
        let followers = 1_000
        let go = DispatchSemaphore(value: 0)
        let waiting = Counter()
        try await withServer { request, peer in
            guard request.target.hasPrefix("/logs") else {
                peer.respond("200 OK", [], #"{"sessions":[{"id":"still here"}]}"#)
                return .keepOpen
            }
            peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n")
            waiting.add(1)
            go.wait()
            peer.write("5\r\nlast\n\r\n0\r\n\r\n")
            return .close
        } _: { client, _ in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<followers {
                    group.addTask {
                        var count = 0
                        for try await chunk in try await client.streamLogs(session: "s\(index)", follow: true) {
                            count += chunk.count
                        }
                        return count
                    }
                }
                while waiting.value < followers { try await Task.sleep(for: .milliseconds(20)) }
                // All thousand are open now.
                #expect(try await client.sessionList().sessions.map(\.id) == ["still here"])
                for _ in 0..<followers { go.signal() }
                var complete = 0
                for try await count in group where count == 11 { complete += 1 }
                #expect(complete == followers)
            }
        }
    }
}
