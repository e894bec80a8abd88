/// Normalises names that compilers and tools generate. Their numbers depend on what else a build or a run generated.
enum GeneratedNames {
    /// Returns the name a programmer would know: that of the original function, without generated numbers.
    static func normalise(_ name: String) -> String {
        var name = name
        if name.hasPrefix("<") || name.find("<") != nil, name.find(">") != nil { name = dotnet(name) }
        if name.contains("$") || name.find("Generated") != nil, name.find("::") == nil { name = java(name) }
        if name.contains("@") { name = fsharp(name) }
        return name
    }

    // MARK: .NET

    /// Names state machines, lambdas and local functions of C# after their method: `Quarry.<GoAsync>d__7.MoveNext`
    /// becomes `Quarry.GoAsync`.
    private static func dotnet(_ name: String) -> String {
        guard [">d", ">b__", ">g__", "<>c", ">$"].contains(where: { name.find($0) != nil }) else { return name }
        var result = ""
        var separator = ""
        var wasMachine = false
        for (part, following) in components(name) {
            // A nested type follows a plus in .NET and a slash in Mono.
            defer { separator = following == "+" || following == "/" ? "." : following }
            if part.hasPrefix("<>c") { continue }
            let plain = part.prefix { $0 != "(" && $0 != " " }
            if wasMachine, plain == "MoveNext" || plain == "SetStateMachine" {
                result += part.dropFirst(plain.count)
                continue
            }
            guard let origin = origin(part, depth: 0) else {
                result += (result.isEmpty ? "" : separator) + part
                continue
            }
            wasMachine = true
            result += (result.isEmpty ? "" : separator) + origin
        }
        return result.isEmpty ? name : result
    }

    /// The parts between `.`, `+`, `/` and `:` outside brackets, each with the separator that follows it.
    private static func components(_ name: String) -> [(part: String, following: String)] {
        var parts: [(part: String, following: String)] = []
        var part = ""
        var depth = 0
        var isInParameters = false
        for character in name {
            if character == "(" { isInParameters = true }
            if character == "<" { depth += 1 }
            if character == ">" { depth = max(0, depth - 1) }
            if depth == 0, !isInParameters, !part.isEmpty, ".+/:".contains(character) {
                parts.append((part, String(character)))
                part = ""
            } else {
                part.append(character)
            }
        }
        parts.append((part, ""))
        return parts
    }

    /// The method in `<Method>d__7`, `<Method>b__1`, `<Method>g__Local|3_0`, `<Main>$`; nil for any other part.
    private static func origin(_ part: String, depth: Int) -> String? {
        guard part.hasPrefix("<"), depth < 4 else { return nil }
        var open = 0
        var close: String.Index?
        for index in part.indices {
            if part[index] == "<" { open += 1 }
            if part[index] == ">" { open -= 1 }
            if open == 0 {
                close = index
                break
            }
        }
        guard let close else { return nil }
        let inner = String(part[part.index(after: part.startIndex)..<close])
        let tail = part[part.index(after: close)...]
        guard !inner.isEmpty else { return nil }
        let named = origin(inner, depth: depth + 1) ?? inner
        if tail.hasPrefix("g__") {
            return named + "." + tail.dropFirst(3).prefix { $0 != "|" }
        }
        if tail.hasPrefix("b__") || tail == "$" || tail.hasPrefix("$(") { return named }
        if tail == "d" || tail.hasPrefix("d__") || tail.hasPrefix("d<") || tail.hasPrefix("d`") { return named }
        return nil
    }

    /// Removes the line number that F# puts in a closure's name, as in `tick@12-1.Invoke`.
    private static func fsharp(_ name: String) -> String {
        guard let mark = name.find("@"), mark.lowerBound > name.startIndex,
            name[name.index(before: mark.lowerBound)].isLetter || name[name.index(before: mark.lowerBound)].isNumber
        else { return name }
        let rest = name[mark.upperBound...]
        let number = rest.prefix { $0.isNumber || $0 == "-" }
        guard !number.isEmpty, rest.dropFirst(number.count).first.map({ $0 == "." || $0 == ":" }) ?? true else {
            return name
        }
        return String(name[..<mark.lowerBound]) + rest.dropFirst(number.count)
    }

