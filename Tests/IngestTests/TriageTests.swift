import Foundation
import Glibc
import Ingest
import Pack
import Testing

/// Which ends of the child prove that a download is to blame, and which the machine answers for.
///
/// The child is a script that dies as told where one of its inputs holds POISON, and else becomes the real one.
@Suite struct TriageTests {
    private struct Bench {
        let stage = try? Stage()
        let folder: String
        let store: String
        let script: String

        /// - Parameters:
        ///   - act: what the script does with poison among its inputs.
        ///   - always: what it does in any case, before.
        init(_ act: String, always: String = "") throws {
            folder = try #require(stage).folder
            store = folder + "/store"
            script = folder + "/child"
            try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
            try """
            #!/bin/bash
            PATH=/usr/bin:/bin
            \(always)
            for number in 7 8 9; do
              if [ -e /proc/self/fd/$number ] && grep -q POISON /proc/self/fd/$number; then
                echo x >> \(folder)/deaths
                \(act)
              fi
            done
            exec -a salvage-ingest \(ConfinementProbeTests.salvage) __ingest
            """.write(toFile: script, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
            try StoreSpool.fill(store, ["bad": "POISON", "good": "good", "fine": "fine"])
        }

        func pack(milliseconds: Int64 = 60_000, order names: [String] = ["bad", "good", "fine"]) throws -> PackedSession
        {
            var limits = IngestLimits()
            limits.milliseconds = milliseconds
            let ingest = StoreIngest(store: store, process: IngestProcess(executable: script), limits: limits)
            return try ingest.pack(
                session: SessionFacts(session: "s", image: "i"), artifacts: names.map { ArtifactEntry(artifact: $0) },
                files: names.enumerated().map { index, name in
                    IngestFile(
                        path: "\(store)/spool/s/\(name)",
                        input: IngestJob.Input(artifact: index, form: .file, name: Array(name.utf8)))
                }, earlier: nil)
        }

        var packs: [String] {
            StorePacks.list(store: store).packs.map(\.name)
        }
        var deaths: Int { (try? String(contentsOfFile: folder + "/deaths", encoding: .utf8))?.count ?? 0 }
        var quarantine: [String] {
            FileManager.default.enumerator(atPath: store + "/spool/.quarantine")?.compactMap { $0 as? String } ?? []
        }
        func isSpooled(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(store)/spool/s/\(name)") }
    }

    private enum StoreSpool {
        static func fill(_ store: String, _ files: [String: String]) throws {
            try FileManager.default.createDirectory(atPath: store + "/spool/s", withIntermediateDirectories: true)
            for (name, text) in files {
                try text.write(toFile: "\(store)/spool/s/\(name)", atomically: false, encoding: .utf8)
            }
        }
    }

    // Others than these are blocked in the threads that tests run on, and so in their children.
    @Test(arguments: ["SEGV", "ILL", "BUS", "SYS", "TRAP", "FPE"])
    func aCrashTwiceAloneIsProof(signal: String) throws {
        let bench = try Bench("kill -\(signal) $$; sleep 10")
        let packed = try bench.pack()
        #expect(packed.quarantined.map(\.artifact) == [0] && packed.waiting.isEmpty, "\(packed.quarantined)")
        #expect(bench.deaths == 6, "three times two lines: with the others, alone, and alone again")
        #expect(!bench.isSpooled("bad") && bench.isSpooled("good"))
        #expect(packed.artifacts.map(\.state) == [.failed, .collected, .collected])
        let place = try #require(packed.quarantined.first?.place)
        #expect(packed.artifacts.first?.reason?.contains(place) == true)
        #expect(try String(contentsOfFile: bench.store + "/" + place, encoding: .utf8) == "POISON")
        #expect(packed.members == 2)
    }

    @Test func aStallTwiceAloneIsProof() throws {
        let bench = try Bench("exec -a salvage-ingest sleep 1000")
        let packed = try bench.pack(milliseconds: 3000)
        #expect(packed.quarantined.map(\.artifact) == [0] && packed.members == 2)
    }

    @Test func aKillFromOutsideIsNone() throws {
        let bench = try Bench("kill -KILL $$; sleep 10")
        let packed = try bench.pack()
        #expect(packed.quarantined.isEmpty && bench.quarantine.isEmpty)
        #expect(packed.waiting.keys.sorted() == [0] && packed.waiting[0]?.contains("killed from outside") == true)
        #expect(packed.members == 2 && bench.isSpooled("bad"))
    }

    @Test func aChildThatSomebodyStoppedIsNone() throws {
        let bench = try Bench("kill -STOP $$; sleep 10")
        let packed = try bench.pack(milliseconds: 3000)
        #expect(packed.quarantined.isEmpty && packed.waiting[0]?.contains("stopped") == true, "\(packed.waiting)")
        #expect(packed.members == 2 && bench.isSpooled("bad"))
    }

    /// Too much at once for this machine, be it time or memory: the child gets through each alone.
    @Test(arguments: ["kill -SEGV $$; sleep 10", "kill -KILL $$; sleep 10"])
    func whatIsGoodAloneIsPackedOneAfterTheOther(end: String) throws {
        let bench = try Bench("", always: "[ -e /proc/self/fd/8 ] && { \(end); }")
        let packed = try bench.pack()
        #expect(packed.quarantined.isEmpty && packed.waiting.isEmpty, "\(packed.waiting)")
        #expect(packed.artifacts.map(\.state) == [.collected, .collected, .collected])
        #expect(packed.verdicts.map(\.artifact) == [0, 1, 2])
        #expect(packed.members == 3 && packed.reader.members.count == 3)
        #expect(bench.packs == ["s.pack"])
    }

    /// Beside what the earlier pack holds one of them is too much: it waits, the others are packed.
    @Test func ofThoseThatArePackedOneAfterTheOtherOneMayWait() throws {
        let bench = try Bench(
            "[ -s /proc/self/fd/4 ] && kill -KILL $$", always: "[ -e /proc/self/fd/8 ] && { kill -KILL $$; sleep 10; }")
        let packed = try bench.pack(order: ["good", "bad", "fine"])
        #expect(packed.waiting.keys.sorted() == [1] && packed.quarantined.isEmpty, "\(packed.waiting)")
        #expect(packed.artifacts.map(\.state) == [.collected, .pending, .collected])
        #expect(packed.members == 2 && bench.isSpooled("bad"))
    }

    @Test func whatLiesInQuarantineIsNotReplaced() throws {
        let bench = try Bench("kill -SEGV $$; sleep 10")
        for number in 0..<2 {
            try StoreSpool.fill(bench.store, ["bad": "POISON \(number)", "good": "good", "fine": "fine"])
            let packed = try bench.pack()
            let place = try #require(packed.quarantined.first?.place)
            #expect(place.hasSuffix("/0-bad" + (number == 0 ? "" : ".\(number)")))
        }
        for (name, text) in [("0-bad", "POISON 0"), ("0-bad.1", "POISON 1")] {
            let path = "\(bench.store)/spool/.quarantine/s/\(name)"
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
    }

    @Test func aQuarantineThatCannotBeLookedAtIsNoFreePlace() throws {
        let bench = try Bench("kill -SEGV $$; sleep 10")
        // A link to itself: what lies there cannot be told.
        try FileManager.default.createDirectory(
            atPath: bench.store + "/spool/.quarantine", withIntermediateDirectories: true)
        #expect(symlink("s", bench.store + "/spool/.quarantine/s") == 0)
        let error = #expect(throws: IngestError.self) { try bench.pack() }
        #expect(error?.code == .localFault, "\(String(describing: error))")
        #expect(bench.isSpooled("bad") && bench.isSpooled("good"))
    }

    @Test func anEndWithoutAnAnswerIsNone() throws {
        let bench = try Bench("exit 3")
        let packed = try bench.pack()
        #expect(packed.quarantined.isEmpty && packed.waiting[0]?.contains("exited with code 3") == true)
    }

    @Test func aCrashThatDoesNotComeBackCostsNothing() throws {
        let bench = try Bench(
            "[ $(wc -l < $0.count 2>/dev/null || echo 0) -ge 1 ] || { echo x >> $0.count; kill -SEGV $$; }")
        let packed = try bench.pack()
        #expect(packed.quarantined.isEmpty && packed.waiting.isEmpty && packed.members == 3)
    }

    @Test func whereEveryChildDiesTheMachineIsToBlame() throws {
        let bench = try Bench("", always: "kill -SEGV $$; sleep 10")
        let error = #expect(throws: IngestError.self) { try bench.pack() }
        #expect(
            error?.code == .spawn && error?.message.contains("without input") == true, "\(String(describing: error))")
        #expect(bench.quarantine.isEmpty && bench.isSpooled("bad") && bench.isSpooled("good"))
    }

    @Test func aFileThatCannotBeOpenedWaits() throws {
        let bench = try Bench("")
        unlink(bench.store + "/spool/s/bad")
        #expect(symlink("/proc/self/mem-of-nobody", bench.store + "/spool/s/bad") == 0)
        let packed = try bench.pack()
        #expect(packed.waiting.keys.sorted() == [0] && packed.members == 2 && packed.quarantined.isEmpty)
    }

    @Test func aChildThatCannotBeStartedSparesTheSpool() throws {
        let bench = try Bench("")
        unlink(bench.script)
        let error = #expect(throws: IngestError.self) { try bench.pack() }
        #expect(error?.code == .spawn)
        #expect(bench.quarantine.isEmpty && bench.isSpooled("bad"))
    }
}
