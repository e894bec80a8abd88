internal import BlockIndex
internal import CPCRE2

/// Options for compiling patterns.
public struct PatternOptions: Sendable, Equatable {
    /// The patterns; a line is selected when any of them matches. PCRE2 syntax unless `fixed`.
    public var patterns: [String]
    /// Treat the patterns as literal text (`-F`).
    public var fixed = false
    /// Ignore case (`-i`).
    public var ignoreCase = false
    /// Ignore case unless a pattern contains an upper-case letter (`-S`).
    public var smartCase = false
    /// A match must not be adjacent to word characters (`-w`).
    public var word = false
    /// A match must be the whole line (`-x`); overrides `word`.
    public var line = false
    /// `$` also matches before a carriage return that ends the line.
    public var crlf = false
    /// A match may span lines (`-U`).
    public var multiline = false
    /// With `multiline`, a dot also matches a line feed (`--multiline-dotall`).
    public var dotAll = false

    /// Creates options for patterns.
    public init(_ patterns: [String]) { self.patterns = patterns }
}

/// Compiled patterns, with the literals that a block must contain to be searched.
///
/// There are two programs. The byte program is faster; it is used when the text is pure ASCII or the pattern means the
/// same either way. The text program reads UTF-8 with Unicode properties and skips invalid sequences. Both find the
/// same lines where the byte program is used.
public final class SearchPattern: @unchecked Sendable {
    // Unchecked: both programs are written once in init, and PCRE2 lets any number of threads match with one.
    let byteProgram: PatternProgram?
    let textProgram: PatternProgram?
    /// The literals that a block must contain.
    public let query: LiteralQuery
    /// Whether matching over a whole block finds the same lines as matching each line.
    public let isLineSafe: Bool
    /// Whether a match may span lines: it was allowed to, and the pattern may match a line feed.
    public let spansLines: Bool
    let ignoresEncoding: Bool
    /// The pattern for Hyperscan, when it may be used.
    let prefilter: PrefilterPattern?
    /// Whether there are no literals to select blocks by, so that Hyperscan is worth using.
    let wantsPrefilter: Bool

    /// Compiles patterns.
    /// - Throws: `LogSearchError` with code `pattern` and PCRE2's error offset.
    public init(_ options: PatternOptions) throws(LogSearchError) {
        let sources = options.patterns.map { Array($0.utf8) }
        let caseless = options.ignoreCase || (options.smartCase && Self.isLowercase(sources, fixed: options.fixed))
        let spans = options.multiline && sources.contains { Self.mayMatchLineFeed($0, options) }
        let dotAll = spans && options.dotAll
        var nodes: [PatternNode] = []
        var texts: [[UInt8]] = []
        var safe = true
        var plain = true
        var findsStarts = true
        for source in sources {
            let parsed = try Self.parse(source, options, caseless: caseless, spans: spans)
            safe = safe && parsed?.isLineSafe ?? false
            plain = plain && parsed?.ignoresEncoding ?? false
            findsStarts = findsStarts && parsed.map { !$0.hasEmptyAlternative && !$0.node.isNullable } ?? false
            nodes.append(parsed?.node ?? .anything)
            texts.append(options.fixed ? Self.escaped(source) : parsed?.rewritten(source) ?? source)
            // Each must be valid on its own: `a)|(b` would be valid only when joined with others.
            if sources.count > 1 || options.word || options.line, !options.fixed {
                try PatternProgram.check(source, caseless: caseless)
            }
        }
        if options.word || options.line { plain = plain && options.line }
        let text = Self.joined(texts, options)
        let textProgram = Result {
            try PatternProgram(
                text, caseless: caseless, utf: true, findsStarts: findsStarts, spans: spans, dotAll: dotAll)
        }
        let byteProgram = Result {
            try PatternProgram(
                text, caseless: caseless, utf: false, findsStarts: findsStarts, spans: spans, dotAll: dotAll)
        }
        if case .failure(let error) = textProgram, sources.count == 1, !options.fixed {
            // The error for the pattern as typed is more useful than that for the rewritten one.
            try PatternProgram.check(sources[0], caseless: caseless)
            throw error as? LogSearchError ?? LogSearchError(code: .pattern, message: "\(error)")
        }
        self.textProgram = try? textProgram.get()
        // As bytes, a non-ASCII letter is split and would no longer match the ASCII letter it folds to.
        let isReadableAsBytes = plain || sources.allSatisfy { $0.allSatisfy { $0 < 0x80 } }
        self.byteProgram = isReadableAsBytes ? try? byteProgram.get() : nil
        guard self.textProgram != nil || texts.isEmpty else {
            throw LogSearchError(code: .pattern, message: "the patterns cannot be compiled together")
        }
        let required: LiteralQuery = nodes.isEmpty ? .all : LiteralExtraction.query(of: .alternation(nodes))
        // The literals of a match that spans lines may be in neighboring blocks.
        query = spans ? required.strongestPart : required
        spansLines = spans
        isLineSafe = safe
        ignoresEncoding = plain
        // PCRE2 finds literal text as fast; a pattern that may match the empty string matches every line.
        let canPrefilter = safe && !spans && findsStarts && !options.fixed && !texts.isEmpty && self.byteProgram != nil
        prefilter = canPrefilter ? PrefilterPattern(text, caseless: caseless) : nil
        wantsPrefilter = BlockQuery(query).probes.isAll
    }

