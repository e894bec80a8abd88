import Model

extension CrashRecord {
    /// The ends of a deep stack suffice to recognize recursion.
    private static let keptTop = 96
    private static let keptBottom = 32
    private static let mostFrames = 256

    /// Returns the frames to keep of the crashed thread: all, or the ends of a deep stack, with a note.
    mutating func kept(_ frames: [CrashFrame], walked: Int) -> [CrashFrame] {
        guard walked >= Unwinder.frameLimit || frames.count > Self.mostFrames else { return frames }
        guard frames.count > Self.keptTop + Self.keptBottom else { return frames }
        let note = "\(walked) frames: only the ends of the stack are kept"
        if !notes.contains(note) { notes.append(note) }
        return Array(frames.prefix(Self.keptTop) + frames.suffix(Self.keptBottom))
    }

    /// Marks each module on a stack as having symbols or not, and the others as unknown. Notes what could not be read.
    mutating func markSymbols(_ tables: ProcessTables, withoutIdentity: CrashModule.Symbols) {
        let used = Set(threads.lazy.flatMap { $0.frames.lazy.compactMap(\.module) })
        let known = Dictionary(tables.modules.map { ($0.module.record.base, $0) }) { first, _ in first }
        for index in modules.indices {
            guard let symbols = known[modules[index].base] else { continue }
            guard used.contains(modules[index].name) else {
                modules[index].symbols = .unknown
                continue
            }
            // Asked first, because it reads the module's files.
            let hasSymbols = symbols.hasSymbols || symbols.isStored
            if symbols.isUnread {
                modules[index].symbols = .unreadable
            } else if hasSymbols {
                modules[index].symbols = .found
            } else {
                modules[index].symbols = symbols.module.record.buildID == nil ? withoutIdentity : .missing
            }
        }
        noteUnread(tables.modules)
    }
}
