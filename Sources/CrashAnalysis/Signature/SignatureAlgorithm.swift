/// Turns a record into its two keys: a readable signature that is the same across builds, and a fine stack hash.
///
/// The signature follows Socorro's siggen with lists for game servers: frames that only report are skipped, library
/// frames are named together with their caller, and a class goes before (`assert`, `oom`, `stack overflow`, `abort`,
/// …).
public enum SignatureAlgorithm {
    /// Raised whenever the same record would get another key.
    public static let version = 4

    private static let longest = 255
    private static let frameLimit = 40
    private static let partLimit = 8

    /// Sets `signature`, `signatureQuality`, `signatureVersion` and `stackHash`; `rules` add to the built-in lists.
    public static func sign(_ record: inout CrashRecord, rules: SignatureRules = SignatureRules()) {
        record.signatureVersion = version
        record.stackHash = stackHash(record.frames)
        let told = record.cause ?? record.ownWords
        let lead = classPrefix(record, told)
        var (stack, quality) = stackPart(record, rules)
        // A sentence of the program's own is the same in every build, an offset in none.
        if quality == .offset, lead?.contains(" ") == true, lead != Self.overflow { stack = nil }
        var parts = lead.map { [$0] } ?? []
        if let stack { parts.append(stack) }
        if stack == nil {
            if let message = messagePart(record, told), lead?.contains(message) != true { parts.append(message) }
            quality = lead?.contains(" ") == true || parts.count > 1 || lead == nil && !parts.isEmpty ? .message : .none
        }
        record.signatureQuality = quality
        if stack == nil, parts.isEmpty {
            parts = ["EMPTY: " + (record.signal ?? record.exception ?? record.detector)]
        }
        let text = parts.joined(separator: " | ")
        record.signature = text.count > longest ? String(text.prefix(longest - 3)) + "..." : text
    }

    /// The stack's part; nil when no frame is good for one.
    private static func stackPart(_ record: CrashRecord, _ rules: SignatureRules) -> (String?, SignatureQuality) {
        // What a scan found may be stale: it counts only when nothing better is there.
        let trusted = record.frames.prefix { $0.trust != .scan }
        let frames = trusted.contains { $0.function != nil } ? Array(trusted) : record.frames
        let sanitized = sanitizers.contains(record.detector)
        var parts: [String] = []
        var fallback: (text: String, quality: SignatureQuality)?
        for frame in frames.prefix(frameLimit) {
            if sanitized, isInterceptor(frame) { continue }
            // A jump to nowhere: the address is another in every run, the caller is the same.
            if frame.function == nil, frame.module == nil, frame.file == nil, frames.count > 1 { continue }
            guard let function = frame.function else {
                let place = unnamed(frame, record)
                if parts.isEmpty, fallback == nil, !isSystem(frame.module) { fallback = place }
                // An unnamed frame in the program itself is where the bug may be; in a library it is noise.
                if !parts.isEmpty, let place, !isSystem(frame.module) {
                    // It would split by build what the names above it hold together.
                    if place.quality == .symbol { parts.append(place.text) }
                    break
                }
                continue
            }
            let name = SignatureNames.normalise(function)
            if rules.skips(name) || irrelevantModule(frame) { continue }
            if rules.stops(name), !parts.isEmpty || fallback != nil { break }
            if parts.isEmpty, let fallback { return fallback }
            if parts.last != name { parts.append(name) }
            if !rules.isPrefix(name) || parts.count >= partLimit { break }
        }
        if !parts.isEmpty { return (parts.joined(separator: " | "), .symbol) }
        if let fallback { return fallback }
        if let first = frames.compactMap(\.function).first { return (SignatureNames.normalise(first), .symbol) }
        return frames.lazy.compactMap { unnamed($0, record) }.first ?? (nil, .none)
    }

    /// A frame without a function. An offset means nothing in another build, so the build goes with it.
    private static func unnamed(_ frame: CrashFrame, _ record: CrashRecord) -> (
        text: String, quality: SignatureQuality
    )? {
        if let module = frame.module, let offset = frame.offset {
            return ("\(module)+\(offset)" + build(frame, record), .offset)
        }
        if let file = frame.file {
            let short = file.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? file
            return (frame.line.map { "\(short)#\($0)" } ?? short, .symbol)
        }
        return frame.address.map { ("@\($0)", .offset) }
    }

