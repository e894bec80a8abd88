import Bytes
import Digest
public import Model

/// Derives the two keys of a record: a readable signature that is the same across builds, and a finer stack hash.
///
/// The signature follows Socorro's siggen with lists for game servers: frames that only report are skipped, library
/// frames are named together with their caller, and a class (`assert`, `oom`, `stack overflow`, `abort`, …) comes
/// first.
public enum SignatureAlgorithm {
    /// Raised whenever a change gives the same record another key.
    public static let version = 6

    private static let longest = 255
    private static let frameLimit = 40
    private static let partLimit = 8

    /// Sets `signature`, `signatureQuality`, `signatureVersion` and `stackHash`; `rules` add to the built-in lists.
    public static func sign(_ record: inout CrashRecord, rules: SignatureRules = SignatureRules()) {
        record.signatureVersion = version
        let named = SignatureStack.named(record.frames)
        record.stackHash = stackHash(named[...], rules)
        let told = record.cause ?? record.ownWords
        let lead = classPrefix(record, told)
        var (stack, quality) = stackPart(named, record, rules)
        // The program's own sentence is the same in every build; an offset changes with each.
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

    /// The stack's part of the signature; nil if no frame is usable.
    private static func stackPart(_ named: [SignatureStack.Entry], _ record: CrashRecord, _ rules: SignatureRules) -> (
        String?, SignatureQuality
    ) {
        // Frames found by a scan may be stale: use them only if there is nothing better.
        let trusted = named.prefix { $0.frame.trust != .scan }
        if trusted.count < named.count, trusted.contains(where: { $0.name != nil }),
            let part = part(SignatureStack(trusted, rules: rules), record, rules)
        {
            return part
        }
        guard let part = part(SignatureStack(named[...], rules: rules), record, rules) else { return (nil, .none) }
        return part
    }

    private typealias Part = (text: String, quality: SignatureQuality)

    private static func part(_ stack: SignatureStack, _ record: CrashRecord, _ rules: SignatureRules) -> Part? {
        let reports = TextReportFormats.named(record.detector)?.reports
        var parts: [String] = []
        var fallback: Part?
        for entry in stack.entries.prefix(frameLimit) {
            let frame = entry.frame
            if let reports, reports(frame) { continue }
            if let file = frame.file, SignatureLists.sources.contains(where: { file.hasPrefix($0) }) { continue }
            let isSystem = SystemModules.contains(frame.module)
            guard let name = entry.name else {
                guard !isSystem, let place = unnamed(frame, record) else { continue }
                if parts.isEmpty {
                    fallback = fallback ?? place
                    continue
                }
                // The bug may be in an unnamed frame of the program itself, so stop there. Its offset would split by
                // build what the names above it group.
                if place.quality == .symbol { parts.append(place.text) }
                break
            }
            if entry.isSkipped(rules) { continue }
            if !rules.keeps(name) {
                if SignatureLists.notOfTheProgram.matches(name) { break }
                if rules.stops(name), !parts.isEmpty || fallback != nil { break }
            }
            if let fallback { return fallback }
            if parts.last != name { parts.append(name) }
            // A system function is named together with its caller.
            if !entry.isPrefix(rules) && (!isSystem || rules.keeps(name)) || parts.count >= partLimit { break }
        }
        if !parts.isEmpty { return (parts.joined(separator: " | "), .symbol) }
        if let fallback { return fallback }
        // All names are machinery: use module and offset in the program instead.
        for entry in stack.entries.prefix(frameLimit) where !SystemModules.contains(entry.frame.module) {
            if let module = entry.frame.module, let offset = entry.frame.offset {
                return place(module, offset, entry.frame, record)
            }
        }
        return nil
    }

    /// The part for a frame without a function. Nil if only the address is known, as for code made at run time: it
    /// differs in every run.
    private static func unnamed(_ frame: CrashFrame, _ record: CrashRecord) -> Part? {
        if let module = frame.module, !SignatureStack.isNothing(module), let offset = frame.offset {
            return place(module, offset, frame, record)
        }
        if let part = pageOffset(frame, record) { return part }
        guard let file = frame.file, !SignatureStack.isNothing(file), !file.hasPrefix("/rustc/") else { return nil }
        let short = SystemModules.baseName(file)
        return (frame.line.map { "\(short)#\($0)" } ?? short, .symbol)
    }

    /// The low bits of an address in a module whose base is unknown; no loader changes them. Windows loads at multiples
    /// of 64 KiB, other systems at multiples of a page.
    private static func pageOffset(_ frame: CrashFrame, _ record: CrashRecord) -> Part? {
        guard frame.trust == .text, let module = frame.module, !SignatureStack.isNothing(module),
            let address = frame.address
        else { return nil }
        let lower = module.lowercased()
        let isWindows = lower.hasSuffix(".exe") || lower.hasSuffix(".dll")
        let bits = String(address.value & (isWindows ? 0xffff : 0xfff), radix: 16)
        let digits = String(repeating: "0", count: (isWindows ? 4 : 3) - bits.count) + bits
        return ("\(SystemModules.baseName(module))+…\(digits)" + build(frame, record), .offset)
    }

    /// Module and offset, with the build, because an offset means nothing in another build.
    private static func place(_ module: String, _ offset: Address, _ frame: CrashFrame, _ record: CrashRecord) -> Part {
        ("\(SystemModules.baseName(module))+\(offset)" + build(frame, record), .offset)
    }

    private static func build(_ frame: CrashFrame, _ record: CrashRecord) -> String {
        if let identity = frame.buildID { return " [\(identity.prefix(8).lowercased())]" }
        let image = [record.image, record.tag].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ":")
        return image.isEmpty ? "" : " [\(image)]"
    }

