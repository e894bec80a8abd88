public import Model

extension CrashAnalyzer {
    /// Rebuilds a stored record from its dump after symbols were added, so that the stack is unwound by their tables
    /// again and not only named. Then names the frames that still have no name.
    ///
    /// `dump` is the member that the record names, nil if it is gone or is text; the frames are then only named.
    /// Symbols that cannot be read now are noted, see `CrashRecord.awaitsSymbols`.
    public func renew(_ record: inout CrashRecord, dump: (any ByteSource)?, context: CrashContext) {
        if let dump, let member = record.member, Self.dumps.contains(record.detector) {
            let made = analyze(source: dump, name: member, context: context)
            // A dump in a container gets a longer member path, so match by detector and pid.
            if let fresh = made.first(where: { $0.detector == record.detector && $0.pid == record.pid })
                ?? made.first(where: { $0.detector == record.detector }), !fresh.frames.isEmpty
            {
                let (identity, place) = (record.crash, member)
                record = CrashMerger.renewed(fresh, from: record)
                record.crash = identity
                record.member = place
                record.alsoIn.removeAll { $0 == place }
            }
        }
        _ = resymbolicate(&record)
    }
}
