public import Model

extension CrashAnalyzer {
    /// Names frames by symbols added since the record was made, and recomputes the signature.
    ///
    /// Needs no dump: frames carry the build id and offset. Returns whether anything changed; the caller keeps the old
    /// signature as an alias. Adds and removes no frames: only with the dump can better unwind tables do that.
    public func resymbolicate(_ record: inout CrashRecord) -> Bool {
        guard let symbols else { return false }
        let before = record
        var known: [String: ModuleSymbols?] = [:]
        var opened: [ModuleSymbols] = []
        let empty = PieceMemory([])
        func module(_ frame: CrashFrame) -> ModuleSymbols? {
            guard let identity = frame.buildID, let name = frame.module else { return nil }
            if let found = known[identity] { return found }
            var facts = CrashModule(name: name, base: Address(0), size: .max)
            if identity == identity.uppercased(), identity.utf8.count >= 32 { facts.debugID = identity }
            facts.buildID = identity
            let listed = record.modules.first { $0.debugID == identity || $0.buildID == identity }
            let debugFile = listed?.debugFile ?? listed?.name ?? name
            let place = MappedModule(record: facts, bias: 0, segments: [], code: [], debugFile: debugFile)
            let made = ModuleSymbols(module: place, store: symbols, memory: empty, is64: record.arch != "x86")
            opened.append(made)
            known[identity] = made.isStored || made.breakpad != nil ? made : .some(nil)
            return known[identity] ?? nil
        }
        func name(_ frames: inout [CrashFrame], lines: Bool) {
            for index in frames.indices where frames[index].function == nil {
                guard let offset = frames[index].offset?.value, let module = module(frames[index]) else { continue }
                let call = lines && options.sourceLines ? module.calls(at: offset).last { !$0.inlined } : nil
                frames[index].function = call?.function ?? module.function(at: offset)
                frames[index].file = call?.file ?? frames[index].file
                frames[index].line = call?.line ?? frames[index].line
            }
        }
        name(&record.frames, lines: true)
        for index in record.threads.indices { name(&record.threads[index].frames, lines: index == 0) }
        // Known now that all frames were looked up.
        let unread = Set(opened.filter(\.isUnread).compactMap { $0.module.record.buildID })
        for index in record.modules.indices {
            guard let identity = record.modules[index].buildID, record.modules[index].symbols == .missing else {
                continue
            }
            do throws(CrashError) {
                guard try symbols.has(buildID: identity) else { continue }
                record.modules[index].symbols = unread.contains(identity) ? .unreadable : .found
            } catch {
                record.modules[index].symbols = .unreadable
                record.noteSymbolsUnread("\(error.reason) (\(error.path ?? identity))")
            }
        }
        record.noteUnread(opened)
        SignatureAlgorithm.sign(&record)
        return record != before
    }
}
