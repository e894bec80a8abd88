import Foundation
import Testing

/// The child of an ingest is killed, or the ingest itself.
@Suite struct ConfinedChildTests {
    /// Processes that are the confined children of a process.
    static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { process in
            guard let facts = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                let command = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8),
                command.hasPrefix("salvage-ingest")
            else { return false }
            let rest = facts.split(separator: ")").last?.split(separator: " ") ?? []
            return rest.count > 1 && Int32(rest[1]) == parent
        }
    }

    @Test func aKilledChildCostsNothing() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        // Long enough to be caught.
        try shell(
            """
            cd \(scratch.url.path) && mkdir -p Big Good && seq 1 40000000 > Big/big.log && tar czf big.tar.gz Big \
            && rm -r Big && echo good > Good/good.log && tar czf good.tar.gz Good
            """)
        let before = Scratch.listing(scratch.url.path, leavingOut: "store")
        let running = try Program.start(
            ["ingest", "--store", store, "--session", "s", scratch.path("big.tar.gz"), scratch.path("good.tar.gz")])
        // The first child has both files, the second the large one alone. SIGKILL is what the kernel does when memory is
        // short, and proves nothing about a file.
        var killed: Set<Int32> = []
        for _ in 0..<30_000 where killed.count < 2 && running.process.isRunning {
            for child in Self.children(of: running.process.processIdentifier) where !killed.contains(child) {
                if kill(child, SIGKILL) == 0 { killed.insert(child) }
            }
            // Blocks on purpose: other tests must not keep this one from looking.
            usleep(1000)
        }
        let outcome = running.wait()
        try #require(killed.count == 2, "\(outcome.out)\(outcome.err)")
        #expect(outcome.status == 3, "\(outcome.out)\(outcome.err)")
        #expect(outcome.err.contains("killed from outside") && outcome.err.contains("big.tar.gz"), "\(outcome.err)")
        #expect(outcome.out.contains("good.tar.gz: ok"), "\(outcome.out)")
        #expect(Scratch.listing(scratch.url.path, leavingOut: "store") == before)
        #expect(!FileManager.default.fileExists(atPath: store + "/spool/.quarantine"))
        #expect(try Program.run(["verify", "--store", store]).status == 0)
        #expect(try Program.run(["cat", "s", "good.log", "--store", store]).out == "good\n")
        #expect(Scratch.listing(store).filter { $0.contains(".new/") }.isEmpty)
        // Later, undisturbed, all of it is packed.
        let again = try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("big.tar.gz")])
        #expect(again.status == 0, "\(again.err)")
        #expect(try Program.run(["grep", "--store", store, "-q", "^39999999$"]).status == 0)
        #expect(try Program.run(["cat", "s", "good.log", "--store", store]).out == "good\n")
    }

    @Test func aDownloadThatCrashesItsReaderTwiceAloneGoesToQuarantine() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        try shell(
            """
            cd \(scratch.url.path) && mkdir -p Big Good && seq 1 40000000 > Big/big.log && tar czf big.tar.gz Big \
            && rm -r Big && echo good > Good/good.log && tar czf good.tar.gz Good
            """)
        let running = try Program.start(
            ["ingest", "--store", store, "--session", "s", scratch.path("big.tar.gz"), scratch.path("good.tar.gz")])
        // Both, the large one alone, none at all, and the large one again.
        var seen: Set<Int32> = []
        for _ in 0..<60_000 where running.process.isRunning {
            for child in Self.children(of: running.process.processIdentifier) where !seen.contains(child) {
                // The one with nothing to read has no descriptor behind those that every child has.
                let inputs = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(child)/fd")) ?? []
                guard inputs.contains("7"),
                    let file = try? FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/\(child)/fd/8"), file.hasSuffix("big.tar.gz")
                else { continue }
                if kill(child, SIGSEGV) == 0 { seen.insert(child) }
            }
            usleep(1000)
        }
        let outcome = running.wait()
        try #require(seen.count == 3, "\(seen.count) \(outcome.out)\(outcome.err)")
        #expect(outcome.status == 3 && outcome.err.contains("quarantine"), "\(outcome.out)\(outcome.err)")
        #expect(outcome.out.contains("good.tar.gz: ok"), "\(outcome.out)")
        // The user's own file stays where it is, and its bytes are kept in the store.
        let kept = try shell(
            "find \(store)/spool/.quarantine -type f -exec cmp {} \(scratch.path("big.tar.gz")) \\; -print")
        #expect(kept.out.split(separator: "\n").count == 1, "\(kept.out)")
        let why = try Program.run(["why", "s", "--store", store])
        #expect(why.out.contains("killed") && why.out.contains("failed"), "\(why.out)")
        // Back from there as the documentation says.
        let file = kept.out.split(separator: "\n").first.map(String.init) ?? ""
        let again = try Program.run(["ingest", "--store", store, "--session", "s", file])
        #expect(again.status == 0, "\(again.err)")
        #expect(try Program.run(["grep", "--store", store, "-q", "^39999999$"]).status == 0)
    }

    @Test func processesThatHoldTheTokenLeaveNoCoreDump() async throws {
        let scratch = try Scratch()
        let control = try shell(
            "cd \(scratch.url.path) && mkdir c && cd c && ulimit -c unlimited && sh -c 'kill -SEGV $$'; ls")
        guard control.out.contains("core") else {
            print("skipped: core dumps do not land in the working folder on this machine")
            return
        }
        // A server that takes connections and never answers.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name -> UInt16 in
                guard bind(listener, name, length) == 0, listen(listener, 8) == 0,
                    getsockname(listener, name, &length) == 0
                else { return 0 }
                return pointer.pointee.sin_port.bigEndian
            }
        }
        try #require(port != 0)
        for command in ["harvest", "watch", "api session-list"] {
            let folder = scratch.path(command.split(separator: " ")[0] + "-cwd")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = [
                "-c", "cd \(folder) && ulimit -c unlimited && exec \(Program.salvage.path) \(command)",
            ]
            process.environment = [
                "GAMEYE_API_TOKEN": "a-secret-token", "SALVAGE_API_URL": "http://127.0.0.1:\(port)",
                "SALVAGE_STORE": scratch.path("store-\(port)"), "SWIFT_BACKTRACE": "enable=no",
            ]
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            var limits = ""
            for _ in 0..<200 {
                limits =
                    (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/limits", encoding: .utf8)) ?? ""
                if limits.contains(/Max core file size +0 +0/) { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(limits.contains(/Max core file size +0 +0/), "\(command): \(limits)")
            kill(process.processIdentifier, SIGSEGV)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal, "\(command)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(!left.contains { $0.contains("core") }, "\(command): \(left)")
        }
    }
}
