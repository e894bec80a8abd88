/// Normalises messages so that they are the same in every run.
enum SignatureMessages {
    private static let longestLine = 2048
    private static let longest = 120

    /// Replaces numbers, addresses, identifiers, paths and quoted values in the first line and shortens it to 120
    /// characters. `isSource` keeps quotes: an assertion is source code.
    static func normalise(_ raw: String, isSource: Bool = false) -> String {
        let line = raw.prefix(longestLine).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        var masker = MessageMasker(line.trimmed, isSource: isSource)
        let result = masker.masked()
        return result.count > longest ? String(result.prefix(longest - 1)) + "…" : result
    }
}

/// Walks a message once from left to right; every step consumes at least one character.
private struct MessageMasker {
    private let text: [Character]
    private let isSource: Bool
    private var at = 0
    private var result = ""

    init(_ line: String, isSource: Bool) {
        text = Array(line)
        self.isSource = isSource
    }

    private var before: Character? { at > 0 ? text[at - 1] : nil }
    private func character(_ index: Int) -> Character? { index < text.count ? text[index] : nil }

    mutating func masked() -> String {
        while at < text.count {
            if quoted() || link() || path() || internetAddress() || number() || word() { continue }
            // Columns vary in width with their numbers, so runs of spaces become one.
            let isSpace = text[at].isWhitespace
            if !isSpace || result.last != " " { result.append(isSpace ? " " : text[at]) }
            at += 1
        }
        return result
    }

    private static let quotes: [Character: Character] = [
        "'": "'", "\"": "\"", "`": "`", "“": "”", "‘": "’", "«": "»",
    ]

    /// The longest quoted value. A quote without a closing one within this distance is an apostrophe.
    private static let longestQuote = 512

    private mutating func quoted() -> Bool {
        guard !isSource, let close = Self.quotes[text[at]], before.map({ !Self.isWord($0) }) ?? true else {
            return false
        }
        var end = at + 1
        while end < text.count, end - at < Self.longestQuote {
            // The apostrophe in 'O'Brien' does not close the quote.
            if text[end] == close, character(end + 1).map({ !Self.isWord($0) }) ?? true {
                result += "\(text[at])…\(close)"
                at = end + 1
                return true
            }
            end += 1
        }
        return false
    }

    /// `scheme://…`: the host, the port and the path differ with the environment.
    private mutating func link() -> Bool {
        guard text[at] == ":", character(at + 1) == "/", character(at + 2) == "/", before?.isLetter == true else {
            return false
        }
        var end = at + 3
        while end < text.count, !Self.endsPath(text[end]) { end += 1 }
        result += "://…"
        at = end
        return true
    }

    private static let temporary = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/", "/private/var/"]

    /// The folders of an absolute path differ with the environment; the file name is the same except for its numbers.
    private mutating func path() -> Bool {
        if let before, Self.isWord(before) || before == "/" || before == "." || before == ")" { return false }
        let isHome = text[at] == "~" && character(at + 1) == "/"
        let isRooted = text[at] == "/" && (character(at + 1).map { Self.isWord($0) || $0 == "." } ?? false)
        let isDrive =
            text[at].isLetter && character(at + 1) == ":" && (character(at + 2) == "\\" || character(at + 2) == "/")
        let isShare = text[at] == "\\" && character(at + 1) == "\\" && (character(at + 2).map(Self.isWord) ?? false)
        guard isHome || isRooted || isDrive || isShare else { return false }
        var end = at + (isDrive ? 2 : 0)
        while end < text.count, !Self.endsPath(text[end]) { end += 1 }
        while end > at + 1, ".,:".contains(text[end - 1]) { end -= 1 }
        let whole = text[at..<end]
        guard whole.contains("/") || whole.contains("\\"), let cut = whole.lastIndex(where: { $0 == "/" || $0 == "\\" })
        else { return false }
        let separators = whole.reduce(0) { $0 + ($1 == "/" || $1 == "\\" ? 1 : 0) }
        // In source code a single slash is a division.
        if isSource, isRooted, separators < 2 { return false }
        let name = String(text[(cut + 1)..<end])
        let start = String(whole).lowercased()
        let isTemporary = Self.temporary.contains { start.hasPrefix($0) } || start.find("\\temp\\") != nil
        let ending = name.findLast(".").map { String(name[$0.lowerBound...]) }
        result += "…" + (isTemporary ? "" : String(text[cut]))
        if isTemporary {
            if let ending, ending.count < 6, ending.dropFirst().allSatisfy({ $0.isLetter }) { result += ending }
        } else {
            var inner = MessageMasker(name, isSource: isSource)
            result += inner.masked()
        }
        at = end
        return true
    }

    private static func endsPath(_ character: Character) -> Bool {
        character.isWhitespace || "'\"`<>|;,()[]{}“”".contains(character)
    }

    /// An IPv6 address. `number` matches those of IPv4.
    private mutating func internetAddress() -> Bool {
        guard text[at].isHexDigit || text[at] == ":", before.map({ !Self.isWord($0) && $0 != ":" }) ?? true else {
            return false
        }
        var end = at
        var colons = 0
        var digits = 0
        var letters = 0
        var isShortened = false
        while end < text.count, end - at < 40, text[end].isHexDigit || text[end] == ":" {
            if text[end] == ":" {
                colons += 1
                if character(end + 1) == ":" { isShortened = true }
            } else if text[end].isNumber {
                digits += 1
            } else {
                letters += 1
            }
            end += 1
        }
        guard colons >= 2, digits > 0, isShortened || colons == 7, isShortened || letters > 0 || digits > 14,
            character(end).map({ !Self.isWord($0) }) ?? true
        else { return false }
        result += "N"
        at = end
        return true
    }

