import Model
import Testing

@testable import CrashAnalysis

/// The rows of `corpora/field/text` for native programs and engines; the values are those of its `expected.tsv`.
@Suite(.needsCorpora) struct FieldNativeTests {
    private func records(_ name: String) throws -> [CrashRecord] {
        CrashMerger.merge(try Corpora.analyze("field/text/\(name).log"))
    }

    private func only(_ name: String) throws -> CrashRecord {
        let crashes = try records(name).filter(\.isCrash)
        #expect(crashes.count == 1)
        return try #require(crashes.first)
    }

    /// The innermost frames that are named, as signatures see them.
    private func names(_ record: CrashRecord) -> [String] {
        record.frames.compactMap { $0.function.map(SignatureNames.normalise) }
    }

    @Test func unrealWithoutSymbols() throws {
        let record = try only("01-palserver_unknown")
        #expect(record.kind == "unreal")
        #expect(record.signal == "SIGSEGV")
        #expect(record.address == Address(0x18))
        #expect(record.access == "read")
        #expect(record.frames.map(\.function) == [nil, nil, nil, nil, nil])
        #expect(record.frames.map(\.offset?.value) == [0x6a41a3b, 0x6a40f10, 0x59bb021, 0x40c0d12, 0x2a1c9])
        #expect(record.signature.hasPrefix("GroveServer-Linux-Shipping+0x6a41a3b"))
    }

    @Test func unrealFatalErrorsHaveTheirText() throws {
        let low = try only("05-ue_lowlevelfatal")
        #expect(low.message == "Bad package summary in ../../../Grove/Content/Biome_3.uasset")
        #expect(low.signature.hasPrefix("fatal error | Bad package summary in "))
        let bare = try only("06-ue_lowlevel_bare")
        #expect(bare.message == "Pure virtual not implemented (AHollowGate)")
        #expect(bare.signature.contains("Pure virtual not implemented"))
    }

    @Test func unrealCrashFile() throws {
        let record = try only("07-ue_crashstack_utf8")
        #expect(record.exception == "EXCEPTION_ACCESS_VIOLATION")
        #expect(record.address == Address(0x18))
        #expect(record.access == "write")
        #expect(record.frames.count == 4)
        #expect(record.signature.hasPrefix("GroveDedicated.exe+0x3e2e348"))
    }

    @Test func ensureEndsWithItsOwnStack() throws {
        let after = try records("101-ue_ensure_then_crash")
        #expect(after.map(\.isCrash) == [true, false])
        #expect(after.first?.signal == "SIGSEGV")
        #expect(after.first?.frames.first?.function == "AMossTurret::FireAt(AActor*, FVector const&)")
        #expect(after.last?.exception == "ensure")
        #expect(after.last?.frames.map(\.function) == ["ALamp::Glow()", "ALamp::Tick(float)"])
        let crash = try only("102-ue_ensure_with_crash_other_thread_mid")
        #expect(crash.exception == "assertion")
        #expect(crash.message == "Slots.IsValidIndex(Slot)")
        #expect(crash.frames.first?.function == "UBag::Take(int)")
    }

    @Test func unrealLoopIsThreeCrashes() throws {
        let records = try Corpora.analyze("field/text/ue-crash-loop.log")
        #expect(records.filter(\.isCrash).count == 3)
        #expect(Set(records.map(\.signature)).count == 1)
    }

    @Test func unrealAddressesDoNotSplit() throws {
        let runs = try ["76-ue_so_unknown_aslr-run1", "76-ue_so_unknown_aslr-run2"].map(only)
        #expect(runs[0].signature == runs[1].signature)
        #expect(runs[0].signature.hasPrefix("libGroveServer-Grove-Linux-Shipping.so+0x51a3b"))
    }

    @Test func unrealFramesWithoutAddresses() throws {
        let record = try only("77-ue_addressless")
        #expect(record.frames.count == 5)
        #expect(record.frames.first?.line == 212)
        #expect(record.frames.last?.function == "__libc_start_main")
        #expect(record.signature.hasPrefix("AMossTurret::FireAt"))
    }

    @Test(arguments: [
        ("09-unity_supervisord", "Lichen::BoneGrid::Rebuild"), ("63-unity_unknown_frames", "Harbor.Crane:Lower"),
        ("85-unity_sigaction", "BoneGrid_CUSTOM_Rebuild_Injected"),
    ])
    func unityNamesTheProgram(file: String, function: String) throws {
        let record = try only(file)
        #expect(record.kind == "unity")
        #expect(record.signal == "SIGSEGV")
        #expect(names(record).contains(function))
        #expect(record.signature.hasPrefix(function))
    }

