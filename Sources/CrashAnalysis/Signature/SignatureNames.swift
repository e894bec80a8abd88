/// Brings function names into the form in which they are the same in every build (siggen's rules for C, C++ and Rust).
enum SignatureNames {
    /// Without parameters, template arguments, return type, hashes and the marks of cloned code.
    static func normalise(_ raw: String) -> String {
        var name = raw.trimmed
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
        while let found = name.find("::$_"), let end = name[found.upperBound...].find("::"),
            name[found.upperBound..<end.lowerBound].allSatisfy(\.isNumber)
        {
            name.replaceSubrange(found.lowerBound..<end.lowerBound, with: "::$")
        }
        // Only plain C++ and Rust names take part in bracket work; Objective-C and Swift labels stay.
        guard !name.hasPrefix("-["), !name.hasPrefix("+[") else { return name }
        let go = name.contains("/") || name.find(".(*") != nil
        if go { return name }
        name = hide(name, "(anonymous namespace)", as: "\u{E000}")
        name = hide(name, "`anonymous namespace'", as: "\u{E000}")
        // Within a name, of the function that a lambda stands in.
        name = hide(name, " const::", as: "\u{E001}")
        name = collapse(
            name, open: "<", close: ">", into: "<T>",
            keeping: ["<lambda", "<unnamed", "<name omitted>", "<module>", "<anonymous>", "<main>", "<init>"])
        name = withoutParameters(name)
        name = withoutReturnType(name)
        name = name.split(separator: " " as Character).joined(separator: " ")
        return show(name)
    }

    private static func hide(_ name: String, _ part: String, as mark: String) -> String {
        var result = name
        while let found = result.find(part) { result.replaceSubrange(found, with: mark) }
        return result
    }

    /// Shows what was hidden, without a space before a star, ampersand or comma and with one behind a comma.
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
                // Demanglers keep the arguments of a template apart from the operator's own bracket.
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

    /// The bracket that Rust's "<T as Trait>::f" begins with: its inside is a part of the name.
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

    /// Cuts `(…)` and what follows: parameters, const, reference marks; keeps the name inside `operator()`.
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

    /// `static void ns::f` without what stands before the name.
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

/// Makes messages the same from run to run.
enum SignatureMessages {
    /// Numbers, addresses, identifiers and quoted values replaced, shortened to 120 characters; the quotes of an
    /// assertion are source code, and stay.
    static func normalise(_ raw: String, isSource: Bool = false) -> String {
        let line = raw.split(separator: "\n" as Character).first.map(String.init) ?? ""
        var result = ""
        var rest = Array(line.trimmed)[...]
        while let next = rest.first {
            if !isSource, next == "'" || next == "\"", let close = rest.dropFirst().firstIndex(of: next),
                close > rest.startIndex
            {
                let before = result.last
                if before == nil || before?.isLetter == false {
                    result += "\(next)…\(next)"
                    rest = rest[(close + 1)...]
                    continue
                }
            }
            if next.isLetter || next.isNumber || next == "_" {
                let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
                result += masked(String(word))
                rest = rest.dropFirst(word.count)
                continue
            }
            result.append(next)
            rest = rest.dropFirst()
        }
        return result.count > 120 ? String(result.prefix(119)) + "…" : result
    }

    private static func masked(_ word: String) -> String {
        let digits = word.filter { $0.isNumber }.count
        if digits == 0 { return word }
        if word.hasPrefix("0x"), word.dropFirst(2).allSatisfy({ $0.isHexDigit }) { return "ADDR" }
        let bare = word.filter { $0 != "-" }
        if word.count == 36, bare.count == 32, bare.allSatisfy({ $0.isHexDigit }) { return "UUID" }
        if bare.allSatisfy({ $0.isNumber }) { return "N" }
        if bare.count >= 8, bare.allSatisfy({ $0.isHexDigit }) { return "HEX" }
        var result = ""
        var inNumber = false
        for character in word {
            if character.isNumber {
                if !inNumber { result += "N" }
                inNumber = true
            } else {
                inNumber = false
                result.append(character)
            }
        }
        return result
    }
}
