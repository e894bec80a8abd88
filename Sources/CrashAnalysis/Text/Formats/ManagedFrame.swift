import Model

/// One `at …` line.
enum ManagedFrame {
    static func read(_ line: String, _ runtime: ManagedTrace.Runtime) -> CrashFrame? {
        guard line.first == "\t" || line.hasPrefix("  ") else { return nil }
        let text = line.trimmed
        if runtime == .dotnet, let frame = localised(text) { return frame }
        guard text.hasPrefix("at ") else { return nil }
        let body = String(text.dropFirst(3))
        switch runtime {
        case .java: return java(body)
        case .dotnet: return java(body) == nil && javascript(body) == nil ? dotnet(body) : nil
        case .node: return java(body) == nil ? javascript(body) : nil
        }
    }

    // MARK: Java

    private static let sources = [".java", ".kt", ".scala", ".groovy", ".clj"]

    /// `java.base@17/java.util.Map.get(Map.java:12) ~[jar:?]`; also without `at `, as watchdogs print it.
    static func java(_ body: String) -> CrashFrame? {
        guard let open = body.find("("), let close = body[open.upperBound...].find(")") else { return nil }
        let name = body[..<open.lowerBound].trimmed
        guard name.contains("."), !name.contains(" "), name.first?.isLetter == true || name.first == "_" else {
            return nil
        }
        let place = String(body[open.upperBound..<close.lowerBound])
        let words = [
            "Native Method", "Unknown Source", "<generated>", "SourceFile", "null", ".dynamic", "Redefined",
        ]
        if words.contains(where: { place == $0 || place.hasPrefix($0 + ":") }) {
            return .printed(0, function: withoutLoader(name))
        }
        let file = place.fileAndLine
        guard sources.contains(where: { file.file.hasSuffix($0) }) else { return nil }
        return .printed(0, function: withoutLoader(name), file: file.file, line: file.line)
    }

    /// Removes the loader and the module before the last slash, but not the slash of `Some$$Lambda/0x7f…`.
    private static func withoutLoader(_ name: String) -> String {
        let end = name.find("$$Lambda")?.lowerBound ?? name.endIndex
        guard let slash = name[..<end].findLast("/") else { return name }
        return String(name[slash.upperBound...])
    }

    // MARK: JavaScript

    /// `fn (file:12:5)`, `async fn (…)`, `file:12:5`, `Array.map (<anonymous>)`.
    static func javascript(_ text: String) -> CrashFrame? {
        let body = text.hasSuffix(" {") ? String(text.dropLast(2)) : text
        if let open = body.findLast("("), let close = body.findLast(")"), open.upperBound <= close.lowerBound {
            let name = body[..<open.lowerBound].trimmed
            return script(name.isEmpty ? nil : name, String(body[open.upperBound..<close.lowerBound]))
        }
        return script(nil, body.hasPrefix("async ") ? String(body.dropFirst(6)) : body)
    }

    private static func script(_ name: String?, _ place: String) -> CrashFrame? {
        if place == "native" || place == "<anonymous>" || place == "unknown" {
            return name.map { .printed(0, function: $0) }
        }
        let parts = place.split(separator: ":")
        guard parts.count >= 3, let column = parts.last, Int(column) != nil, Int(parts[parts.count - 2]) != nil else {
            return nil
        }
        let file = place.fileAndLine
        let function = name.map { $0.hasPrefix("async ") ? String($0.dropFirst(6)) : $0 }
        return .printed(0, function: function, file: file.file, line: file.line)
    }

    // MARK: .NET and Mono

    /// `Ns.Type.Method(Int32 x) in /src/f.cs:line 12`, `Ns.Type.Method (System.Int32 x) [0x00012] in <id>:0`.
    static func dotnet(_ text: String) -> CrashFrame? {
        var body = text
        if body.hasPrefix("(wrapper "), let rest = body.after(") ") { body = rest }
        var file: String?
        var line: Int?
        if let place = body.findLast(" in "), let number = body[place.upperBound...].findLast(":line ") {
            file = String(body[place.upperBound..<number.lowerBound])
            line = body[number.upperBound...].leadingNumber
            body = String(body[..<place.lowerBound])
        } else if let mono = body.find(" [0x") ?? body.find(" <0x") {
            if let place = body[mono.upperBound...].find(" in ") {
                let found = body[place.upperBound...].trimmed.fileAndLine
                if !found.file.hasPrefix("<") {
                    file = found.file
                    line = found.line
                }
            }
            body = String(body[..<mono.lowerBound])
        }
        body = withoutTypeArguments(body.trimmed)
        guard body.hasSuffix(")"), let open = body.find("(") else { return nil }
        let name = body[..<open.lowerBound].trimmed
        guard name.contains(".") || name.contains(":"), !name.contains(" "),
            name.first?.isLetter == true || name.first == "<" || name.first == "_"
        else { return nil }
        return .printed(0, function: name.replacing(":", with: "."), file: file, line: line)
    }

    /// The words for `at`, `in` and `:line ` of .NET in other languages: German, French, Spanish, Italian, Portuguese,
    /// Polish, Russian and Chinese.
    private static let languages = [
        ("bei ", [" in "], ":Zeile "), ("à ", [" dans "], ":ligne "), ("en ", [" en "], ":línea "),
        ("in ", [" in "], ":riga "), ("em ", [" na ", " em "], ":linha "), ("w ", [" w "], ":wiersz "),
        ("в ", [" в "], ":строка "), ("在 ", [" 在 ", " 位置 "], ":行号 "),
    ]

    /// `bei Ns.Type.Method(Int32 x) in C:\src\f.cs:Zeile 12.`
    private static func localised(_ text: String) -> CrashFrame? {
        guard let language = languages.first(where: { text.hasPrefix($0.0) }) else { return nil }
        var body = text.dropFirst(language.0.count).trimmed
        var place: (file: String, line: Int?)?
        if let number = body.findLast(language.2),
            let cut = language.1.lazy.compactMap({ body[..<number.lowerBound].findLast($0) }).first
        {
            place = (String(body[cut.upperBound..<number.lowerBound]), body[number.upperBound...].leadingNumber)
            body = String(body[..<cut.lowerBound])
        }
        guard var frame = dotnet(body) else { return nil }
        if let place {
            frame.file = place.file
            frame.line = place.line
        }
        return frame
    }

    /// Shortens ``List`1[[System.Int32, System.Private.CoreLib, Version=8.0.0.0]]`` to ``List`1``: versions differ by
    /// build.
    private static func withoutTypeArguments(_ name: String) -> String {
        guard name.find("[[") != nil else { return name }
        var result: [UInt8] = []
        var depth = 0
        for byte in name.utf8 {
            if byte == UInt8(ascii: "[") { depth += 1 }
            if depth == 0 { result.append(byte) }
            if byte == UInt8(ascii: "]"), depth > 0 { depth -= 1 }
        }
        return depth == 0 ? String(decoding: result, as: UTF8.self) : name
    }
}
