import Model

extension TextReportFormat {
    static let java = TextReportFormat(
        name: "java",
        anchors: [
            Anchor(9, "\tat ", hints: false), Anchor(10, "   at ", hints: false), Anchor(11, "Exception in thread \""),
            Anchor(208, " thrown from the UncaughtExceptionHandler in thread \""),
        ],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .exception, leavesNoDump: true,
        runtime: .java, parse: TextJava.parse)
}

/// Exceptions of Java and other languages on the JVM.
enum TextJava {
    /// Exceptions that only wrap the one that names the bug.
    static let wrappers = [
        "ReportedException", "class_148", "CrashException", "InvocationTargetException", "EventException",
        "ExecutionException", "CompletionException", "UndeclaredThrowableException", "ExceptionInInitializerError",
        "CommandException", "PrivilegedActionException", "LoadingFailedException", "UncheckedExecutionException",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        if lines.window.text(lines.at).hasPrefix("Exception: ") { return parseHandlers(lines) }
        guard let trace = ManagedTrace(lines, at: lines.at, runtime: .java) else { return parseBare(lines) }
        var record = CrashRecord(kind: "java")
        trace.name(&record, wrappers: wrappers)
        takeCarried(&record)
        let fate = fate(lines, trace.head, &record)
        if let halt = halt(lines, trace) {
            return TextReport(record: record, fate: .died, first: trace.head - 1, end: halt)
        }
        return TextReport(record: record, fate: fate, first: trace.head, end: trace.end)
    }

    /// Takes the exception that a loader quotes in its own message.
    static func takeCarried(_ record: inout CrashRecord) {
        guard let carrier = record.exception, let message = record.message, carrier.hasSuffix("LoadingFailedException")
        else { return }
        let inner = message.split(separator: "\n" as Character).lazy.compactMap { line in
            ManagedException(String(line), .java, beforeFrame: false)
        }.first { $0.type.contains(".") }
        guard let inner else { return }
        record.exception = inner.type
        record.message = inner.message
        record.notes.append("wrapped in " + carrier)
    }

    /// `Exception: java.lang.OutOfMemoryError thrown from the UncaughtExceptionHandler in thread "main"`: the VM could
    /// not even print the stack.
    private static func parseHandlers(_ lines: ReportLines) -> TextReport? {
        // The first word looks like a logger's level.
        let text = lines.window.text(lines.at)
        guard let type = text.between("Exception: ", " thrown from the UncaughtExceptionHandler"),
            !type.contains(" "), let thread = text.between("in thread \"", "\"")
        else { return nil }
        var record = CrashRecord(kind: "java")
        record.exception = type
        record.threadName = thread
        let fate: TextReport.Fate = thread == "main" || thread == "Server thread" ? .likelyDied : .unsaid
        return TextReport(record: record, fate: fate, first: lines.at, end: lines.at + 1)
    }

    /// `Exception in thread "x" …` whose frames were lost.
    private static func parseBare(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        guard lines.voice.isRawOrBad, text.hasPrefix("Exception in thread \""),
            let found = ManagedException(text, .java, beforeFrame: false)
        else { return nil }
        var record = CrashRecord(kind: "java")
        record.exception = found.type
        record.message = found.message
        let fate = fate(lines, lines.at, &record)
        return TextReport(
            record: record, fate: lines.voice.isRaw ? fate : .unsaid, first: lines.at, end: lines.at + 1)
    }

    private static func fate(_ lines: ReportLines, _ head: Int, _ record: inout CrashRecord) -> TextReport.Fate {
        let text = lines[head]
        guard text.hasPrefix("Exception in thread \""), let thread = text.between("Exception in thread \"", "\"") else {
            if ManagedTrace.endsProgram(lines, head: head) { return .died }
            return failsToStart(lines, head) ? .likelyDied : .unsaid
        }
        record.threadName = thread
        return thread == "main" ? .likelyDied : .unsaid
    }

    /// One past Folia's `Halting server`, which follows the exception of a region that failed to tick.
    private static func halt(_ lines: ReportLines, _ trace: ManagedTrace) -> Int? {
        guard trace.head > 0, (lines.head(trace.head - 1).level ?? .debug) >= .error,
            lines.window.text(trace.head - 1).hasSuffix(" failed to tick:")
        else { return nil }
        return (trace.end..<trace.end + 4).first { at in
            (lines.head(at).level ?? .debug) >= .error && lines.window.text(at).hasSuffix("Halting server")
        }.map { $0 + 1 }
    }

    /// True right after a loader's `Failed to start Minecraft:` at level error.
    private static func failsToStart(_ lines: ReportLines, _ head: Int) -> Bool {
        guard head > 0, (lines.head(head - 1).level ?? .debug) >= .error else { return false }
        let text = lines.window.text(head - 1)
        let words = String(decoding: text.utf8.dropFirst(lines.head(head - 1).length), as: UTF8.self)
        return words.hasPrefix("Failed to start Minecraft")
    }
}

extension RuntimeNames {
    /// The libraries of Java and other languages on its VM.
    static let java = RuntimeNames(
        machinery: [
            "java.lang.Throwable.*", "java.lang.Thread.getStackTrace*", "java.lang.Thread.dumpStack*",
            "java.util.Objects.requireNon*", "java.util.Objects.checkIndex*", "java.util.Objects.checkFromToIndex*",
            "java.lang.AbstractStringBuilder.*", "jdk.internal.util.Preconditions.*", "jdk.internal.reflect.*",
            "sun.reflect.*", "java.lang.reflect.*", "jdk.internal.vm.*",
            "java.util.concurrent.CompletableFuture.encodeThrowable*",
            "java.util.concurrent.CompletableFuture.reportJoin*", "java.util.concurrent.FutureTask.report*",
            "com.google.common.base.Preconditions.*", "org.apache.commons.lang3.Validate.*",
            "kotlin.jvm.internal.Intrinsics.*", "kotlin.KotlinNothingValueException*", "kotlin.PreconditionsKt*",
            "scala.Predef*", "scala.sys.package*",
        ],
        libraries: [
            "java.util.*", "java.lang.*", "java.net.*", "java.nio.*", "java.io.*", "sun.nio.*", "sun.misc.*",
            "jdk.internal.*",
        ])
}