    @Test func unityAndMono() throws {
        let new = try only("11-unity_native_mono")
        #expect(new.kind == "unity")
        #expect(new.signal == "SIGSEGV")
        #expect(new.frames[3].module == "tunnelclient.so")
        #expect(new.signature.hasPrefix("Tunnel.") || new.signature.hasPrefix("tunnelclient.so"))
        let old = try only("12-mono_old")
        #expect(old.kind == "mono")
        #expect(old.signal == "SIGSEGV")
        #expect(old.frames.first?.module == "mono")
        #expect(old.frames.first?.offset == Address(0xc8514))
    }

    @Test func unityOnWindows() throws {
        let record = try only("13-unity_win_outputting")
        #expect(record.frames.count == 5)
        #expect(record.frames.map(\.module).first == "UnityPlayer")
        #expect(names(record).contains("VaultDoor_Toggle_m0C2A"))
    }

    @Test func sourceServers() throws {
        let runs = try ["15-srcds_line_hlcmd-run1", "15-srcds_line_hlcmd-run2"].map(only)
        #expect(runs.map(\.pid) == [4242, 31877])
        #expect(runs.map(\.signal) == ["SIGSEGV", "SIGSEGV"])
        #expect(runs[0].signature == runs[1].signature)
        let sections = try Corpora.analyze("field/text/16-srcds_debug_log.log")
        #expect(sections.map(\.kind) == ["gdb", "gdb"])
        #expect(sections.map(\.signal) == ["SIGSEGV", "SIGSEGV"])
        #expect(sections.map(\.frames.count) == [4, 4])
        #expect(sections[0].signature == sections[1].signature)
        #expect(sections[0].signature.hasPrefix("CMarshGate::SetTransmit"))
    }

    @Test func weakEvidence() throws {
        let shell = try only("36-shell_killed")
        #expect(shell.signal == "SIGKILL")
        #expect(shell.pid == 4242)
        #expect(shell.notes.contains { $0.hasPrefix("weak evidence") })
        let kernel = try only("38-dmesg_oom")
        #expect(kernel.signal == "SIGKILL")
        #expect(kernel.executable == "fern_dedi")
        #expect(kernel.pid == 4242)
        #expect(kernel.signature.hasPrefix("oom | "))
    }

    @Test func journalOfCoredump() throws {
        let record = try only("39-systemd_coredump")
        #expect(record.kind == "systemd_coredump")
        #expect(record.signal == "SIGSEGV")
        #expect(record.pid == 4242)
        #expect(record.executable == "fernd")
        #expect(record.frames.count == 5)
        #expect(record.frames.map(\.function).contains("Ferns::GrowU(int)"))
        #expect(record.signature.hasPrefix("Ferns::GrowU"))
    }

    @Test func wine() throws {
        let record = try only("46-wine_pagefault")
        #expect(record.exception == "EXCEPTION_ACCESS_VIOLATION")
        #expect(record.address == Address(0))
        #expect(record.access == "write")
        #expect(record.frames.count == 3)
        #expect(record.frames.first?.offset == Address(0x5e7762c))
        #expect(record.signature.hasPrefix("ember_server+0x5e7762c"))
    }

    @Test func terminateOfBedrock() throws {
        let record = try only("48-bedrock_libcxxabi")
        #expect(record.exception == "std::__1::system_error")
        #expect(record.message == "Operation not permitted")
        #expect(record.signature.hasPrefix("terminate | std::__1::system_error"))
    }

    @Test(arguments: [
        ("50-endstone_cpptrace", "cpptrace", "Pocket::release"),
        ("51-backtrace_symbols_cub", "backtrace_symbols", "cProtocolX::SendListUpdate"),
        ("59-factorio_linux", "factorio", "Furnace::pour"),
    ])
    func handlersStandAboveTheCrash(file: String, kind: String, function: String) throws {
        let record = try only(file)
        #expect(record.kind == kind)
        #expect(record.signal == "SIGSEGV")
        #expect(names(record).contains(function))
        #expect(record.signature.hasPrefix(function))
    }

    @Test func godotAtAFixedAddress() throws {
        let record = try only("61-godot_relative_stripped")
        #expect(record.kind == "godot")
        #expect(record.signal == "SIGSEGV")
        #expect(record.frames.count == 5)
        #expect(record.signature.contains("0x475b918"))
    }

    @Test func raceIsSurvived() throws {
        let records = try records("73-tsan_fatal")
        #expect(records.map(\.kind) == ["error"])
        #expect(records.first?.detector == "tsan")
        #expect(records.first?.frames.first?.function == "Pier::add(int)")
        #expect(records.first?.frames.first?.module == "pierd")
    }

    @Test func glibcLeadsOverTheShell() throws {
        let record = try only("80-glibc_compose")
        #expect(record.kind == "glibc")
        #expect(record.message == "free(): invalid pointer")
        #expect(record.pid == 4242)
        #expect(record.signature == "abort | free(): invalid pointer")
    }

