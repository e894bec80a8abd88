public import Model

/// Notes about symbols that exist but could not be read, for a reason that may pass.
enum SymbolNotes {
    /// How each of them begins.
    static let mark = "symbols could not be read: "

    /// The most notes of one analysis that name a file each.
    private static let most = 8

    /// The note about one file.
    static func note(_ reason: String, _ path: String) -> String { "\(mark)\(reason) (\(path))" }

    /// Returns the notes, or the first of them and how many more there are.
    static func shortened(_ notes: [String]) -> [String] {
        guard notes.count > most else { return notes }
        return Array(notes.prefix(most)) + ["\(mark)\(notes.count - most) more files"]
    }
}

extension CrashRecord {
    /// Adds the notes about modules whose symbols could not be read.
    mutating func noteUnread(_ modules: [ModuleSymbols]) {
        for note in SymbolNotes.shortened(modules.flatMap(\.faults)) where !notes.contains(note) {
            notes.append(note)
        }
    }

    /// Records that the symbols of a whole record could not be read or applied.
    ///
    /// - Parameter reason: the cause, in a few words.
    public mutating func noteSymbolsUnread(_ reason: String) {
        let note = SymbolNotes.mark + reason
        if !notes.contains(note) { notes.append(note) }
    }

    /// Whether symbols that may exist could not be read when the record was made: names, stack and signature may be
    /// better once they can.
    public var awaitsSymbols: Bool { notes.contains { $0.hasPrefix(SymbolNotes.mark) } }
}