    private static let overflow = "stack overflow"

    private static let asserts = NamePatterns([
        "__assert_fail*", "__GI___assert_fail*", "__assert_perror_fail*", "__assert2", "__assert_rtn", "_wassert",
    ])

    /// The class of the crash, if it says more than the signal.
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
        if record.frames.prefix(16).contains(where: { $0.function.map(asserts.matches) == true }) { return "assert" }
        if record.frames.prefix(16).contains(where: { $0.function?.hasPrefix("std::terminate") == true }) {
            return "terminate"
        }
        if record.frames.prefix(32).contains(where: { $0.function.map(SignatureLists.panics.matches) == true }) {
            return "panic"
        }
        if record.signal == "SIGABRT" { return "abort" }
        return nil
    }

    /// The class that a text report gives its crash; nil if it says no more than the signal.
    private static func ownClass(_ detector: String, exception: String, message: String) -> String? {
        switch TextReportFormats.named(detector)?.lead ?? .none {
        case .none: return nil
        case .assertion: return "assert | " + SignatureMessages.normalise(message, isSource: true)
        case .check where exception == "assertion" || exception == "ensure":
            return (exception == "assertion" ? "assert" : exception) + " | "
                + SignatureMessages.normalise(message, isSource: true)
        case .check where exception == "fatal error" && !message.isEmpty:
            return "fatal error | " + SignatureMessages.normalise(message)
        case .check: return nil
        case .abort: return "abort | " + SignatureMessages.normalise(message)
        // These two are not exception types.
        case .terminate where exception == "terminate": return exception
        case .terminate where exception == "pure virtual call": return exception
        case .terminate: return "terminate | " + (exception.isEmpty ? "unknown" : SignatureNames.normalise(exception))
        case .word: return exception.isEmpty ? detector : exception == "Fatal error" ? "fatal error" : exception
        case .exception: return exception.isEmpty ? nil : exception
        }
    }

    /// True if a text report says why its process died, not only that it did.
    static func explains(_ record: CrashRecord) -> Bool {
        ownClass(record.detector, exception: record.exception ?? "", message: record.message ?? "") != nil
    }

    private static func messagePart(_ record: CrashRecord, _ told: CrashCause) -> String? {
        guard let message = told.message ?? record.message, !message.isEmpty else { return nil }
        let text = SignatureMessages.normalise(message)
        return text.isEmpty ? nil : text
    }

    /// SHA-256 of the normalised frames below those that reported the crash: names if known, else build id or module
    /// with the offset.
    private static func stackHash(_ named: ArraySlice<SignatureStack.Entry>, _ rules: SignatureRules) -> String? {
        guard !named.isEmpty else { return nil }
        let lines = SignatureStack(named, rules: rules).entries.prefix(frameLimit).map { entry in
            if let name = entry.name { return name }
            let frame = entry.frame
            if let offset = frame.offset { return (frame.buildID ?? frame.module ?? "") + "+" + offset.description }
            // A bare address differs in every run.
            return frame.file.map { "\($0)#\(frame.line ?? 0)" } ?? frame.module ?? "?"
        }
        return Hex.text(SHA256.digest(("v\(version)\n" + lines.joined(separator: "\n")).utf8))
    }
}

extension CrashRecord {
    /// The record's own exception and message as a cause.
    var ownWords: CrashCause { CrashCause(detector: detector, exception: exception, message: message) }
}
