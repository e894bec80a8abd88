import Catalog
public import CrashAnalysis
import Glibc
import Harvest
import Ingest
public import Model
import Pack
import PackHome
import Text

/// What changed when symbols were added to a store.
public struct SymbolsReport: Sendable {
    /// The files added and skipped.
    public internal(set) var addition = SymbolStore.Addition()
    /// The number of crashes whose records changed.
    public internal(set) var crashes = 0
    /// The number of these that got another signature.
    public internal(set) var signatures = 0
    /// The number of crashes whose symbols exist but cannot be read now; their notes say why. Such a crash keeps its
    /// earlier names and signature if they are better.
    public internal(set) var awaitingSymbols = 0
    /// Packs that could not be read: the crashes of their sessions stay as they were. Also files and folders, of
    /// several given ones or below them, that could not be read: their symbols were not added.
    public internal(set) var unread: [StoreError] = []
}

/// A change of a signature, when all crashes are signed again.
public struct SignatureChange: Sendable, Hashable {
    /// The signature until now.
    public let from: String
    /// The signature by the current rules.
    public let to: String
}

/// The result of signing all crashes again.
public struct SigningReport: Sendable {
    /// The number of crashes and errors signed.
    public internal(set) var signed = 0
    /// The number of crashes for each change of a signature.
    public internal(set) var changes: [SignatureChange: Int] = [:]
    /// The number of crashes whose symbols exist but still cannot be read; their notes say why.
    public internal(set) var awaitingSymbols = 0
    /// Packs that could not be read, with the dumps of crashes whose symbols could not be read before.
    public internal(set) var unread: [StoreError] = []
}

extension Store {
    /// The store's symbols.
    public var symbols: SymbolStore { CrashSigner.symbols(of: path) }

    /// The build ids that the selected crashes need symbols for, most crashes first, and what of the symbols cannot be
    /// read now.
    ///
    /// - Throws: `CatalogError`.
    public func missingSymbols(_ selection: Selection) throws -> MissingSymbols {
        var selection = try resolved(selection)
        selection.limit = nil
        var missing = MissingSymbols(symbols)
        for wanted in try catalog().wantedModules(selection) {
            let build = [wanted.image.isEmpty ? nil : wanted.image, wanted.tag].compactMap { $0 }.joined(separator: ":")
            let waiting = wanted.modules.map { ($0.buildID, $0.module) }
            missing.add(Dictionary(waiting) { first, _ in first }, build: build, crashes: wanted.crashes)
        }
        return missing
    }

    /// Adds executables, debug files and Breakpad files, or all below a folder, and applies them to the crashes that need
    /// them.
    ///
    /// - Parameters:
    ///   - paths: files or folders.
    ///   - rules: the user's rules for signatures.
    ///   - allowMissing: names of the barriers that may be missing around the process that reads dumps.
    ///   - progress: called before each path and each session.
    /// - Throws: `CrashError` if the only path cannot be read, or a file cannot be stored; `CatalogError`;
    ///   ``StoreError``.
    public func addSymbols(
        _ paths: [String], rules: SignatureRules, allowMissing: [String], progress: (StoreProgress) -> Void
    ) throws -> SymbolsReport {
        // A limit that stays low is noted on the crashes.
        try? DescriptorBudget.raiseLimit()
        var report = SymbolsReport()
        for path in paths {
            progress(.addingSymbols(path: path))
            do throws(CrashError) { report.addition.join(try symbols.add(path: path)) } catch {
                guard paths.count > 1, error.code == .unreadable else { throw error }
                report.addition.unread.append(error)
            }
        }
        report.unread = report.addition.unread.map { StoreError($0) }
        let identities = report.addition.identities
        guard !identities.isEmpty, StorePath.mayExist(path + "/" + Catalog.fileName) else { return report }
        let concerned = try sessions(naming: identities)
        let signer = CrashSigner(store: path, home: home, rules: rules, allowMissing: allowMissing)
        for (index, session) in concerned.enumerated() {
            progress(.symbolicating(session: index + 1, of: concerned.count))
            try apply(signer, to: session, &report)
        }
        if report.signatures > 0 { try AliasFile.save(try catalog()) }
        return report
    }

    /// The sessions with a crash whose record names one of these build ids or debug ids, each once.
    private func sessions(naming identities: Set<String>) throws -> [String] {
        var sessions: [String] = []
        for errors in [false, true] {
            try catalog().forEachCrash(Selection(errors: errors)) { row in
                if sessions.last != row.session, CrashSigner.mentions(row.json, any: identities) {
                    sessions.append(row.session)
                }
            }
        }
        var seen: Set<String> = []
        return sessions.filter { seen.insert($0).inserted }
    }

    private func apply(
        _ signer: CrashSigner, to session: String, _ report: inout SymbolsReport
    ) throws {
        guard let pack = try catalog().session(session)?.pack else { return }
        let contents: PackContents
        do throws(PackError) {
            contents = try signer.contents(of: try home.reader(for: pack), path: pack)
        } catch {
            return report.unread.append(Self.unread(pack, of: session, error))
        }
        let stored = Dictionary(try Self.records(of: session, in: try catalog()).map { ($0.crash, $0) }) { $1 }
        var updates: [CrashUpdate] = []
        for json in contents.renewed.values {
            guard let made = CrashSigner.decode(json) else { continue }
            if made.awaitsSymbols { report.awaitingSymbols += 1 }
            if var kept = stored[made.crash], kept.outlives(made) {
                updates.append(CrashUpdate(session: session, crash: made.crash, json: kept.json()))
            } else {
                report.crashes += 1
                updates.append(CrashUpdate(session: session, crash: made.crash, json: json))
            }
        }
        report.signatures += try catalog().update(crashes: updates)
    }