    /// Whether Hyperscan would be used for this pattern and can compile it; for `--explain`.
    public var isPrefiltered: Bool { wantsPrefilter && prefilter?.ready() != nil }

    /// The program to use for a text.
    func program(isASCII: @autoclosure () -> Bool) -> PatternProgram? {
        if let byteProgram, ignoresEncoding || isASCII() { return byteProgram }
        return textProgram
    }

    private static func parse(
        _ source: [UInt8], _ options: PatternOptions, caseless: Bool, spans: Bool
    ) throws(LogSearchError) -> ParsedPattern? {
        if options.fixed {
            if !spans, let at = source.firstIndex(of: 0x0A) { throw lineFeed(at: at) }
            return PatternParser.fixed(source, caseless: caseless)
        }
        do throws(PatternObstacle) {
            return try PatternParser.parse(
                source, caseless: caseless, crlf: options.crlf, spansLines: spans, dotAll: spans && options.dotAll)
        } catch {
            if case .lineFeed(let at) = error { throw lineFeed(at: at) }
            return nil
        }
    }

    /// Whether a pattern may match a line feed; true when the parser does not understand it.
    private static func mayMatchLineFeed(_ source: [UInt8], _ options: PatternOptions) -> Bool {
        if options.fixed { return source.contains(0x0A) }
        let parsed = try? PatternParser.parse(source, spansLines: true, dotAll: options.dotAll)
        return parsed?.mayMatchLineFeed ?? true
    }

    private static func lineFeed(at offset: Int) -> LogSearchError {
        LogSearchError(
            code: .pattern, message: "the pattern contains a line feed, but a match does not span lines",
            offset: offset, hint: "-U lets a match span lines; or give the lines as separate patterns with -e")
    }

    private static func isLowercase(_ sources: [[UInt8]], fixed: Bool) -> Bool {
        var anyLiteral = false
        for source in sources {
            let parsed =
                fixed
                ? PatternParser.fixed(source, caseless: false) : try? PatternParser.parse(source, spansLines: true)
            guard let parsed else {
                // The parser does not understand it: any upper-case letter without a backslash before it decides.
                let text = source.indices.filter { $0 == 0 || source[$0 - 1] != 0x5C }.map { source[$0] }
                if text.contains(where: { $0 &- 0x41 < 26 }) { return false }
                anyLiteral = true
                continue
            }
            if parsed.hasUppercase { return false }
            anyLiteral = anyLiteral || parsed.hasLiteral
        }
        return anyLiteral
    }