    @Test func secondDeathOfALogIsItsOwn() throws {
        let records = try Corpora.analyze("field/text/93-two_bugs_restart.log")
        #expect(records.filter(\.isCrash).map(\.kind) == ["unity", "shell"])
    }

    @Test(arguments: ["clean-F6-hitch-stack", "clean-chat"]) func cleanLogs(file: String) throws {
        #expect(try records(file).allSatisfy { !$0.isCrash })
    }

    private static let supervisors: [(name: String, wrap: @Sendable (String) -> String)] = [
        ("compose", { "fern-1  | " + $0 }), ("Kubernetes", { "2026-11-20T21:03:09.123456789Z stderr F " + $0 }),
        ("docker -t", { "2026-11-20T21:03:09.123456789Z " + $0 }), ("pm2", { "0|arena  | " + $0 }),
        ("syslog", { "Nov 20 21:03:09 node3 srv[42]: " + $0 }), ("colour", { "\u{1b}[31m" + $0 + "\u{1b}[0m" }),
        ("journal", { "2026-11-20T21:03:09+0000 node3 srv[42]: " + $0 }), ("carriage return", { $0 + "\r" }),
    ]

    /// Prefixes that supervisors add to every line change nothing.
    @Test(arguments: supervisors.indices) func supervisorsAreTakenOff(index: Int) throws {
        let supervisor = Self.supervisors[index]
        let skipped = ["09-", "80-", "clean-chat", "08-"]
        for name in Corpora.names("field/text") where name.hasSuffix(".log") && !skipped.contains(where: name.hasPrefix)
        {
            let text = try Corpora.text("field/text/" + name)
            let bare = CrashAnalyzer().analyze(source: MemoryByteSource(Array(text.utf8)), name: name)
            guard let first = bare.first, Self.native.contains(first.detector) else { continue }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            let wrapped = lines.map { supervisor.wrap(String($0)) + "\n" }.joined()
            let records = CrashAnalyzer().analyze(source: MemoryByteSource(Array(wrapped.utf8)), name: name)
            #expect(records.map(\.signature) == bare.map(\.signature), "\(supervisor.name) \(name)")
            #expect(records.map(\.kind) == bare.map(\.kind), "\(supervisor.name) \(name)")
        }
    }

    /// The prefixes of a game's log: of its own lines, and of lines that players type.
    private static let chats: [(own: String, typed: String)] = [
        ("[2026.11.20-21.03.09:137][ 17]LogNet: ", "[2026.11.20-21.03.09:137][ 17]LogChat: Display: [Bob] "),
        ("server: ", "<Bob> "), ("server ", "Bob: "), ("[21:03:09] ", "[21:03:09] <Bob> "),
        ("[21:03:09] ", "[21:03:09] Bob: "),
        ("[21:03:09] [Server thread/INFO]: ", "[21:03:09] [Server thread/INFO]: <Bob> "),
        ("2026-11-20 21:03:09 [info] ", "2026-11-20 21:03:09 [info] Bob: "), ("", "[CHAT] Bob: "),
        ("L 11/20/2026 - 21:03:09: ", "L 11/20/2026 - 21:03:09: \"Bob<2><STEAM_1:0:1><CT>\" say \""),
        ("2026-11-20T21:03:09Z ", "2026-11-20T21:03:09Z chat Bob says "),
        ("[2026-11-20 21:03:09:137 INFO] ", "[2026-11-20 21:03:09:137 INFO] <Bob> "),
        ("  21.300 ", "  21.300 2026-11-20 21:03:09 [CHAT] Bob: "),
    ]

    /// Whole reports typed into chat, line by line, in a log that continues.
    @Test(arguments: chats.indices) func typedReportsAreNoCrash(chat: Int) throws {
        let (own, typed) = Self.chats[chat]
        let before = (0..<30).map { own + "tick \($0) took \($0 % 7) ms\n" }.joined()
        for name in Corpora.names("field/text") where name.hasSuffix(".log") && !name.hasPrefix("clean") {
            let report = try Corpora.text("field/text/" + name).split(separator: "\n").prefix(100).map {
                typed + $0 + "\n"
            }
            let text = before + report.joined() + before
            let records = CrashAnalyzer().analyze(source: MemoryByteSource(Array(text.utf8)), name: name)
            let crashes = records.filter { $0.isCrash && Self.native.contains($0.detector) }.map(\.signature)
            #expect(crashes == [], "\(typed) \(name)")
        }
    }

    private static let native: Set<String> = [
        "unreal", "unity", "mono", "godot", "source", "factorio", "luanti", "bedrock", "cpptrace", "crashdetect",
        "backtrace_symbols", "box64", "wine", "systemd_coredump", "kernel", "exit", "shell", "stack", "gdb", "glibc",
        "assert", "cxx", "asan", "tsan", "msan", "lsan", "ubsan",
    ]
}
