import Model

/// A stack as signatures read it: the frames below those that raised, unwound and reported.
struct SignatureStack {
    /// A frame with its normalised name, nil if the report has none.
    struct Entry {
        let frame: CrashFrame
        let name: String?
        /// The name with the type of a Rust method, which `name` hides as siggen does. The lists are matched against
        /// it.
        let path: String?

        init(_ frame: CrashFrame) {
            self.frame = frame
            name = SignatureStack.name(frame)
            path =
                name?.hasPrefix("<T>::") == true
                ? frame.function.flatMap(RustNames.inherent).map(SignatureNames.normalise) : name
        }

        func isSkipped(_ rules: SignatureRules) -> Bool {
            guard let name, !rules.keeps(name) else { return false }
            // An index out of range is the caller's mistake.
            if let trait = RustNames.libraryTrait(name),
                trait.hasPrefix("core::slice::index::") || trait.hasPrefix("core::ops::index::Index")
            {
                return true
            }
            return rules.skips(name) || path.map(rules.skips) ?? false
        }

        /// True if the caller must be named too. A name without its type needs it: other types have the same method.
        func isPrefix(_ rules: SignatureRules) -> Bool {
            guard let name, !rules.keeps(name) else { return false }
            return name.hasPrefix("<T>::") || RustNames.libraryTrait(name) != nil || rules.isPrefix(name)
        }

        /// True for a frame of the program rather than of a system library.
        var isOfTheProgram: Bool {
            if SystemModules.contains(frame.module) { return false }
            if let path {
                return !SignatureLists.irrelevant.matches(path) && !SignatureLists.notOfTheProgram.matches(path)
            }
            return frame.module != nil
        }
    }

    let entries: ArraySlice<Entry>

    private static let depth = 192

    init(_ named: ArraySlice<Entry>, rules: SignatureRules) {
        let all = Array(named)
        entries = all[Self.start(all, rules)...]
    }

    /// The first 192 frames with their names.
    static func named(_ frames: [CrashFrame]) -> [Entry] { frames.prefix(depth).map(Entry.init) }

    // MARK: Placeholders for names

    private static let nothing: Set<String> = [
        "", "?", "??", "???", "n/a", "N/A", "at", "in", "unknown", "Unknown", "UNKNOWN", "UnknownFunction",
        "unknown function",
        "unknown_function", "(Unknown)", "(unknown)", "<unknown>", "<Unknown>", "[unknown]", "(null)", "<null>", "null",
        "(nil)", "nil",
        "none", "None", "<unresolved>", "<unnamed>", "<no symbol>", "no symbol", "<unknown symbol>",
        "<symbol not found>",
        "(function-name not available)", "<optimized out>", "<redacted>", "___lldb_unnamed_symbol",
        "No symbol table info available.",
        "(no symbols)", "unnamed", "<name unknown>", "Unknown Function", "<native>", "(native)", "native",
    ]

    /// The frame's normalised name; nil if the report prints a placeholder instead.
    static func name(_ frame: CrashFrame) -> String? {
        guard let function = frame.function, !isNothing(function) else { return nil }
        let name = SignatureNames.normalise(function)
        return isNothing(name) ? nil : name
    }

    static func isNothing(_ raw: String) -> Bool {
        if raw.utf8.count > 64 { return false }
        var name = raw.trimmed
        if nothing.contains(name) { return true }
        for ending in ["()", "+0x0"] where name.hasSuffix(ending) { name = String(name.dropLast(ending.count)) }
        if nothing.contains(name) || name.hasPrefix("error(") || name.hasPrefix("___lldb_unnamed_symbol") {
            return true
        }
        if let plus = name.find("+0x"), nothing.contains(String(name[..<plus.lowerBound])) { return true }
        if name.hasPrefix("UnknownFunction") || name.hasPrefix("UnknownModule") { return true }
        // An address in place of a name, with or without marks around it.
        let bare = name.drop { "@[(<+ ".contains($0) }
        if bare.hasPrefix("0x"), bare.dropFirst(2).allSatisfy({ $0.isHexDigit || "]) >+x".contains($0) }) {
            return true
        }
        if bare.count >= 8, bare.allSatisfy({ $0.isHexDigit }), bare.contains(where: \.isNumber) { return true }
        return !name.unicodeScalars.contains { $0.properties.isAlphabetic || $0 == "_" || $0 == "$" }
            && name.find("operator") == nil
    }

    // MARK: Where the crash begins

    private static func start(_ all: [Entry], _ rules: SignatureRules) -> Int {
        var start = 0
        if let raiser = all.lastIndex(where: { entry in
            entry.path.map { SignatureLists.raisers.matches($0) && !rules.keeps($0) } ?? false
        }) {
            start = raiser + 1
        }
        start += returnFromHandler(all[start...])
        if let kept = all[..<start].firstIndex(where: { $0.name.map(rules.keeps) ?? false }) { return kept }
        return start + handlers(all[start...], rules)
    }

    private static let deepestHandler = 8

    /// The number of frames up to and including an unnamed return from a signal handler: a C library frame between two
    /// of the program. Only stacks that a program printed need this; unwind tables mark the place.
    private static func returnFromHandler(_ entries: ArraySlice<Entry>) -> Int {
        var above = 0
        for (at, entry) in zip(entries.indices, entries).prefix(deepestHandler) {
            guard entry.frame.trust == .text else { return 0 }
            if entry.name == nil, SystemModules.isLibraryOfC(entry.frame.module) {
                guard above > 0, at + 1 < entries.endIndex, entries[at + 1].isOfTheProgram else { return 0 }
                return at + 1 - entries.startIndex
            }
            if !entry.isOfTheProgram, entry.path.map({ !SignatureLists.irrelevant.matches($0) }) ?? true { return 0 }
            above += 1
        }
        return 0
    }

    /// The number of frames at the top that are the program's own handlers and report writers.
    private static func handlers(_ entries: ArraySlice<Entry>, _ rules: SignatureRules) -> Int {
        var end = entries.startIndex
        var isCertain = true
        for (at, entry) in zip(entries.indices, entries).prefix(deepestHandler) {
            guard let name = entry.name ?? entry.frame.file.map(SystemModules.baseName) else {
                if SystemModules.contains(entry.frame.module) { continue }
                break
            }
            if rules.keeps(name) { break }
            if entry.isSkipped(rules) { continue }
            let word = letters(of: name)
            if MachineryNames.handlerWords.contains(where: { word.find($0) != nil }) {
                end = at + 1
            } else if MachineryNames.reporterWords.contains(where: { word.find($0) != nil }) {
                end = at + 1
                isCertain = false
            } else {
                break
            }
        }
        let isAnythingBelow = entries[end...].contains { entry in
            entry.isOfTheProgram && !entry.isSkipped(rules) && !(entry.name.map(rules.stops) ?? false)
        }
        return isCertain || isAnythingBelow ? end - entries.startIndex : 0
    }

    private static func letters(of name: String) -> String {
        String(
            decoding: name.utf8.compactMap { byte in
                let lower = byte | 0x20
                return UInt8(ascii: "a")...UInt8(ascii: "z") ~= lower ? lower : nil
            }, as: UTF8.self)
    }
}
