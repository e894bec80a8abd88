import Model
import Testing

@testable import CrashAnalysis

/// Which frames of a stack make the signature.
@Suite struct SignatureStackTests {
    /// Frames as `function`, `module!function` or `module+0x12`.
    private func record(_ kind: String, _ frames: [String], signal: String? = "SIGSEGV") -> CrashRecord {
        var record = CrashRecord(kind: kind)
        record.signal = signal
        record.frames = frames.enumerated().map { index, text in
            var frame = CrashFrame.printed(index, function: nil)
            if text.hasPrefix("@") {
                frame.address = Address(text.dropFirst(1).description.leadingHex ?? 0)
            } else if let bang = text.find("!") {
                frame.module = String(text[..<bang.lowerBound])
                frame.function = String(text[bang.upperBound...])
            } else if let plus = text.findLast("+0x") {
                frame.module = String(text[..<plus.lowerBound])
                frame.offset = Address(("0x" + text[plus.upperBound...]).leadingHex ?? 0)
            } else {
                frame.function = text
            }
            return frame
        }
        SignatureAlgorithm.sign(&record)
        return record
    }

    @Test(arguments: [
        // Handlers that write a report and abort: the crash is below the frame that the kernel made.
        (["raise", "abort", "write_report", "<signal handler called>", "fire_weapon", "main"], "fire_weapon"),
        (
            [
                "game!Report::save", "abort", "game!on_abort", "__restore_rt", "__pthread_kill_implementation", "raise",
                "abort", "game!bug",
            ], "bug"
        ),
        (["funlockfile", "Lichen::BoneGrid::Rebuild"], "Lichen::BoneGrid::Rebuild"),
        (["__sigaction", "Rebuild_Injected"], "Rebuild_Injected"),
        (["game!signal_handler(int, siginfo_t*, void*)", "libc.so.6+0x3c050", "game!Turret::fire"], "Turret::fire"),
        (["game!Report::save", "game!Dump::all", "libc.so.6+0x3c050", "game!Turret::fire"], "Turret::fire"),
        (["game+0x100", "libpthread.so.0+0x12890", "game+0x2000"], "game+0x2000"),
        (["PrintStackTrace", "NonCtrlHandler", "cProtocol::Send"], "cProtocol::Send"),
        (["Logger::writeStacktrace()", "CrashHandler::handler(int)", "killpg", "Furnace::pour"], "Furnace::pour"),
        (["game!CrashReporter::upload", "game!Lobby::tick", "main"], "Lobby::tick"),
        // Frames of machinery only.
        (["__kernel_vsyscall", "raise", "abort", "assert32+0x11f3", "libc.so.6+0x1a"], "assert32+0x11f3"),
        (["libc.so.6!abort", "server+0x10"], "server+0x10"),
        (["libc.so.6!abort", "libc.so.6!raise"], "EMPTY: SIGSEGV"),
        (["@0x7f0012341234", "run_script", "main"], "run_script"), (["@0x7f0012341234"], "EMPTY: SIGSEGV"),
        (["(Unknown)", "at", "Harbor.Crane:Lower (int)"], "Harbor.Crane:Lower"),
        (
            ["libjvm.so!VMError::report_and_die", "libjvm.so!JVM_handle_linux_signal", "Unsafe_PutLong"],
            "Unsafe_PutLong"
        ),
        // A crash inside the C library is attributed to its caller.
        (["libc.so.6!__memcpy_avx_unaligned_erms", "game!Packet::read", "main"], "Packet::read"),
        (["libc.so.6!getenv_r", "game!Config::load", "main"], "getenv_r | Config::load"),
        (["__fortify_fail", "__chk_fail", "__strcpy_chk", "set_name"], "set_name"),
        // Rust, Go, Swift.
        (
            [
                "std[e28293b1aa0f68bd]::backtrace_rs::backtrace::libunwind::trace", "my_hook::{{closure}}",
                "__rustc[b7974e8690430dd9]::rust_begin_unwind", "core[c1f1a4ba060b9bfa]::panicking::panic_fmt",
                "p::seat", "p::main",
                "std::panicking::catch_unwind", "std::rt::lang_start",
            ], "p::seat"
        ),
        (["core::slice::index::<impl core::ops::index::Index<I> for [T]>::index", "rs::take"], "rs::take"),
        (
            ["std::sys::pal::unix::abort_internal", "std::process::abort", "__rustc::__rust_abort", "rsx::take"],
            "rsx::take"
        ),
        (["<core[c1f1a4ba060b9bfa]::option::Option<shop::Seat>>::unwrap", "shop::take"], "shop::take"),
        (["<shop[1a2b3c4d5e6f7081]::Seats>::take", "shop::serve"], "<T>::take | shop::serve"),
        (
            [
                "core::panicking::panic_bounds_check", "<usize as core::slice::index::SliceIndex<[T]>>::index",
                "Tide::advance",
            ], "Tide::advance"
        ),
        (
            ["<shop::Grid as core::ops::index::Index<usize>>::index", "main"],
            "<shop::Grid as core::ops::index::Index<usize>>::index"
        ),
        (["write", "Log::flush", "main"], "write | Log::flush"),
        (["(0x2d8d7c) in Pocket::release(Item&) at", "main"], "Pocket::release"),
        (["memcpy@plt", "strtol@@GLIBC_2.2.5", "Config::load"], "strtol | Config::load"),
        (["runtime/debug.Stack", "main.handler.func1", "panic", "main.damage", "main.main"], "main.damage"),
        (["sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.wait"], "sync.(*WaitGroup).Wait"),
        (
            [
                "closure #1 in closure #1 in _assertionFailure(_:_:file:line:flags:)", "_assertionFailure(_:_:)",
                "specialized Array.subscript.getter", "take(_:_:)",
            ], "take"
        ),
        (["start_thread", "clone"], "EMPTY: SIGSEGV"),
        (["mono_sigsegv_signal_handler", "Tunnel.Digger:Dig ()"], "Tunnel.Digger:Dig"),
        // Names of which the middle differs between versions.
        (["absl::lts_20230125::log_internal::LogMessage::Die()", "Bridge::raise()"], "Bridge::raise"),
        (["FMallocBinned2::Private::OutOfMemory(unsigned long long, unsigned int)", "FBarn::Fill()"], "FBarn::Fill"),
        (["erlang:error/1", "room:seat/2"], "room:seat/2"),
    ]) func leads(frames: [String], wanted: String) {
        let signature = record("gdb", frames).signature
        #expect(signature.hasPrefix("EMPTY") ? signature == wanted : signature.hasSuffix(wanted))
    }

