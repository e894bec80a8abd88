/// Turns a record into its two keys: a readable signature that is the same across builds, and a fine stack hash.
///
/// The signature follows Socorro's siggen with lists for game servers: frames that only report are skipped, library
/// frames are named together with their caller, and a class goes before (`assert`, `oom`, `stack overflow`, `abort`,
/// …).
public enum SignatureAlgorithm {
    /// Raised whenever the same record would get another key.
    public static let version = 2

    private static let longest = 255
    private static let frameLimit = 40
    private static let partLimit = 8

    /// Sets `signature`, `signatureQuality`, `signatureVersion` and `stackHash`.
    public static func sign(_ record: inout CrashRecord) {
        record.signatureVersion = version
        record.stackHash = stackHash(record.frames)
        let (stack, quality) = stackPart(record)
        let lead = classPrefix(record)
        var parts = lead.map { [$0] } ?? []
        if let stack { parts.append(stack) }
        record.signatureQuality = quality
        if stack == nil, let message = messagePart(record), lead?.contains(message) != true {
            parts.append(message)
            record.signatureQuality = .message
        } else if stack == nil, lead?.contains(" ") == true || parts.count > 1 {
            record.signatureQuality = .message
        }
        if stack == nil, parts.isEmpty {
            parts = ["EMPTY: " + (record.signal ?? record.exception ?? record.detector)]
        }
        let text = parts.joined(separator: " | ")
        record.signature = text.count > longest ? String(text.prefix(longest - 3)) + "..." : text
    }

    /// The stack's part; nil when no frame is good for one.
    private static func stackPart(_ record: CrashRecord) -> (String?, SignatureQuality) {
        // What a scan found may be stale: it counts only when nothing better is there.
        let trusted = record.frames.prefix { $0.trust != .scan }
        let frames = trusted.contains { $0.function != nil } ? Array(trusted) : record.frames
        var parts: [String] = []
        var fallback: String?
        for frame in frames.prefix(frameLimit) {
            guard let function = frame.function else {
                let place = unnamed(frame)
                if parts.isEmpty, fallback == nil, !isSystem(frame.module) { fallback = place }
                // An unnamed frame in the program itself is where the bug may be; in a library it is noise.
                if !parts.isEmpty, let place, !isSystem(frame.module) {
                    parts.append(place)
                    break
                }
                continue
            }
            let name = SignatureNames.normalise(function)
            if SignatureLists.matches(name, SignatureLists.irrelevant) || irrelevantModule(frame) { continue }
            if SignatureLists.matches(name, SignatureLists.bottom), !parts.isEmpty || fallback != nil { break }
            if parts.isEmpty, let fallback { return (fallback, .offset) }
            if parts.last != name { parts.append(name) }
            if !SignatureLists.matches(name, SignatureLists.prefix) || parts.count >= partLimit { break }
        }
        if !parts.isEmpty { return (parts.joined(separator: " | "), .symbol) }
        if let fallback { return (fallback, .offset) }
        if let first = frames.compactMap(\.function).first { return (SignatureNames.normalise(first), .symbol) }
        if let place = frames.lazy.compactMap(unnamed).first {
            return (place, frames.contains { $0.module != nil } ? .offset : .symbol)
        }
        return (nil, .none)
    }

    private static func unnamed(_ frame: CrashFrame) -> String? {
        if let module = frame.module, let offset = frame.offset { return "\(module)+\(offset)" }
        if let file = frame.file {
            let short = file.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? file
            return frame.line.map { "\(short)#\($0)" } ?? short
        }
        return frame.address.map { "@\($0)" }
    }

    private static func isSystem(_ module: String?) -> Bool {
        guard let module else { return false }
        let leads = [
            "libc.so", "libc-", "libpthread", "libstdc++", "libgcc_s", "ld-linux", "ld-2", "libm.so", "linux-vdso",
            "linux-gate", "ntdll", "kernel32", "KERNELBASE", "ucrtbase", "vcruntime", "libsystem_", "libc++",
            "libswiftCore", "libdyld",
        ]
        return leads.contains { module.hasPrefix($0) }
    }

    private static func irrelevantModule(_ frame: CrashFrame) -> Bool {
        frame.function == nil && isSystem(frame.module)
    }

    /// The class of the crash, where it says more than the signal.
    private static func classPrefix(_ record: CrashRecord) -> String? {
        let message = record.message ?? ""
        let exception = record.exception ?? ""
        let lower = message.lowercased()
        if message == "stack overflow" || exception.contains("STACK_OVERFLOW") || exception == "stack-overflow" {
            return "stack overflow"
        }
        let memory = ["out of memory", "heap limit", "bad_alloc", "cannot allocate memory", "outofmemory"]
        if memory.contains(where: { lower.contains($0) || exception.lowercased().contains($0) }) { return "oom" }
        switch record.detector {
        case "assert": return "assert | " + SignatureMessages.normalise(message)
        case "unreal" where exception == "assertion" || exception == "ensure":
            return (exception == "assertion" ? "assert" : exception) + " | " + SignatureMessages.normalise(message)
        case "glibc": return "abort | " + SignatureMessages.normalise(message)
        case "asan", "tsan", "msan", "lsan", "ubsan": return exception.isEmpty ? record.detector : exception
        case "cxx": return "terminate | " + (exception.isEmpty ? "unknown" : SignatureNames.normalise(exception))
        case "python", "java", "dotnet", "node", "ruby": return exception.isEmpty ? nil : exception
        case "go", "rust", "swift":
            return exception.isEmpty ? nil : exception == "Fatal error" ? "fatal error" : exception
        default: break
        }
        if record.frames.prefix(12).contains(where: { $0.function?.hasPrefix("__assert_fail") == true }) {
            return "assert"
        }
        if record.frames.prefix(16).contains(where: { $0.function?.hasPrefix("std::terminate") == true }) {
            return "terminate"
        }
        if record.signal == "SIGABRT" { return "abort" }
        return nil
    }

    private static func messagePart(_ record: CrashRecord) -> String? {
        guard let message = record.message, !message.isEmpty else { return nil }
        let text = SignatureMessages.normalise(message)
        return text.isEmpty ? nil : text
    }

    /// SHA-256 over the normalised frames: names where there are any, else build id or module with the offset.
    static func stackHash(_ frames: [CrashFrame]) -> String? {
        guard !frames.isEmpty else { return nil }
        let lines = frames.prefix(frameLimit).map { frame in
            if let function = frame.function { return SignatureNames.normalise(function) }
            if let offset = frame.offset { return (frame.buildID ?? frame.module ?? "") + "+" + offset.description }
            return unnamed(frame) ?? "?"
        }
        return Digest.sha256(Array(("v\(version)\n" + lines.joined(separator: "\n")).utf8))
    }
}