    private static func build(_ frame: CrashFrame, _ record: CrashRecord) -> String {
        if let identity = frame.buildID { return " [\(identity.prefix(8).lowercased())]" }
        let image = [record.image, record.tag].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ":")
        return image.isEmpty ? "" : " [\(image)]"
    }

    private static let sanitizers: Set<String> = ["asan", "tsan", "msan", "lsan", "ubsan"]

    /// Frames that the sanitizer's runtime puts between the program and its mistake: the functions of the C library it
    /// takes the place of.
    private static func isInterceptor(_ frame: CrashFrame) -> Bool {
        let runtimes = ["libasan", "libtsan", "libubsan", "liblsan", "libmsan", "libclang_rt"]
        if let module = frame.module, runtimes.contains(where: { module.hasPrefix($0) }) { return true }
        let sources = ["libsanitizer/", "compiler-rt/lib/", "sanitizer_common", "/sysdeps/"]
        if let file = frame.file, sources.contains(where: { file.find($0) != nil }) { return true }
        return frame.function.map { SignatureLists.intercepted.contains(SignatureNames.normalise($0)) } ?? false
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

    private static let overflow = "stack overflow"

    /// The class of the crash, where it says more than the signal.
    private static func classPrefix(_ record: CrashRecord, _ told: CrashCause) -> String? {
        let message = told.message ?? ""
        let exception = told.exception ?? ""
        if record.message == overflow || message == overflow
            || [exception, record.exception ?? ""].contains(where: {
                $0.contains("STACK_OVERFLOW") || $0 == "stack-overflow"
            })
        {
            return overflow
        }
        let lower = message.lowercased()
        let memory = ["out of memory", "heap limit", "bad_alloc", "cannot allocate memory", "outofmemory"]
        if memory.contains(where: { lower.contains($0) || exception.lowercased().contains($0) }) { return "oom" }
        if let words = ownClass(told.detector, exception: exception, message: message) { return words }
        if record.frames.prefix(12).contains(where: { $0.function?.hasPrefix("__assert_fail") == true }) {
            return "assert"
        }
        if record.frames.prefix(16).contains(where: { $0.function?.hasPrefix("std::terminate") == true }) {
            return "terminate"
        }
        if record.signal == "SIGABRT" { return "abort" }
        return nil
    }

    /// What a report in text says of its kind; nil for one that says no more than the signal does.
    private static func ownClass(_ detector: String, exception: String, message: String) -> String? {
        switch TextReportFormats.named(detector)?.lead ?? .none {
        case .none: return nil
        case .assertion: return "assert | " + SignatureMessages.normalise(message, isSource: true)
        case .check where exception == "assertion" || exception == "ensure":
            return (exception == "assertion" ? "assert" : exception) + " | "
                + SignatureMessages.normalise(message, isSource: true)
        case .check: return nil
        case .abort: return "abort | " + SignatureMessages.normalise(message)
        case .terminate: return "terminate | " + (exception.isEmpty ? "unknown" : SignatureNames.normalise(exception))
        case .word: return exception.isEmpty ? detector : exception == "Fatal error" ? "fatal error" : exception
        case .exception: return exception.isEmpty ? nil : exception
        }
    }

    /// True when a report in text says why its process died, and not only that it did.
    static func explains(_ record: CrashRecord) -> Bool {
        ownClass(record.detector, exception: record.exception ?? "", message: record.message ?? "") != nil
    }

    private static func messagePart(_ record: CrashRecord, _ told: CrashCause) -> String? {
        guard let message = told.message ?? record.message, !message.isEmpty else { return nil }
        let text = SignatureMessages.normalise(message)
        return text.isEmpty ? nil : text
    }

    /// SHA-256 over the normalised frames: names where there are any, else build id or module with the offset.
    static func stackHash(_ frames: [CrashFrame]) -> String? {
        guard !frames.isEmpty else { return nil }
        let lines = frames.prefix(frameLimit).map { frame in
            if let function = frame.function { return SignatureNames.normalise(function) }
            if let offset = frame.offset { return (frame.buildID ?? frame.module ?? "") + "+" + offset.description }
            return frame.file.map { "\($0)#\(frame.line ?? 0)" } ?? frame.address?.description ?? "?"
        }
        return Digest.sha256(Array(("v\(version)\n" + lines.joined(separator: "\n")).utf8))
    }
}

extension CrashRecord {
    /// The record's own words as a cause.
    var ownWords: CrashCause { CrashCause(detector: detector, exception: exception, message: message) }
}
