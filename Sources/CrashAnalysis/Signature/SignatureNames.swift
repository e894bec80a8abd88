/// Normalises function names so that they are the same in every build, by siggen's rules for C, C++ and Rust.
enum SignatureNames {
    /// Removes parameters, template arguments, return type, hashes and the marks of cloned code.
    static func normalise(_ raw: String) -> String {
        var name = bounded(raw).trimmed
        if name.hasPrefix("<unknown") || name.hasPrefix("<signal ") || name.hasPrefix("@0x") { return name }
        // The text after the colon says which check failed.
        if name.hasPrefix("Swift runtime failure") { return name.before(":") ?? name }
        name = withoutVersion(withoutOffset(withoutPlace(name)))
        let swift = SwiftNames.bare(name)
        name = GeneratedNames.normalise(RustNames.withoutCrateHashes(swift.name))
        let normal = plain(name)
        return swift.isClosure ? closure + normal : normal
    }

    /// The prefix of a Swift closure's name; the function that contains it follows.
    static let closure = "closure in "

    private static let longest = 16 << 10

    private static func bounded(_ raw: String) -> String {
        raw.utf8.count > longest ? String(decoding: raw.utf8.prefix(longest), as: UTF8.self) : raw
    }

    /// Removes what some stack printers leave around a name, as in `(0x2d8d7c) in Pocket::release(Item&) at`.
    private static func withoutPlace(_ raw: String) -> String {
        var name = raw
        if name.hasPrefix("(0x") || name.hasPrefix("0x"), let mark = name.find(" in "),
            name[..<mark.lowerBound].allSatisfy({ $0.isHexDigit || "x()".contains($0) })
        {
            name = String(name[mark.upperBound...])
        }
        return name.hasSuffix(") at") ? String(name.dropLast(3)) : name
    }

    /// Removes symbol versions and linker stubs: `memcpy@@GLIBC_2.14`, `memcpy@plt`, `000002cd.plt_call.memcpy`.
    private static func withoutVersion(_ raw: String) -> String {
        for mark in ["@@", "@plt", "@GLIBC"] {
            if let found = raw.find(mark), found.lowerBound > raw.startIndex { return String(raw[..<found.lowerBound]) }
        }
        if let stub = raw.find(".plt_call."), raw[..<stub.lowerBound].allSatisfy(\.isHexDigit) {
            return String(raw[stub.upperBound...])
        }
        return raw
    }

    /// Removes the offset in `take + 623` and `take+0x7f`, which differs in every build.
    private static func withoutOffset(_ name: String) -> String {
        guard let plus = name.findLast("+"), plus.lowerBound > name.startIndex else { return name }
        let head = name[..<plus.lowerBound].trimmed
        let tail = name[plus.upperBound...].trimmed
        let isHex = tail.hasPrefix("0x") && tail.count > 2 && tail.dropFirst(2).allSatisfy(\.isHexDigit)
        guard isHex || !tail.isEmpty && tail.allSatisfy(\.isNumber), !head.isEmpty, !head.hasSuffix("operator") else {
            return name
        }
        return head
    }

