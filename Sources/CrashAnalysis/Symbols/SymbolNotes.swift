public import Model

/// Notes about symbols that exist but were not used.
enum SymbolNotes {
    /// How a note about symbols begins that could not be read, for a reason that may pass.
    static let mark = "symbols could not be read: "

    /// How a note about symbols begins that cannot be used as they are. Before ``lasting``, the reason may be one that
    /// passes.
    static let notApplied = "the symbols were not applied: "

    /// The version of signatures from which on ``notApplied`` stands only for a reason that lasts.
    static let lasting = 6

    /// The most notes of one analysis that name a file each.
    private static let most = 8

    /// The note about one file.
    static func note(_ reason: String, _ path: String) -> String { "\(mark)\(reason) (\(path))" }

    /// The notes about the modules' symbols, or the first of them and how many more there are.
    static func of(_ modules: [ModuleSymbols]) -> [String] {
        let faults = modules.flatMap(\.faults)
        var notes = Array(faults.prefix(most))
        if faults.count > most { notes.append("\(mark)\(faults.count - most) more files") }
        notes += modules.flatMap(\.refused).prefix(most)
        return notes
    }
}

extension CrashRecord {
    /// Adds the notes about modules whose symbols could not be read or used.
    mutating func noteUnread(_ modules: [ModuleSymbols]) {
        for note in SymbolNotes.of(modules) where !notes.contains(note) { notes.append(note) }
    }

    /// Records that the symbols of a whole record could not be read or applied now.
    ///
    /// - Parameter reason: the cause, in a few words.
    public mutating func noteSymbolsUnread(_ reason: String) { add(SymbolNotes.mark + reason) }

    /// Records that the symbols of a whole record cannot be applied: another try would end in the same.
    ///
    /// - Parameter reason: the cause, in a few words.
    public mutating func noteSymbolsNotApplied(_ reason: String) { add(SymbolNotes.notApplied + reason) }

    private mutating func add(_ note: String) {
        if !notes.contains(note) { notes.append(note) }
    }

    /// Whether symbols that may exist could not be read when the record was made: names, stack and signature may be
    /// better once they can.
    public var awaitsSymbols: Bool {
        let isEarlier = signatureVersion < SymbolNotes.lasting
        return notes.contains { note in
            note.hasPrefix(SymbolNotes.mark) || isEarlier && note.hasPrefix(SymbolNotes.notApplied)
        }
    }

    /// Takes the notes of a renewed record that lacks symbols and knows fewer names than this one; false if that should
    /// replace this one.
    ///
    /// - Parameter made: the record of the same crash, as the symbols that can be read now make it.
    public mutating func outlives(_ made: CrashRecord) -> Bool {
        func names(_ record: CrashRecord) -> Int { record.frames.lazy.filter { $0.function != nil }.count }
        let reasons = made.notes.filter { $0.hasPrefix(SymbolNotes.mark) || $0.hasPrefix(SymbolNotes.notApplied) }
        guard !reasons.isEmpty, names(made) < names(self) else { return false }
        for reason in reasons { add(reason) }
        return true
    }
}