    @Test func theHashForgetsHandlersAndAddresses() {
        let plain = record("gdb", ["fire", "main"]).stackHash
        #expect(
            record("gdb", ["raise", "abort", "report", "<signal handler called>", "fire", "main"]).stackHash == plain)
        #expect(
            record("gdb", ["@0x7f0000001000", "fire"]).stackHash
                == record("gdb", ["@0x7f0000002000", "fire"]).stackHash)
        #expect(record("gdb", ["fire", "other"]).stackHash != plain)
    }

    @Test func aRuleKeepsAHandler() throws {
        var record = record("gdb", ["write_report", "<signal handler called>", "fire"])
        SignatureAlgorithm.sign(&record, rules: SignatureRules(keep: [try #require(SignaturePattern("write_report"))]))
        #expect(record.signature == "write_report")
    }

    @Test func scannedFramesCountWhenOnlyMachineryIsKnown() {
        var record = record("elf_core", ["__kernel_vsyscall", "assert32+0x11f3"], signal: "SIGABRT")
        record.frames[0].trust = .context
        record.frames[1].trust = .scan
        SignatureAlgorithm.sign(&record)
        #expect(record.signature == "abort | assert32+0x11f3")
        #expect(record.signatureQuality == .offset)
    }

    /// No name of the lists may be a signature, in any context.
    @Test func machineryIsNeverASignature() {
        for pattern in SignatureLists.machinery {
            let name = pattern.hasSuffix("*") ? String(pattern.dropLast()) + "x" : pattern
            let alone = record("gdb", [name]).signature
            #expect(["EMPTY: SIGSEGV", "assert", "terminate", "panic"].contains(alone), "\(name)")
            #expect(record("gdb", [name, "Bug::here"]).signature.hasSuffix("Bug::here"), "\(name)")
            #expect(record("gdb", [name, "game+0x10"]).signature.hasSuffix("game+0x10"), "\(name)")
        }
    }
}