    private static func plain(_ given: String) -> String {
        var name = given
        // Entry points of the 64-bit PowerPC ABI.
        if name.hasPrefix("."), name.dropFirst().first?.isLetter == true { name.removeFirst() }
        for mark in ["transaction clone for ", "non-transaction clone for "] where name.hasPrefix(mark) {
            name = String(name.dropFirst(mark.count))
        }
        for mark in [".cold", ".part.", ".isra.", ".constprop.", ".llvm.", ".lto_priv.", " [clone "] {
            if let cut = name.find(mark) { name = String(name[..<cut.lowerBound]) }
        }
        if let hash = name.findLast("::h"), name[hash.upperBound...].utf8.count == 16,
            name[hash.upperBound...].allSatisfy({ $0.isHexDigit })
        {
            name = String(name[..<hash.lowerBound])
        }
        for mark in [" const &", " const&", " const", " &&", " &", ")&&", ")&"] where name.hasSuffix(mark) {
            name = String(name.dropLast(mark.hasPrefix(")") ? mark.count - 1 : mark.count))
        }
        name = withoutLambdaNumbers(name)
        // Brackets are removed only from C++ and Rust names; those of Objective-C stay.
        guard !name.hasPrefix("-["), !name.hasPrefix("+[") else { return name }
        // "fill [as visit]" of V8.
        if name.hasSuffix("]"), let alias = name.find(" [as ") { name = String(name[..<alias.lowerBound]) }
        let go = name.contains("/") || name.find(".(*") != nil
        if go, !isMono(name) { return name }
        name = hide(name, "(anonymous namespace)", as: "\u{E000}")
        name = hide(name, "`anonymous namespace'", as: "\u{E000}")
        // Within a name, the qualifier of the function that contains a lambda.
        name = hide(name, " const::", as: "\u{E001}")
        name = collapse(
            name, open: "<", close: ">", into: "<T>",
            keeping: kept)
        name = withoutParameters(name)
        name = withoutReturnType(name)
        name = name.split(separator: " " as Character).joined(separator: " ")
        return show(withoutCounts(name))
    }

    /// Bracketed words that are not template arguments.
    static let kept = [
        "<lambda", "<unnamed", "<name omitted>", "<module>", "<anonymous>", "<main>", "<init>", "<clinit>", "<genexpr>",
        "<listcomp>", "<Module>",
    ]

    /// `Harbor/Crane:Lower (int)`, as Mono writes it; the slash precedes a nested type.
    private static func isMono(_ name: String) -> Bool {
        guard let colon = name.find(":"), name.find("::") == nil, name.find("://") == nil else { return false }
        return name[colon.upperBound...].find(" (") != nil
    }

    /// Removes the numbers in `{lambda#2}`, `'lambda0'`, `<lambda_4>`, which count the lambdas of a function.
    private static func withoutCounts(_ name: String) -> String {
        guard name.contains("#") || name.find("lambda") != nil else { return name }
        var result: [Character] = []
        var rest = Array(name)[...]
        while let next = rest.first {
            rest = rest.dropFirst()
            if next == "#" {
                let digits = rest.prefix { $0.isNumber }
                // siggen keeps the numbers of Rust's closures, and so do signatures.
                let isLambda =
                    String(result.suffix(13)).hasSuffix("{lambda") || result.suffix(12) == Array("unnamed type")[...]
                if isLambda, !digits.isEmpty, rest.dropFirst(digits.count).first == "}" {
                    rest = rest.dropFirst(digits.count)
                    continue
                }
            }
            result.append(next)
            guard next == "a" || next == "_" else { continue }
            let word = String(result.suffix(8))
            if word.hasSuffix("'lambda") {
                rest = rest.drop { $0.isNumber }
            } else if word == "<lambda_" {
                let mark = rest.prefix { $0.isHexDigit }
                if rest.dropFirst(mark.count).first == ">" {
                    rest = rest.dropFirst(mark.count)
                    result.removeLast()
                }
            }
        }
        return String(result)
    }

    private static func hide(_ name: String, _ part: String, as mark: String) -> String {
        var result = ""
        var rest = name[...]
        while let found = rest.find(part) {
            result += rest[..<found.lowerBound]
            result += mark
            // Searching again from the start would be quadratic, and names come from untrusted files.
            rest = rest[found.upperBound...]
        }
        return result.isEmpty ? name : result + rest
    }