    /// A number with sign, fraction and exponent, and numbers joined by points or grouped by commas.
    private mutating func number() -> Bool {
        var end = at
        if text[end] == "-" || text[end] == "+" {
            if let before, Self.isWord(before) || before == ")" || before == "]" || before == "+" || before == "-" {
                return false
            }
            end += 1
        }
        guard let first = character(end), first.isNumber, end > at || before.map({ !Self.isWord($0) }) ?? true else {
            return false
        }
        if first == "0", character(end + 1) == "x" || character(end + 1) == "X" { return false }
        while let next = character(end) {
            if next.isNumber {
                end += 1
            } else if next == "." || next == ",", text[end - 1].isNumber, character(end + 1)?.isNumber == true {
                end += 2
            } else {
                break
            }
        }
        if let mark = character(end), mark == "e" || mark == "E" {
            var tail = end + 1
            if character(tail) == "-" || character(tail) == "+" { tail += 1 }
            if character(tail)?.isNumber == true {
                while character(tail)?.isNumber == true { tail += 1 }
                if character(tail).map({ !Self.isWord($0) }) ?? true { end = tail }
            }
        }
        // Digits followed by letters are a word: an identifier or hexadecimal.
        if let next = character(end), next == "_" || next == "-" || next.isHexDigit {
            let rest = text[end...].prefix { Self.isWord($0) || $0 == "-" }
            if rest.contains(where: { Self.isWord($0) }), !text[at..<end].contains(".") { return false }
        }
        result += "N"
        at = end
        return true
    }

    /// Words followed by a name that players or operators choose.
    private static let callers: Set<String> = [
        "player", "user", "username", "playername", "nick", "nickname", "account", "character", "login", "host",
        "hostname", "client", "session", "lobby", "guild", "clan",
    ]
    private static let chosen: Set<String> = callers.union([
        "name", "id", "ip", "addr", "address", "path", "file", "dir", "folder", "pid", "tid", "token", "key", "guid",
        "uuid", "steamid", "server", "home", "tag", "display", "port", "time",
    ])

    private mutating func word() -> Bool {
        guard Self.isWord(text[at]) else { return false }
        let word = text[at...].prefix { Self.isWord($0) || $0 == "-" }
        let plain = String(word)
        result += masked(plain)
        at += word.count
        guard !isSource else { return true }
        let lower = plain.lowercased()
        let isSetting =
            plain.count > 1 && plain.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber }
            && plain.first?.isUppercase == true
        if character(at) == "=", isSetting || Self.chosen.contains(lower), let next = character(at + 1),
            Self.isWord(next) || "/.~-".contains(next)
        {
            at += 1
            result += "=…"
            while at < text.count, !text[at].isWhitespace, !",;)]}'\"&".contains(text[at]) { at += 1 }
        } else if Self.callers.contains(lower) {
            chosenName()
        }
        return true
    }

    /// Masks a name after "player" if it begins in upper case, or has a digit or an underscore.
    private mutating func chosenName() {
        var start = at
        if character(start) == ":" || character(start) == "#" { start += 1 }
        guard character(start) == " " else { return }
        while character(start) == " " { start += 1 }
        let name = text[min(start, text.count)...].prefix { Self.isWord($0) || $0 == "-" }
        guard let first = name.first, first.isUppercase || name.contains(where: { $0.isNumber || $0 == "_" }) else {
            return
        }
        let masked = masked(String(name))
        result += String(text[at..<start]) + (masked == "UUID" ? masked : "…")
        at = start + name.count
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static let notNumbers: Set<String> = ["nan", "NaN", "NAN", "inf", "Inf", "INF", "-nan", "-inf"]

    private func masked(_ word: String) -> String {
        if !isSource, Self.notNumbers.contains(word) { return "N" }
        let digits = word.reduce(0) { $0 + ($1.isNumber ? 1 : 0) }
        if digits == 0 { return word }
        if word.lowercased().hasPrefix("0x"), word.dropFirst(2).allSatisfy({ $0.isHexDigit }) { return "ADDR" }
        let bare = word.filter { $0 != "-" }
        if bare.allSatisfy({ $0.isHexDigit }) {
            if word.count == 36, bare.count == 32 { return "UUID" }
            // A hexadecimal identifier may have no letters in one run and some in the next: mask it like a number.
            if bare.count >= 4 || bare.allSatisfy({ $0.isNumber }) { return "N" }
        }
        var changes = 0
        var result = ""
        var inNumber = false
        for character in word {
            if character.isNumber != inNumber { changes += 1 }
            if character.isNumber {
                if !inNumber { result += "N" }
            } else {
                result.append(character)
            }
            inNumber = character.isNumber
        }
        // Alternating letters and digits are generated, except in source code.
        return !isSource && changes >= 4 && bare.count >= 8 && !word.contains("_") && !word.contains("-")
            ? "ID" : result
    }
}