    // MARK: The JVM

    private static let countedClasses = [
        "$Proxy", "GeneratedMethodAccessor", "GeneratedConstructorAccessor",
        "GeneratedSerializationConstructorAccessor",
        "GeneratedEventExecutor", "GeneratedAccessor", "_$$_jvst", "_$$_javassist_",
    ]

    /// After these, the next part of the name is a hash or a random word.
    private static let hashed = [
        "CGLIB", "ByteBuddy", "MockitoMock", "HibernateProxy", "HibernateInstantiator", "ByteBuddyGenerated",
    ]

    /// Mixin names what it merges into a class by the kind of injection, a mark of the run, and the mod.
    private static let injections: Set<String> = [
        "handler", "redirect", "modify", "localvar", "args", "arg", "constant", "inject", "wrapOperation",
        "wrapWithCondition", "wrapMethod", "modifyExpressionValue", "modifyReturnValue", "modifyReceiver", "modifyArg",
        "modifyArgs", "modifyVariable", "modifyConstant", "expandedRedirect", "mixinextras", "bridge", "injector",
    ]

    private static func java(_ name: String) -> String {
        let name = withoutLambdaAddress(name)
        var result: [String] = []
        // The last part that is not empty, and its last word.
        var earlier = ""
        var kind = ""
        for piece in name.split(separator: "$" as Character, omittingEmptySubsequences: false).map(String.init) {
            let tail = piece.prefix { $0 != "." && $0 != "(" && $0 != "/" }
            let rest = piece.dropFirst(tail.count)
            defer {
                if let last = result.last, !last.isEmpty, !piece.isEmpty {
                    earlier = last
                    kind = last.split(whereSeparator: { $0 == "." || $0 == "/" }).last.map(String.init) ?? last
                }
            }
            if !result.isEmpty, !tail.isEmpty, tail.allSatisfy(\.isNumber) {
                result.append("N" + rest)
            } else if hashed.contains(where: { earlier.hasSuffix($0) }), !tail.isEmpty {
                result.append("N" + rest)
            } else if injections.contains(kind), rest.isEmpty, isMixinMark(tail) {
                continue
            } else if result.isEmpty || rest.isEmpty, let mark = sessionMark(piece) {
                result.append(mark)
            } else {
                result.append(piece)
            }
        }
        return withoutCounts(result.joined(separator: "$"))
    }

    /// Removes the address in `Foo$$Lambda$14/0x00007f21.run` and `Foo$$Lambda/1234.run`: the class exists only at run
    /// time.
    private static func withoutLambdaAddress(_ name: String) -> String {
        guard let lambda = name.find("$$Lambda"), let slash = name[lambda.upperBound...].find("/") else { return name }
        let address = name[slash.upperBound...].prefix { $0.isHexDigit || $0 == "x" }
        return String(name[..<slash.lowerBound]) + name[slash.upperBound...].dropFirst(address.count)
    }

    /// `zza000`: six letters and digits, the last three of them hexadecimal.
    private static func isMixinMark(_ text: Substring) -> Bool {
        text.utf8.count == 6 && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
            && text.suffix(3).allSatisfy { $0.isHexDigit } && text.contains(where: \.isNumber)
    }

    /// Shortens `md1a2b3c`, which Mixin puts before members that must be unique, to `md`; nil for any other part.
    private static func sessionMark(_ piece: String) -> String? {
        let start = piece.findLast(".")?.upperBound ?? piece.startIndex
        let method = piece[start...]
        guard method.hasPrefix("md"), method.utf8.count == 8, method.dropFirst(2).allSatisfy({ $0.isHexDigit }) else {
            return nil
        }
        return piece[..<start] + "md"
    }

    private static func withoutCounts(_ name: String) -> String {
        var name = name
        for mark in countedClasses {
            guard let found = name.find(mark) else { continue }
            let digits = name[found.upperBound...].prefix { $0.isHexDigit || $0 == "_" }
            guard !digits.isEmpty else { continue }
            name = name[..<found.upperBound] + "N" + name[found.upperBound...].dropFirst(digits.count)
        }
        return name
    }
}