    /// Shortens `::$_3::` to `::$::`.
    private static func withoutLambdaNumbers(_ name: String) -> String {
        guard name.find("::$_") != nil else { return name }
        var result: [UInt8] = []
        var rest = Array(name.utf8)[...]
        let mark = Array("::$_".utf8)
        while let next = rest.first {
            if rest.starts(with: mark) {
                let digits = rest.dropFirst(mark.count).prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
                let tail = rest.dropFirst(mark.count + digits.count)
                if tail.starts(with: mark.prefix(2)) {
                    result += mark.prefix(3)
                    rest = tail
                    continue
                }
            }
            result.append(next)
            rest = rest.dropFirst()
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Restores what `hide` replaced. Puts no space before a star, ampersand or comma and one after a comma.
    private static func show(_ name: String) -> String {
        var result = ""
        for character in name {
            if "*&,".contains(character), result.last == " " { result.removeLast() }
            if result.last == ",", character != " " { result.append(" ") }
            switch character {
            case "\u{E000}": result += "(anonymous namespace)"
            case "\u{E001}": result += " const::"
            default: result.append(character)
            }
        }
        return result
    }

    /// Replaces bracketed parts, outermost pairs as a whole, and leaves operators alone.
    private static func collapse(_ name: String, open: Character, close: Character, into: String, keeping: [String])
        -> String
    {
        var result = ""
        var depth = 0
        var rest = name[...]
        var before: Character = " "
        while let next = rest.first {
            defer { before = next }
            if depth == 0, let operation = operatorPrefix(rest, after: result) {
                result += operation
                rest = rest.dropFirst(operation.count)
                // Demanglers put a space between an operator and its template arguments.
                if rest.hasPrefix(" <") { rest = rest.dropFirst() }
                continue
            }
            if depth == 0, next == open, let kept = keeping.first(where: { rest.hasPrefix($0) }) {
                result += kept
                rest = rest.dropFirst(kept.count)
                continue
            }
            if depth == 0, next == open, result.isEmpty, let trait = traitPrefix(rest, open: open, close: close) {
                result += trait
                rest = rest.dropFirst(trait.count)
                continue
            }
            if next == open {
                depth += 1
                if depth == 1 { result += into }
            } else if next == close, depth > 0, before != "-" {
                depth -= 1
            } else if depth == 0 {
                result.append(next)
            }
            rest = rest.dropFirst()
        }
        return depth == 0 ? result : name
    }

    /// The bracket at the start of Rust's "<T as Trait>::f", whose content is part of the name.
    private static func traitPrefix(_ rest: Substring, open: Character, close: Character) -> Substring? {
        var depth = 0
        var before: Character = " "
        for index in rest.indices {
            let next = rest[index]
            if next == open {
                depth += 1
            } else if next == close, before != "-" {
                depth -= 1
            }
            before = next
            guard depth == 0 else { continue }
            let token = rest[...index]
            return String(token).find(" as ") == nil ? nil : token
        }
        return nil
    }

    private static func operatorPrefix(_ rest: Substring, after head: String) -> String? {
        guard head.hasSuffix("operator") else { return nil }
        let operators = ["<<=", ">>=", "<=>", "->*", "<<", ">>", "<=", ">=", "->", "()", "<", ">"]
        return operators.first { rest.hasPrefix($0) }
    }

    /// Removes `(…)` and what follows it: parameters, const, reference marks; keeps `operator()`.
    private static func withoutParameters(_ name: String) -> String {
        var result = ""
        var depth = 0
        var rest = name[...]
        while let next = rest.first {
            if depth == 0, result.hasSuffix("operator"), rest.hasPrefix("()") {
                result += "()"
                rest = rest.dropFirst(2)
                continue
            }
            if next == "(" {
                depth += 1
            } else if next == ")" {
                depth = max(0, depth - 1)
            } else if depth == 0 {
                result.append(next)
            }
            rest = rest.dropFirst()
        }
        var text = result.trimmed
        for mark in [" const", " volatile", " &", " &&", " noexcept"] where text.hasSuffix(mark) {
            text = String(text.dropLast(mark.count))
        }
        return text.isEmpty ? name : text
    }

    /// Removes what precedes the name, as in `static void ns::f`.
    private static func withoutReturnType(_ name: String) -> String {
        guard !name.hasPrefix("<"), name.find("operator ") == nil, name.find("lambda at ") == nil,
            name.find(" in ") == nil, name.find(" for ") == nil, name.find(" as ") == nil
        else {
            guard let found = name.findLast("operator ") else { return name }
            let head = name[..<found.lowerBound]
            guard let space = head.findLast(" ") else { return name }
            return String(name[space.upperBound...])
        }
        guard let space = name.findLast(" ") else { return name }
        return String(name[space.upperBound...])
    }
}
