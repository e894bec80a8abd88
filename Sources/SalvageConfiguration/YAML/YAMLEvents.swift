import CYAML

/// One step of the parser through a YAML document.
struct YAMLEvent {
    enum Kind {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(String, isPlain: Bool)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
    }

    var kind: Kind
    /// The name by which aliases refer to the value that begins here.
    var anchor: String?
    /// Where the event begins, counted from 1.
    var line: Int
    var column: Int
}

/// The events of a YAML text, read by libyaml.
struct YAMLEvents: ~Copyable {
    /// On the heap, because libyaml keeps a pointer to the parser in the parser.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeBufferPointer<UInt8>

    /// Reads UTF-8, which must stay in place while this value exists and must not be empty.
    init(_ text: UnsafeBufferPointer<UInt8>) throws(YAMLProblem) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw Self.outOfMemory
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        self.parser = parser
        self.text = text
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Returns the next event; `streamEnd` again and again after the end.
    mutating func next() throws(YAMLProblem) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let (kind, anchor) = Self.translated(event)
        return YAMLEvent(
            kind: kind, anchor: anchor, line: event.start_mark.line + 1, column: event.start_mark.column + 1)
    }

    /// Copies everything out of an event, whose memory libyaml owns.
    private static func translated(_ event: yaml_event_t) -> (YAMLEvent.Kind, anchor: String?) {
        switch event.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, nil)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, nil)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, nil)
        case YAML_ALIAS_EVENT: return (.alias(name(event.data.alias.anchor) ?? ""), nil)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            // A scalar can contain NUL, as an escape: its length counts.
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return (.scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), name(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT: return (.sequenceStart, name(event.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, nil)
        case YAML_MAPPING_START_EVENT: return (.mappingStart, name(event.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, nil)
        default: return (.streamEnd, nil)
        }
    }

    /// An anchor's name, which libyaml limits to ASCII letters, digits, `_` and `-`.
    private static func name(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        anchor.map { String(cString: $0) }
    }

    private static let outOfMemory = YAMLProblem(
        line: 1, column: nil, message: "cannot be parsed: out of memory", fix: "free some memory and try again")

    /// Describes the error that stopped the parser.
    private func problem() -> YAMLProblem {
        let parser = self.parser.pointee
        let what = parser.problem.map { String(cString: $0) } ?? "cannot be parsed"
        switch parser.error {
        case YAML_MEMORY_ERROR: return Self.outOfMemory
        case YAML_READER_ERROR: return invalidCharacter(at: parser.problem_offset, what)
        default: break
        }
        var line = parser.problem_mark.line + 1
        var column: Int? = parser.problem_mark.column + 1
        if parser.problem_mark.index >= text.count(where: Self.startsScalar) {
            // libyaml's place of the end is the beginning of the line after the last one.
            if column == 1 { line = max(1, line - 1) }
            column = nil
        }
        var message = "is not valid YAML: \(what) (\(column.map { "column \($0)" } ?? "at the end"))"
        // Such as "while parsing a block mapping", with the place where that begins.
        if let context = parser.context.map({ String(cString: $0) }), context.hasPrefix("while ") {
            message += ", \(context)"
            let begin = parser.context_mark.line + 1
            if begin < line { message += " that begins on line \(begin)" }
        }
        return YAMLProblem(
            line: line, column: column, message: message, fix: "check indentation, colons and quotes on this line")
    }

    /// Describes a character that YAML forbids, of which libyaml gives the place in bytes.
    private func invalidCharacter(at offset: Int, _ what: String) -> YAMLProblem {
        let before = text.prefix(offset)
        let line = before.count(where: { $0 == 0x0a }) + 1
        let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? before.startIndex
        let column = before[lineStart...].count(where: Self.startsScalar) + 1
        return YAMLProblem(
            line: line, column: column, message: "is not valid YAML: \(what) (column \(column))",
            fix: "remove the character, or write it as an escape in double quotes")
    }

    private static func startsScalar(_ byte: UInt8) -> Bool { byte & 0xc0 != 0x80 }
}
