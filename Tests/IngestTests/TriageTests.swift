import Foundation
import Glibc
import Ingest
import Model
import Pack
import PackHome
import Testing

/// Which ends of the child prove that a download is at fault, and which that the machine is.
///
/// The child is a script that dies in a given way if one of its inputs contains POISON, and otherwise runs the real child.
@Suite struct TriageTests {
    private struct ChildScript {
        let stage = try? Stage()
        let folder: String
        let store: String
        let script: String

        /// - Parameters:
        ///   - act: what the script does if an input contains POISON.
        ///   - always: what it does first in any case.
        init(_ act: String, always: String = "") throws {
            folder = try #require(stage).folder
            store = folder + "/store"
            script = folder + "/child"
            try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
            try writeProgram(
                """
                #!/bin/bash
                PATH=/usr/bin:/bin
                \(always)
                for number in 8 9 10; do
                  if [ -e /proc/self/fd/$number ] && grep -q POISON /proc/self/fd/$number; then
                    echo x >> \(folder)/deaths
                    \(act)
                  fi
                done
                exec -a salvage-ingest \(ConfinementProbeTests.salvage) __ingest
                """, to: script)
            try StoreSpool.fill(store, ["bad": "POISON", "good": "good", "fine": "fine"])
        }

        func pack(milliseconds: Int64 = 60_000, order names: [String] = ["bad", "good", "fine"]) throws -> PackedSession
        {
            var limits = IngestLimits()
            limits.unpack.time = milliseconds
            let ingest = StoreIngest(
                store: store, home: home, process: IngestProcess(executable: script), limits: limits)
            return try ingest.pack(
                session: SessionMetadata(session: "s", image: "i"),
                artifacts: names.map { ArtifactEntry(artifact: $0) },
                files: names.enumerated().map { index, name in
                    IngestFile(
                        path: "\(store)/spool/s/\(name)",
                        input: IngestJob.Input(artifact: index, form: .file, name: Array(name.utf8)))
                }, earlier: nil)
        }

        var home: any PackHome { FolderPackHome(store: store) }
        var packs: [String] {
            home.list().packs.map(\.name)
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
        let script = try ChildScript("kill -\(signal) $$; sleep 10")
        let packed = try script.pack()
        #expect(packed.quarantined.map(\.artifact) == [0] && packed.waiting.isEmpty, "\(packed.quarantined)")
        #expect(script.deaths == 6, "three times two lines: with the others, alone, and alone again")
        #expect(!script.isSpooled("bad") && script.isSpooled("good"))
        #expect(packed.artifacts.map(\.state) == [.failed, .collected, .collected])
        let place = try #require(packed.quarantined.first?.place)
        #expect(packed.artifacts.first?.reason?.contains(place) == true)
        #expect(try String(contentsOfFile: script.store + "/" + place, encoding: .utf8) == "POISON")
        #expect(packed.members == 2)
    }

    @Test func aStallTwiceAloneIsProof() throws {
        let script = try ChildScript("exec -a salvage-ingest sleep 1000")
        let packed = try script.pack(milliseconds: 3000)
        #expect(packed.quarantined.map(\.artifact) == [0] && packed.members == 2)
    }

    @Test func aKillFromOutsideIsNone() throws {
        let script = try ChildScript("kill -KILL $$; sleep 10")
        let packed = try script.pack()
        #expect(packed.quarantined.isEmpty && script.quarantine.isEmpty)
        #expect(packed.waiting.keys.sorted() == [0] && packed.waiting[0]?.contains("killed from outside") == true)
        #expect(packed.members == 2 && script.isSpooled("bad"))
    }

    @Test func aChildThatSomebodyStoppedIsNone() throws {
        let script = try ChildScript("kill -STOP $$; sleep 10")
        let packed = try script.pack(milliseconds: 3000)
        #expect(packed.quarantined.isEmpty && packed.waiting[0]?.contains("stopped") == true, "\(packed.waiting)")
        #expect(packed.members == 2 && script.isSpooled("bad"))
    }

