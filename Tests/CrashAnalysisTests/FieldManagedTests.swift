import Model
import Testing

@testable import CrashAnalysis

/// The managed and language formats of `corpora/field/text`, as its `expected.tsv` says.
@Suite(.needsCorpora) struct FieldManagedTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var file: String
        var exception: String?
        var signal: String?
        var function: String?
        /// How the signature begins.
        var signature: String?
        var testDescription: String { file }
    }

    static let crashes = [
        Row(file: "109-python_main_then_exit_lines", exception: "LookupError", function: "pair"),
        Row(file: "111-node_uncaught_then_pm2", exception: "TypeError", function: "Duel.onHit"),
        Row(file: "node-uncaught-pm2-exit", exception: "TypeError", function: "Duel.onHit"),
        Row(file: "21-jvm_insufficient_memory", signature: "oom"),
        Row(file: "22-mc_crash_report_file", exception: "java.lang.NullPointerException"),
        Row(
            file: "23-mc_console_tick_loop", exception: "java.lang.NullPointerException",
            function: "dev.mossy.sprout.SproutBlockEntity.serverTick"),
        Row(
            file: "24-paper_watchdog_fatal", exception: "hang", function: "java.util.HashMap.getNode",
            signature: "hang | java.util.HashMap.getNode | dev.brook.claims.ClaimIndex.lookup"),
        Row(
            file: "28-rust_191_tid", exception: "panic",
            signature: "panic | grotto_server::sys::tide::TideSystem::advance"),
        Row(file: "31-node_oom_pm2", signal: "SIGABRT", signature: "oom"),
        Row(
            file: "41-dotnet_fatal_av", exception: "System.AccessViolationException", signal: "SIGSEGV",
            function: "Quarry.Native.LibSheet.blit",
            signature: "System.AccessViolationException | Quarry.Native.LibSheet.blit"),
        Row(
            file: "43-dotnet_stackoverflow", function: "Quarry.World.Vein.Flood",
            signature: "stack overflow | Quarry.World.Vein.Flood"),
        Row(file: "64-java_oom_exit", exception: "java.lang.OutOfMemoryError", signature: "oom"),
        Row(
            file: "79-java_main_then_lines", exception: "java.lang.IllegalStateException",
            function: "lodge.maps.Maps.load"),
        Row(
            file: "dotnet-async-1", exception: "System.InvalidOperationException",
            signature: "System.InvalidOperationException | Quarry.A.GoAsync"),
        Row(
            file: "dotnet-async-2", exception: "System.InvalidOperationException",
            signature: "System.InvalidOperationException | Quarry.A.GoAsync"),
        Row(file: "java-lambda-1", exception: "java.lang.IllegalStateException"),
        Row(file: "java-lambda-2", exception: "java.lang.IllegalStateException"),
        Row(file: "go-3000-goroutines", exception: "fatal error", function: "main.w0"),
        Row(file: "real-rust-full-double", exception: "panic", signature: "panic | p::main"),
        Row(file: "real-rust-full-index", exception: "panic", signature: "panic | p::seat"),
        Row(file: "real-rust-full-unwrap", exception: "panic", signature: "panic | p::unwrap_it"),
        Row(file: "real-swift-badpointer-colour", signal: "SIGSEGV", function: "poke(_:)", signature: "poke"),
        Row(file: "real-swift-index-colour", exception: "fatal error", signature: "fatal error | take"),
    ]

    @Test(arguments: crashes) func oneCrash(row: Row) throws {
        let records = try Corpora.analyze("field/text/" + row.file + ".log")
        #expect(records.count == 1)
        let record = try #require(records.first { $0.isCrash })
        if let exception = row.exception { #expect(record.exception == exception) }
        if let signal = row.signal { #expect(record.signal == signal) }
        if let function = row.function { #expect(record.frames.first?.function == function) }
        if let signature = row.signature { #expect(record.signature.hasPrefix(signature)) }
    }

    /// Numbers that the compiler generates do not split a signature.
    @Test(arguments: [("java-lambda-1", "java-lambda-2"), ("dotnet-async-1", "dotnet-async-2")])
    func oneSignature(first: String, second: String) throws {
        let signatures = try [first, second].map { file in
            try #require(try Corpora.analyze("field/text/" + file + ".log").first).signature
        }
        #expect(signatures[0] == signatures[1])
    }

    @Test(arguments: [
        "clean-F11-node-unhandled-warning", "clean-F1b-paper-last-is-stack", "clean-F1c-paper-stop-then-error",
        "clean-F4-go-recovered", "clean-F9-python-logged-at-end",
    ])
    func survived(file: String) throws {
        #expect(try Corpora.analyze("field/text/" + file + ".log").filter(\.isCrash).isEmpty)
    }

    @Test func createdumpTellsTheProcess() throws {
        let record = try #require(try Corpora.analyze("field/text/41-dotnet_fatal_av.log").first)
        #expect(record.pid == 4242)
    }
}
