/// Reads a small XML document (XML 1.0, fifth edition) into elements: for servers' short answers.
///
/// The input is untrusted. A document type declaration is refused, and with it every entity but the five of XML and
/// character references: nothing is expanded or fetched. Depth, number of elements and size are bounded, and so is the
/// memory. Attributes are checked for their form and dropped. White space before the document is skipped, because S3
/// sends some to keep a connection alive. UTF-8 only.
public struct XMLReader: ~Copyable {
    /// Limits of a document.
    public struct Limits: Sendable {
        /// The most bytes.
        public var bytes = 16 << 20
        /// The most elements inside each other.
        public var depth = 32
        /// The most elements.
        public var elements = 200_000

        /// The default limits.
        public init() {}
    }

    private let bytes: UnsafeRawBufferPointer
    private let limits: Limits
    private var at = 0
    private var count = 0

    private init(_ bytes: UnsafeRawBufferPointer, _ limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Reads a document and returns its root.
    /// - Throws: ``XMLFault`` for anything that is not well-formed or exceeds a limit.
    public static func root(of bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(XMLFault) -> XMLElement
    {
        guard bytes.count <= limits.bytes else {
            throw XMLFault(message: "the document is larger than \(limits.bytes) bytes", offset: 0)
        }
        var reader = XMLReader(bytes, limits)
        return try reader.document()
    }

    /// Reads a document and returns its root.
    /// - Throws: ``XMLFault`` for anything that is not well-formed or exceeds a limit.
    public static func root(of bytes: [UInt8], limits: Limits = Limits()) throws(XMLFault) -> XMLElement {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(XMLFault) in try root(of: buffer, limits: limits) }
        }.get()
    }

    // MARK: The document

    private mutating func document() throws(XMLFault) -> XMLElement {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        try skipMisc()
        guard peek == UInt8(ascii: "<") else { throw fault("the document does not begin with an element") }
        let root = try element()
        try skipMisc()
        guard at == bytes.count else { throw fault("text follows the document") }
        return root
    }

    /// White space, comments and instructions outside the root.
    private mutating func skipMisc() throws(XMLFault) {
        while true {
            skipSpaces()
            guard try skipAside() else { return }
        }
    }

    /// A comment or an instruction; false if there is none.
    private mutating func skipAside() throws(XMLFault) -> Bool {
        if take("<!--") {
            try skip(past: "-->", "a comment")
        } else if take("<?") {
            try skip(past: "?>", "an instruction")
        } else {
            return false
        }
        return true
    }

    /// An element that is being read.
    private struct Open {
        var name: ArraySlice<UInt8>
        var text: [UInt8] = []
        var children: [XMLElement] = []
    }

    /// The element at the position. Not recursive: the depth is the document's to choose.
    private mutating func element() throws(XMLFault) -> XMLElement {
        var open: [Open] = []
        while true {
            if peek != UInt8(ascii: "<") {
                guard !open.isEmpty else { throw fault("text is outside of elements") }
                try characters(into: &open[open.count - 1].text)
                continue
            }
            if try skipAside() { continue }
            if take("<![CDATA[") {
                guard !open.isEmpty else { throw fault("a CDATA section is outside of elements") }
                try section(into: &open[open.count - 1].text)
                continue
            }
            if take("</") {
                guard let last = open.popLast() else { throw fault("an end tag has no start") }
                let name = try name()
                guard name == last.name else { throw fault("an end tag has another name than its start") }
                skipSpaces()
                guard take(">") else { throw fault("an end tag does not end") }
                let closed = try Self.closed(last, at)
                guard !open.isEmpty else { return closed }
                open[open.count - 1].children.append(closed)
                continue
            }
            let started = try startTag(depth: open.count)
            if !started.isEmpty {
                open.append(started.open)
                continue
            }
            let closed = try Self.closed(started.open, at)
            guard !open.isEmpty else { return closed }
            open[open.count - 1].children.append(closed)
        }
    }