    /// The crash records of a session in the catalog, with errors that the program survived.
    private static func records(of session: String, in catalog: Catalog) throws -> [CrashRecord] {
        guard try catalog.session(session) != nil else { return [] }
        var records: [CrashRecord] = []
        for errors in [false, true] {
            try catalog.forEachCrash(Selection(sessions: [session], errors: errors)) { row in
                if let record = CrashSigner.decode(row.json) { records.append(record) }
            }
        }
        return records
    }

    /// The error for a pack without whose tables its dumps would seem missing.
    private static func unread(_ pack: String, of session: String, _ error: PackError) -> StoreError {
        StoreError(
            .packUnreadable, "the pack cannot be read, so its stacks are unchanged: \(error.message)",
            session: session, path: pack, hint: "salvage verify names what is damaged")
    }

    /// Signs all crashes again. Those whose symbols could not be read before are first unwound and named again, by the
    /// symbols as they are now.
    ///
    /// - Parameters:
    ///   - rules: the user's rules for signatures.
    ///   - allowMissing: names of the barriers that may be missing around the process that reads dumps.
    ///   - dryRun: whether to change nothing.
    ///   - progress: called now and then.
    /// - Throws: `CatalogError` or ``StoreError``.
    public func sign(
        by rules: SignatureRules, allowMissing: [String] = [], dryRun: Bool, progress: (StoreProgress) -> Void
    ) throws -> SigningReport {
        let batch = 500
        // A limit that stays low is noted on the crashes.
        try? DescriptorBudget.raiseLimit()
        // Rows are read through one connection while another writes.
        let reader = try openCatalog(readOnly: true)
        let writer = dryRun ? nil : try catalog()
        var report = SigningReport()
        var updates: [CrashUpdate] = []
        // Read again below, one session's at a time: there may be many.
        var awaiting: ByteSet = []
        for errors in [false, true] {
            try reader.forEachCrash(Selection(errors: errors)) { row in
                report.signed += 1
                if report.signed % 100 == 0 { progress(.signing(crashes: report.signed)) }
                guard let record = CrashSigner.decode(row.json) else { return }
                if record.awaitsSymbols {
                    awaiting.insert(row.session)
                    return
                }
                var signed = record
                SignatureAlgorithm.sign(&signed, rules: rules)
                guard signed != record else { return }
                if signed.signature != record.signature {
                    report.changes[SignatureChange(from: record.signature, to: signed.signature), default: 0] += 1
                }
                updates.append(CrashUpdate(session: row.session, crash: row.crash, json: signed.json()))
                guard updates.count >= batch else { return }
                _ = try writer?.update(crashes: updates)
                updates.removeAll(keepingCapacity: true)
            }
        }
        _ = try writer?.update(crashes: updates)
        if !awaiting.isEmpty {
            let signer = CrashSigner(store: path, home: home, rules: rules, allowMissing: allowMissing)
            for (index, session) in awaiting.sorted().enumerated() {
                progress(.symbolicating(session: index + 1, of: awaiting.count))
                let records = try Self.records(of: session, in: reader).filter(\.awaitsSymbols)
                let made = try renewed(records, of: session, by: signer, rules, &report)
                _ = try writer?.update(crashes: made)
            }
        }
        if let writer, !report.changes.isEmpty { try AliasFile.save(writer) }
        return report
    }

    /// Applies the symbols to crashes of one session whose symbols could not be read before, and signs them.
    private func renewed(
        _ records: [CrashRecord], of session: String, by signer: CrashSigner, _ rules: SignatureRules,
        _ report: inout SigningReport
    ) throws -> [CrashUpdate] {
        var found: [String: CrashRecord] = [:]
        var fault: StoreError?
        if let pack = try catalog().session(session)?.pack {
            do throws(PackError) {
                let contents = try signer.contents(of: try home.reader(for: pack), path: pack)
                for (ordinal, json) in contents.crashes.enumerated() {
                    guard let record = CrashSigner.decode(contents.renewed[ordinal] ?? json) else { continue }
                    found[record.crash] = record
                }
            } catch {
                let error = Self.unread(pack, of: session, error)
                report.unread.append(error)
                fault = error
            }
        }
        var updates: [CrashUpdate] = []
        for record in records {
            var kept = record
            let made = found[record.crash] ?? record
            var signed = kept.outlives(made) ? kept : made
            SignatureAlgorithm.sign(&signed, rules: rules)
            // A note of an earlier version counts only beside an earlier signature.
            if let fault, !signed.awaitsSymbols { signed.noteSymbolsUnread(fault.message) }
            if signed.awaitsSymbols { report.awaitingSymbols += 1 }
            guard signed != record else { continue }
            if signed.signature != record.signature {
                report.changes[SignatureChange(from: record.signature, to: signed.signature), default: 0] += 1
            }
            updates.append(CrashUpdate(session: session, crash: record.crash, json: signed.json()))
        }
        return updates
    }
}
