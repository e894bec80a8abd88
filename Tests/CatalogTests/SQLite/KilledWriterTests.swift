import Catalog
import Foundation
import Glibc
import Model
import Pack
import Testing

/// A database file after its writer was killed.
@Suite struct KilledWriterTests {
    /// A child writes without pause and is killed after some milliseconds: every commit is complete or absent,
    /// and every acknowledged one is complete.
    @Test(arguments: [3, 10, 30, 90]) func killedWhileWriting(milliseconds: Int) async throws {
        let store = try TestStore()
        try store.open().close()
        let path = store.path
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, milliseconds = milliseconds as Int] in
            let catalog = try Catalog.open(store: path)
            let acknowledged = Glibc.open(path + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            let killer = Thread {
                usleep(UInt32(milliseconds * 1000))
                kill(getpid(), SIGKILL)
            }
            killer.start()
            for number in 0..<1_000_000 {
                try catalog.commit(DurabilityTests.pack(number))
                let line = Array("\(number)\n".utf8)
                _ = write(acknowledged, line, line.count)
            }
        }
        let catalog = try store.open()
        let found = try catalog.sessions()
        for record in found {
            let number = try #require(Int(record.session.dropFirst("session-".count)))
            #expect(record.members == 20 + number % 50)
            #expect(try catalog.members(record.session).count == record.members)
            #expect(try catalog.crashes(named: record.session).count == 1)
            #expect(try catalog.artifacts(record.session).map(\.entry.state) == [.collected])
        }
        let log = (try? String(contentsOfFile: store.path + "/acknowledged", encoding: .utf8)) ?? ""
        let acknowledged = log.split(separator: "\n").count
        #expect(found.count == acknowledged || found.count == acknowledged + 1)
        // The next process continues normally.
        try catalog.commit(DurabilityTests.pack(1_000_001))
        #expect(try catalog.count() == found.count + 1)
    }
}
