extension CrashAnalyzer {
    /// Makes a stored record again from the dump it was read from, now with symbols, so that the stack is walked by
    /// their unwind tables and not only named; then names what is still without a name.
    ///
    /// `dump` is the member that the record names, nil when it is gone or holds text; its frames then keep their places.
    public func renew(_ record: inout CrashRecord, dump: (any ByteSource)?, context: CrashContext) {
        if let dump, let member = record.member, Self.dumps.contains(record.detector) {
            let made = analyze(source: dump, name: member, context: context)
            // A dump within a container has the container's name before its own.
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
