import CPCRE2
import Model

/// Applies redaction rules, line by line, to text that arrives in pieces.
///
/// The patterns are the user's, but the text is hostile. A line on which a pattern needs more than a million steps is
/// dropped whole, because it may contain anything. A line longer than ``longestLine`` is not split: each rule reads it
/// through overlapping windows, see ``LongLineRedactor``. Not thread-safe.
final class Redactor {
    private struct Rule {
        let code: OpaquePointer
        let replacement: [UInt8]
    }

    /// The maximum number of steps of one match attempt, as in `salvage grep`.
    private static let matchLimit: UInt32 = 1_000_000
    /// The longest line held in memory as a whole, in bytes.
    static let longestLine = 1 << 20
    private static let givenUp = Array("[redacted: a pattern needs too many steps on this line]".utf8)

    private var rules: [Rule] = []
    private let data: OpaquePointer
    private let context: OpaquePointer

    /// The start of a line whose end has not arrived.
    private var pending: [UInt8] = []
    /// One stage per rule, in sequence, for a line longer than ``longestLine``.
    private var stages: [LongLineRedactor] = []
    private var isInLongLine = false
    private var output: [UInt8] = []

    /// The artifact for which replacements are counted.
    var artifact: UInt32 = 0
    /// The number of replacements, by artifact.
    var counts: [UInt32: UInt64] = [:]

    /// Compiles the rules, to machine code if possible. Call it before the process confines itself.
    init(_ rules: [RedactionRule]) throws(IngestError) {
        guard let data = pcre2_match_data_create_8(1, nil) else { throw Self.noMemory }
        guard let context = pcre2_match_context_create_8(nil) else {
            pcre2_match_data_free_8(data)
            throw Self.noMemory
        }
        self.data = data
        self.context = context
        pcre2_set_match_limit_8(context, Self.matchLimit)
        pcre2_set_heap_limit_8(context, 16 << 10)
        for rule in rules {
            let code = try Self.compile(rule)
            _ = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
            self.rules.append(Rule(code: code, replacement: Array(rule.replacement.utf8)))
        }
        stages = self.rules.map { _ in LongLineRedactor() }
    }

    deinit {
        for rule in rules { pcre2_code_free_8(rule.code) }
        pcre2_match_context_free_8(context)
        pcre2_match_data_free_8(data)
    }

    private static var noMemory: IngestError { IngestError(.badRule, "no memory for the redaction rules") }

