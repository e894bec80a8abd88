public import JSON

extension CrashRecord {
    /// Returns the record as one JSON object in UTF-8 without a newline, with the same fields as `Codable`.
    public func json() -> [UInt8] { Self.shape.line(self).utf8 }

    /// Its JSON object.
    public static let shape = JSONShape<CrashRecord>(
        "Crash", "One crash of one process, or an error or a snapshot of a process that did not die.",
        identityFields + processFields + stackFields)

    private static let identityFields: [JSONField<CrashRecord>] = [
        .text("crash", "its id, the same whenever the same bytes are read") { $0.crash },
        .optionalText("session", "the session") { $0.session },
        .optionalText("image", "the session's image") { $0.image },
        .optionalText("tag", "the session's tag") { $0.tag },
        .optionalText("location", "the session's location") { $0.location },
        JSONField("time", .time, always: false, "when it happened") { $1.add("time", $0.time) },
        .optionalWord("time_source", ["dump", "log", "file", "exit"], "where `time` is from") { $0.timeSource },
        .text(
            "kind",
            "the `detector`; `error` for something the program survived, `snapshot` for a dump of a living process"
        ) {
            $0.kind
        },
        .text("detector", "the reader or parser that found it, such as `elf_core`, `minidump` or `asan`") {
            $0.detector
        },
        .text("signature", "the key that groups crashes of one bug") { $0.signature },
        .word("signature_quality", ["symbol", "message", "offset", "none"], "what the signature is based on") {
            $0.signatureQuality.rawValue
        },
        .integer("signature_version", "the version of the rules that made the signature") { $0.signatureVersion },
        .optionalText("stack_hash", "a finer key than the signature: a hash of the frames") { $0.stackHash },
    ]

    private static let processFields: [JSONField<CrashRecord>] = [
        .optionalText("signal", "the signal's name") { $0.signal },
        .optionalText("exception", "the exception, or what the signal says of its cause") { $0.exception },
        .optionalText("address", "the address that the access failed at, hexadecimal") { $0.address?.description },
        .optionalText("access", "`read`, `write` or `execute`") { $0.access },
        .optionalInteger("pid", "the process id") { $0.pid },
        .optionalText("executable", "the executable's name or path") { $0.executable },
        .optionalText("command_line", "the command line, escaped") { $0.commandLine },
        .optionalText("os", "the operating system") { $0.os },
        .optionalText("arch", "`x86`, `amd64`, `arm` or `arm64`") { $0.arch },
        .optionalInteger("thread", "the id of the thread that crashed") { $0.thread },
        .optionalText("thread_name", "its name") { $0.threadName },
        .optionalInteger("thread_count", "the number of threads of the process") { $0.threadCount },
        .optionalText("message", "the text of the assertion, panic or exception") { $0.message },
        .object("cause", CrashCause.shape, "what a log says about the crash in the dump") { $0.cause },
        .optionalText("member", "the path of the member that it was found in") { $0.member },
        .optionalInteger("member_offset", "where the report begins in the member, in bytes") {
            $0.memberOffset.map { Int(clamping: $0) }
        },
    ]

    private static let stackFields: [JSONField<CrashRecord>] = [
        .objects("frames", CrashFrame.shape, "the stack of the thread that crashed, innermost first") { $0.frames },
        .objects("threads", CrashThread.shape, "all threads, the one that crashed first; empty in lists") {
            $0.threads
        },
        .objects("modules", CrashModule.shape, "the mapped executables and libraries; empty in lists") { $0.modules },
        .texts("notes", "what is missing or odd, and why") { $0.notes },
        .texts("also_in", "other members that report the same crash") { $0.alsoIn },
    ]
}

extension CrashCause {
    /// Its JSON object.
    public static let shape = JSONShape<CrashCause>(
        "CrashCause", "What a log says about the crash in a dump.",
        [
            .text("detector", "the parser that found the report") { $0.detector },
            .optionalText("exception", "the exception, or the sanitizer's name for the error") { $0.exception },
            .optionalText("message", "the text") { $0.message },
        ])
}

extension CrashThread {
    /// Its JSON object.
    public static let shape = JSONShape<CrashThread>(
        "Thread", "One thread of a process that crashed.",
        [
            .integer("thread", "the system's thread id") { $0.thread },
            .optionalText("name", "the name that the program gave it") { $0.name },
            .objects("frames", CrashFrame.shape, "its stack, innermost first") { $0.frames },
            JSONField("registers", .map(.text), always: true, "its registers, hexadecimal") { thread, line in
                line.add("registers") { inner in
                    for (name, value) in thread.registers.sorted(by: { $0.key < $1.key }) {
                        inner.add(name, value.description)
                    }
                }
            },
        ])
}

extension CrashFrame {
    /// Its JSON object.
    public static let shape = JSONShape<CrashFrame>(
        "Frame", "One call on a stack.",
        [
            .integer("index", "its position, from 0") { $0.index },
            .optionalText("address", "the address of the instruction, hexadecimal") { $0.address?.description },
            .optionalText("module", "the file name of the module") { $0.module },
            .optionalText("offset", "the offset in the module, hexadecimal") { $0.offset?.description },
            .optionalText("build_id", "the module's build id") { $0.buildID },
            .optionalText("function", "the function's name") { $0.function },
            .optionalText("file", "the source file") { $0.file },
            .optionalInteger("line", "the line in it, from 1") { $0.line },
            .boolean("inlined", "whether the call was inlined") { $0.inlined },
            .word(
                "trust", ["context", "cfi", "frame_pointer", "call", "scan", "inline", "text"], "how it was found"
            ) { $0.trust.rawValue },
        ])
}

extension CrashModule {
    /// Its JSON object.
    public static let shape = JSONShape<CrashModule>(
        "Module", "One executable or library that was mapped.",
        [
            .text("name", "its file name") { $0.name },
            .optionalText("path", "its path as the dump names it") { $0.path },
            .text("base", "its lowest address, hexadecimal") { $0.base.description },
            .unsigned("size", "the length of the mapped range, in bytes") { $0.size },
            .optionalText("build_id", "its build id") { $0.buildID },
            .optionalText("debug_id", "its Breakpad debug id") { $0.debugID },
            .optionalText("debug_file", "the name under which Breakpad stores its symbols, if it differs") {
                $0.debugFile
            },
            .optionalText("first_page", "a digest of its first page, if it has no build id") { $0.firstPage },
            .optionalText("version", "its version") { $0.version },
            .word("symbols", ["found", "missing", "unreadable", "unknown"], "whether its functions could be named") {
                $0.symbols.rawValue
            },
        ])
}
