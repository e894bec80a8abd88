/// Normalises Rust function names as the v0 mangling prints them.
enum RustNames {
    /// Shortens `std[e28293b1aa0f68bd]::rt` to `std::rt`: the hash differs with every compiler.
    static func withoutCrateHashes(_ name: String) -> String {
        guard name.contains("[") else { return name }
        var result: [UInt8] = []
        let bytes = Array(name.utf8)
        var at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "["), let last = result.last, isWord(last), let end = hashEnd(bytes, at + 1) {
                at = end
                continue
            }
            result.append(bytes[at])
            at += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hashEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        var end = start
        while end < bytes.count, end - start < 17, isHex(bytes[end]) { end += 1 }
        guard end - start >= 6, end - start <= 16, end < bytes.count, bytes[end] == UInt8(ascii: "]") else {
            return nil
        }
        return end + 1
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return UInt8(ascii: "a")...UInt8(ascii: "z") ~= lower || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    private static let primitives: Set<String> = [
        "str", "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64",
    ]
    private static let libraries = [
        "[", "(", "alloc::", "core::", "std::", "hashbrown::", "dyn core::", "dyn std::", "dyn alloc::",
    ]

    /// The name from the trait on in `<usize as core::slice::index::SliceIndex<…>>::index`, if the type belongs to the
    /// language or its library; nil for a type of the program.
    static func libraryTrait(_ name: String) -> Substring? {
        guard name.hasPrefix("<"), let mark = name.find(" as ") else { return nil }
        var type = name[..<mark.lowerBound].dropFirst()
        while type.hasPrefix("&") || type.hasPrefix("mut ") { type = type.dropFirst(type.hasPrefix("&") ? 1 : 4) }
        guard primitives.contains(String(type)) || libraries.contains(where: { type.hasPrefix($0) }) else { return nil }
        return name[mark.upperBound...]
    }

    /// Turns `<shop::Seats>::take` into `shop::Seats::take`; nil if the bracket names a trait or is not Rust's.
    static func inherent(_ raw: String) -> String? {
        let name = withoutCrateHashes(raw)
        guard name.hasPrefix("<"), !SignatureNames.kept.contains(where: { name.hasPrefix($0) }) else { return nil }
        var depth = 0
        var before: Character = " "
        for index in name.indices {
            if name[index] == "<" {
                depth += 1
            } else if name[index] == ">", before != "-" {
                depth -= 1
            }
            before = name[index]
            guard depth == 0 else { continue }
            let inner = name[name.index(after: name.startIndex)..<index]
            let rest = name[name.index(after: index)...]
            guard rest.hasPrefix("::"), let first = inner.first, first.isLetter || first == "_",
                inner.find("::") != nil, inner.find(" as ") == nil
            else { return nil }
            return String(inner) + rest
        }
        return nil
    }
}

/// Normalises names as Swift's demangler prints them: closures, thunks and specializations get their function's name.
enum SwiftNames {
    private static let leads = [
        "specialized ", "merged ", "partial apply forwarder for ", "partial apply for ", "dispatch thunk of ", "@objc ",
        "protocol witness for ", "variable initialization expression of ", "implicit ", "async function pointer to ",
        "distributed thunk ", "static ", "override ", "curry thunk of ", "key path getter for ",
    ]

    /// Returns the function and whether the name is a closure in it.
    static func bare(_ raw: String) -> (name: String, isClosure: Bool) {
        var name = raw
        var isClosure = false
        var isSwift = false
        for _ in 0..<12 {
            if name.hasPrefix("closure #") || name.hasPrefix("autoclosure #") || name.hasPrefix("defer #"),
                let inside = inside(name)
            {
                name = inside
                isClosure = true
            } else if let lead = leads.first(where: { name.hasPrefix($0) }) {
                // These two words also begin C++ declarations.
                isSwift = isSwift || lead != "static " && lead != "override "
                name = String(name.dropFirst(lead.count))
            } else if name.hasPrefix("generic ") || name.hasPrefix("function signature specialization "),
                let of = name.find("> of ")
            {
                name = String(name[of.upperBound...])
                isSwift = true
            } else if name.hasPrefix("("), let resume = name.find(" resume partial function for ") {
                name = String(name[resume.upperBound...])
                isSwift = true
            } else {
                break
            }
        }
        if name.hasPrefix("(extension in "), let colon = name.find("):") {
            name = String(name[colon.upperBound...])
            isSwift = true
        }
        if isSwift || isClosure, let witness = name.find(" in conformance ") {
            name = String(name[..<witness.lowerBound])
        }
        return (withoutResult(name), isClosure)
    }

    /// The text after the first " in " outside parentheses: the function that contains a closure.
    private static func inside(_ name: String) -> String? {
        var depth = 0
        for index in name.indices {
            switch name[index] {
            case "(", "<": depth += 1
            case ")": depth -= 1
            case ">" where name[..<index].last != "-": depth -= 1
            case " " where depth == 0 && name[index...].hasPrefix(" in "):
                return String(name[name.index(index, offsetBy: 4)...])
            default: break
            }
        }
        return nil
    }

    /// Removes the result type, as in `tick() async throws -> Swift.Int` and `health.getter : Swift.Int`.
    private static func withoutResult(_ name: String) -> String {
        guard name.find("operator") == nil else { return name }
        var name = name
        for accessor in [".getter", ".setter", ".modify", ".read", ".init", "ddressor"] {
            if let found = name.find(accessor + " : ") {
                name = name[..<found.lowerBound] + accessor
            }
        }
        var depth = 0
        for index in name.indices {
            switch name[index] {
            case "(", "<", "[": depth += 1
            case ")", "]": depth -= 1
            case ">" where name[..<index].last != "-": depth -= 1
            case " " where depth == 0 && name[index...].hasPrefix(" -> "):
                name = String(name[..<index])
                for effect in [" throws", " rethrows", " async", " @Sendable"] where name.hasSuffix(effect) {
                    name = String(name.dropLast(effect.count))
                }
                if name.hasSuffix(" async") { name = String(name.dropLast(6)) }
                return name
            default: break
            }
        }
        return name
    }
}