    private static func compile(_ rule: RedactionRule) throws(IngestError) -> OpaquePointer {
        var error: Int32 = 0
        var offset = 0
        let pattern = Array(rule.pattern.utf8)
        let options =
            UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP) | UInt32(PCRE2_MATCH_INVALID_UTF) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        guard let code = pcre2_compile_8(pattern, pattern.count, options, &error, &offset, nil) else {
            throw IngestError(.badRule, "redaction rule '\(rule.name)' has an invalid pattern (at offset \(offset))")
        }
        return code
    }

    /// Processes the next bytes of a member and passes the complete lines, redacted, to `take`.
    func push<Failure: Error>(
        _ bytes: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var start = 0
        while start < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            let feed = rest.firstIndex(of: 0x0a)
            let piece = UnsafeRawBufferPointer(rebasing: rest[..<(feed ?? rest.count)])
            if feed != nil, pending.isEmpty, !isInLongLine, piece.count <= Self.longestLine {
                redact(piece)
            } else {
                gather(piece)
                if feed != nil { endLine() }
            }
            if feed != nil { output.append(0x0a) }
            start += piece.count + 1
            if output.count >= 128 << 10 { try hand(take) }
        }
        try hand(take)
    }

    /// Ends the line: at the member's end, or before a hole.
    func finish<Failure: Error>(_ take: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        endLine()
        try hand(take)
    }

    /// Adds a piece of a line whose end has not arrived.
    private func gather(_ piece: UnsafeRawBufferPointer) {
        if !isInLongLine, pending.count + piece.count <= Self.longestLine {
            pending.append(contentsOf: piece)
            return
        }
        isInLongLine = true
        let held = pending
        pending.removeAll(keepingCapacity: true)
        held.withUnsafeBytes { pass($0, to: 0) }
        pass(piece, to: 0)
    }

    private func endLine() {
        if isInLongLine {
            for stage in stages.indices { work(stage) { $0.finish(find: $1, put: $2) } }
            isInLongLine = false
        } else if !pending.isEmpty {
            let last = pending
            pending.removeAll(keepingCapacity: true)
            last.withUnsafeBytes { redact($0) }
        }
    }

    /// Passes text of a long line to a stage, or to the output after the last one.
    private func pass(_ text: UnsafeRawBufferPointer, to stage: Int) {
        guard stage < stages.count else {
            output.append(contentsOf: text)
            return
        }
        work(stage) { $0.push(text, find: $1, put: $2) }
    }

    private func work(
        _ stage: Int, _ body: (inout LongLineRedactor, LongLineRedactor.Find, (LongLineRedactor.Piece) -> Void) -> Void
    ) {
        let rule = rules[stage]
        // Taken out of the array, because its output goes through the later stages.
        var own = stages[stage]
        stages[stage] = LongLineRedactor()
        body(&own) { text, from, isEnd in
            search(rule, in: text, from: from, options: isEnd ? 0 : UInt32(PCRE2_NOTEOL))
        } _: { piece in
            switch piece {
            case .text(let text): pass(text, to: stage + 1)
            case .replacement:
                counts[artifact, default: 0] &+= 1
                rule.replacement.withUnsafeBytes { pass($0, to: stage + 1) }
            case .givenUp:
                counts[artifact, default: 0] &+= 1
                Self.givenUp.withUnsafeBytes { pass($0, to: stage + 1) }
            }
        }
        stages[stage] = own
    }

    private func hand<Failure: Error>(
        _ take: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard !output.isEmpty else { return }
        // withUnsafeBytes does not always preserve typed throws, hence the Result.
        let outcome = output.withUnsafeBytes { bytes in Result { () throws(Failure) in try take(bytes) } }
        output.removeAll(keepingCapacity: true)
        try outcome.get()
    }

    private func redact(_ line: UnsafeRawBufferPointer) {
        var changed: [UInt8]?
        for rule in rules {
            if let text = changed {
                changed = text.withUnsafeBytes { apply(rule, to: $0) } ?? text
            } else {
                changed = apply(rule, to: line)
            }
        }
        if let changed { output.append(contentsOf: changed) } else { output.append(contentsOf: line) }
    }

    /// Returns the line with all matches replaced; nil when there are none.
    private func apply(_ rule: Rule, to line: UnsafeRawBufferPointer) -> [UInt8]? {
        guard line.count > 0 else { return nil }
        var result: [UInt8]?
        var kept = 0
        var from = 0
        while from <= line.count {
            let range: Range<Int>
            switch search(rule, in: line, from: from, options: 0) {
            case .none: return finished(result, line, kept)
            case .givenUp:
                counts[artifact, default: 0] &+= 1
                return Self.givenUp
            case .match(let found): range = found
            }
            let start = max(kept, range.lowerBound)
            let end = range.upperBound
            guard end > start else {
                from = max(end, from) + 1
                continue
            }
            var text = result ?? []
            text.append(contentsOf: line[kept..<start])
            text.append(contentsOf: rule.replacement)
            result = text
            kept = end
            from = end
            counts[artifact, default: 0] &+= 1
        }
        return finished(result, line, kept)
    }

    private func finished(_ result: [UInt8]?, _ line: UnsafeRawBufferPointer, _ kept: Int) -> [UInt8]? {
        guard var text = result else { return nil }
        text.append(contentsOf: line[kept...])
        return text
    }

    /// Returns the next match at or after an offset.
    private func search(
        _ rule: Rule, in text: UnsafeRawBufferPointer, from: Int, options: UInt32
    ) -> LongLineRedactor.Attempt {
        guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return .none }
        let found = pcre2_match_8(rule.code, base, text.count, from, options, data, context)
        if found == PCRE2_ERROR_NOMATCH { return .none }
        guard found >= 0, let ends = pcre2_get_ovector_pointer_8(data) else { return .givenUp }
        // With \K inside a lookaround, PCRE2 may report a match that ends before it starts.
        let start = min(ends[0], ends[1], text.count)
        return .match(start..<min(max(ends[0], ends[1]), text.count))
    }
}