    private mutating func startTag(depth: Int) throws(XMLFault) -> (open: Open, isEmpty: Bool) {
        guard take("<") else { throw fault("the document ends inside of an element") }
        guard peek != UInt8(ascii: "!") else { throw fault("declarations are not accepted") }
        guard depth < limits.depth else { throw fault("more than \(limits.depth) elements are inside each other") }
        count += 1
        guard count <= limits.elements else { throw fault("the document has more than \(limits.elements) elements") }
        let open = Open(name: try name())
        while true {
            let hadSpace = skipSpaces()
            if take("/>") { return (open, true) }
            if take(">") { return (open, false) }
            guard hadSpace else { throw fault("a start tag is not well-formed") }
            _ = try name()
            skipSpaces()
            guard take("=") else { throw fault("an attribute has no value") }
            skipSpaces()
            guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                throw fault("an attribute's value has no quotes")
            }
            at += 1
            while let byte = peek, byte != quote {
                guard byte != UInt8(ascii: "<") else { throw fault("an attribute's value contains <") }
                at += 1
            }
            guard peek == quote else { throw fault("an attribute's value does not end") }
            at += 1
        }
    }

    private static func closed(_ open: Open, _ offset: Int) throws(XMLFault) -> XMLElement {
        let local = open.name.lastIndex(of: UInt8(ascii: ":")).map { open.name[($0 + 1)...] } ?? open.name
        guard let first = local.first, !isInside(first) else {
            throw XMLFault(message: "a name is not valid behind its prefix", offset: offset)
        }
        var text = open.text
        if !open.children.isEmpty, text.allSatisfy(isSpace) { text = [] }
        guard let name = String(validating: local, as: UTF8.self), let words = String(validating: text, as: UTF8.self)
        else { throw XMLFault(message: "the document is not UTF-8", offset: offset) }
        return XMLElement(name, text: words, children: open.children)
    }

    // MARK: Text

    private mutating func characters(into text: inout [UInt8]) throws(XMLFault) {
        guard peek != nil else { throw fault("the document ends inside of an element") }
        while let byte = peek, byte != UInt8(ascii: "<") {
            if byte == UInt8(ascii: "&") {
                try reference(into: &text)
            } else {
                guard Self.isCharacter(byte) else { throw fault("a control character is in the text") }
                text.append(byte)
                at += 1
            }
        }
    }

    private mutating func section(into text: inout [UInt8]) throws(XMLFault) {
        let start = at
        try skip(past: "]]>", "a CDATA section")
        let content = bytes[start..<(at - 3)]
        guard content.allSatisfy(Self.isCharacter) else { throw fault("a control character is in the text") }
        text.append(contentsOf: content)
    }

    /// `&amp;`, `&#38;`, `&#x26;`.
    private mutating func reference(into text: inout [UInt8]) throws(XMLFault) {
        let start = at
        at += 1
        // The longest that is accepted, with room for leading zeros.
        while let byte = peek, byte != UInt8(ascii: ";"), at - start <= 16 { at += 1 }
        guard peek == UInt8(ascii: ";") else { throw fault("a reference does not end") }
        let body = bytes[(start + 1)..<at]
        at += 1
        let scalar: Unicode.Scalar?
        if body.first == UInt8(ascii: "#") {
            let digits = body.dropFirst()
            let isHex = digits.first == UInt8(ascii: "x")
            let number = String(decoding: isHex ? digits.dropFirst() : digits, as: UTF8.self)
            let isNumber = number.utf8.first.map { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") } ?? false
            scalar = isNumber ? UInt32(number, radix: isHex ? 16 : 10).flatMap(Unicode.Scalar.init) : nil
        } else {
            scalar = Self.entities.first { body.elementsEqual($0.name.utf8) }?.scalar
        }
        // U+0000 is no character of XML; other controls appear in answers, because keys may contain them.
        guard let scalar, scalar.value != 0 else { throw fault("a reference stands for no character") }
        text.append(contentsOf: String(scalar).utf8)
    }

    private static let entities: [(name: String, scalar: Unicode.Scalar)] = [
        ("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'"),
    ]

    // MARK: Bytes

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func name() throws(XMLFault) -> ArraySlice<UInt8> {
        let start = at
        while let byte = peek, Self.isName(byte) { at += 1 }
        guard at > start, at - start <= 256, !Self.isInside(bytes[start]) else { throw fault("a name is not valid") }
        return Array(bytes[start..<at])[...]
    }

    private static func isName(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ":") || isInside(byte)
    }

    /// What a name contains but does not begin with.
    private static func isInside(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func isCharacter(_ byte: UInt8) -> Bool { byte >= 0x20 || isSpace(byte) }

    @discardableResult
    private mutating func skipSpaces() -> Bool {
        let start = at
        while let byte = peek, Self.isSpace(byte) { at += 1 }
        return at > start
    }

    private func stands(_ words: StaticString, _ place: Int) -> Bool {
        words.withUTF8Buffer { place + $0.count <= bytes.count && bytes[place..<(place + $0.count)].elementsEqual($0) }
    }

    private mutating func take(_ words: StaticString) -> Bool {
        guard stands(words, at) else { return false }
        at += words.utf8CodeUnitCount
        return true
    }

    private mutating func skip(past words: StaticString, _ what: String) throws(XMLFault) {
        while at < bytes.count {
            if take(words) { return }
            at += 1
        }
        throw fault("\(what) does not end")
    }

    private func fault(_ message: String) -> XMLFault { XMLFault(message: message, offset: at) }
}