    /// Too much at once for this machine, in time or memory: the child succeeds with each download alone.
    @Test(arguments: ["kill -SEGV $$; sleep 10", "kill -KILL $$; sleep 10"])
    func whatIsGoodAloneIsPackedOneAfterTheOther(end: String) throws {
        let script = try ChildScript("", always: "[ -e /proc/self/fd/9 ] && { \(end); }")
        let packed = try script.pack()
        #expect(packed.quarantined.isEmpty && packed.waiting.isEmpty, "\(packed.waiting)")
        #expect(packed.artifacts.map(\.state) == [.collected, .collected, .collected])
        #expect(packed.verdicts.map(\.artifact) == [0, 1, 2])
        #expect(packed.members == 3 && packed.reader.members.count == 3)
        #expect(script.packs == ["s.pack"])
    }

    /// Together with the earlier pack one of them is too much: it waits, and the others are packed.
    @Test func ofThoseThatArePackedOneAfterTheOtherOneMayWait() throws {
        let script = try ChildScript(
            "[ -s /proc/self/fd/4 ] && kill -KILL $$", always: "[ -e /proc/self/fd/9 ] && { kill -KILL $$; sleep 10; }")
        let packed = try script.pack(order: ["good", "bad", "fine"])
        #expect(packed.waiting.keys.sorted() == [1] && packed.quarantined.isEmpty, "\(packed.waiting)")
        #expect(packed.artifacts.map(\.state) == [.collected, .pending, .collected])
        #expect(packed.members == 2 && script.isSpooled("bad"))
    }

    @Test func whatLiesInQuarantineIsNotReplaced() throws {
        let script = try ChildScript("kill -SEGV $$; sleep 10")
        for number in 0..<2 {
            try StoreSpool.fill(script.store, ["bad": "POISON \(number)", "good": "good", "fine": "fine"])
            let packed = try script.pack()
            let place = try #require(packed.quarantined.first?.place)
            #expect(place.hasSuffix("/0-bad" + (number == 0 ? "" : ".\(number)")))
        }
        for (name, text) in [("0-bad", "POISON 0"), ("0-bad.1", "POISON 1")] {
            let path = "\(script.store)/spool/.quarantine/s/\(name)"
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
    }

    @Test func aQuarantineThatCannotBeLookedAtIsNoFreePlace() throws {
        let script = try ChildScript("kill -SEGV $$; sleep 10")
        // A link to itself: what is there cannot be known.
        try FileManager.default.createDirectory(
            atPath: script.store + "/spool/.quarantine", withIntermediateDirectories: true)
        #expect(symlink("s", script.store + "/spool/.quarantine/s") == 0)
        let error = #expect(throws: IngestError.self) { try script.pack() }
        #expect(error?.code == .localFault, "\(String(describing: error))")
        #expect(script.isSpooled("bad") && script.isSpooled("good"))
    }

    @Test func anEndWithoutAnAnswerIsNone() throws {
        let script = try ChildScript("exit 3")
        let packed = try script.pack()
        #expect(packed.quarantined.isEmpty && packed.waiting[0]?.contains("exited with code 3") == true)
    }

    @Test func aCrashThatDoesNotComeBackCostsNothing() throws {
        let script = try ChildScript(
            "[ $(wc -l < $0.count 2>/dev/null || echo 0) -ge 1 ] || { echo x >> $0.count; kill -SEGV $$; }")
        let packed = try script.pack()
        #expect(packed.quarantined.isEmpty && packed.waiting.isEmpty && packed.members == 3)
    }

    @Test func whereEveryChildDiesTheMachineIsToBlame() throws {
        let script = try ChildScript("", always: "kill -SEGV $$; sleep 10")
        let error = #expect(throws: IngestError.self) { try script.pack() }
        #expect(
            error?.code == .spawn && error?.message.contains("even with no input") == true,
            "\(String(describing: error))")
        #expect(script.quarantine.isEmpty && script.isSpooled("bad") && script.isSpooled("good"))
    }

    @Test func aFileThatCannotBeOpenedWaits() throws {
        let script = try ChildScript("")
        unlink(script.store + "/spool/s/bad")
        #expect(symlink("/proc/self/mem-of-nobody", script.store + "/spool/s/bad") == 0)
        let packed = try script.pack()
        #expect(packed.waiting.keys.sorted() == [0] && packed.members == 2 && packed.quarantined.isEmpty)
    }

    @Test func aChildThatCannotBeStartedSparesTheSpool() throws {
        let script = try ChildScript("")
        unlink(script.script)
        let error = #expect(throws: IngestError.self) { try script.pack() }
        #expect(error?.code == .spawn)
        #expect(script.quarantine.isEmpty && script.isSpooled("bad"))
    }
}