    private static func escaped(_ source: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in source {
            let isWord = byte >= 0x80 || byte == 0x5F || byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 < 26
            if byte == 0 {
                out += "\\x00".utf8
            } else {
                if !isWord { out.append(0x5C) }
                out.append(byte)
            }
        }
        return out
    }

    private static func joined(_ texts: [[UInt8]], _ options: PatternOptions) -> [UInt8] {
        var body: [UInt8] = []
        for (index, text) in texts.enumerated() {
            if texts.count == 1, !options.word, !options.line { return text }
            if index > 0 { body.append(0x7C) }
            body += "(?:".utf8
            body += text
            body.append(0x29)
        }
        // Without patterns, no line is selected.
        if texts.isEmpty { return Array("(?!)".utf8) }
        let end = options.crlf ? ")(?=\\r?$)" : ")$"
        if options.line { return Array("^(?:".utf8) + body + Array(end.utf8) }
        if options.word { return Array("(?<!\\w)(?:".utf8) + body + Array(")(?!\\w)".utf8) }
        return body
    }
}

/// One compiled PCRE2 program, with machine code where the system allows it.
final class PatternProgram: @unchecked Sendable {
    // Unchecked: never changed after init.
    let code: OpaquePointer
    let isCompiledToMachineCode: Bool

    /// Compiles a pattern.
    /// - Parameters:
    ///   - findsStarts: whether PCRE2 may skip to where a match can begin.
    ///   - spans: whether a match may span lines, so that `Matcher` limits where it begins.
    ///   - dotAll: whether a dot matches a line feed.
    ///   - machineCode: false for PCRE2's interpreter, the slow reference.
    init(
        _ pattern: [UInt8], caseless: Bool, utf: Bool, findsStarts: Bool = true, spans: Bool = false,
        dotAll: Bool = false, machineCode: Bool = true
    ) throws(LogSearchError) {
        code = try Self.compile(
            pattern, caseless: caseless, utf: utf, findsStarts: findsStarts, spans: spans, dotAll: dotAll)
        isCompiledToMachineCode = machineCode && pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) == 0
    }

    deinit { pcre2_code_free_8(code) }

    static func check(_ pattern: [UInt8], caseless: Bool) throws(LogSearchError) {
        pcre2_code_free_8(try compile(pattern, caseless: caseless, utf: true))
    }

    private static func compile(
        _ pattern: [UInt8], caseless: Bool, utf: Bool, findsStarts: Bool = true, spans: Bool = false,
        dotAll: Bool = false
    ) throws(LogSearchError) -> OpaquePointer {
        guard let context = pcre2_compile_context_create_8(nil) else {
            throw LogSearchError(code: .resources, message: "no memory to compile the pattern")
        }
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        var options = UInt32(PCRE2_MULTILINE) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        // As in ripgrep, a line also begins after the last line feed.
        if spans { options |= UInt32(PCRE2_USE_OFFSET_LIMIT) | UInt32(PCRE2_ALT_CIRCUMFLEX) }
        if dotAll { options |= UInt32(PCRE2_DOTALL) }
        if caseless { options |= UInt32(PCRE2_CASELESS) }
        if !findsStarts { options |= UInt32(PCRE2_NO_START_OPTIMIZE) }
        if utf { options |= UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP) | UInt32(PCRE2_MATCH_INVALID_UTF) }
        var error: Int32 = 0
        var offset = 0
        if let code = pcre2_compile_8(pattern, pattern.count, options, &error, &offset, context) { return code }
        throw LogSearchError(code: .pattern, message: "bad pattern: \(message(error))", offset: offset)
    }

    static func message(_ error: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(error, &text, text.count)
        return length > 0 ? String(decoding: text.prefix(Int(length)), as: UTF8.self) : "error \(error)"
    }
}
