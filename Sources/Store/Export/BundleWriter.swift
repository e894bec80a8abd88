import Catalog
import CrashAnalysis
import Files
import Ingest
import JSON
import Model
import Pack
import Terminal
import Text

/// Writes sessions into the tree of a bundle.
final class BundleWriter {
    private let store: Store
    private let tree: ExportTree
    private let options: BundleOptions
    private let redaction: TextRedaction?
    /// The same rules, for names: what they would change is only counted.
    private let names: TextRedaction?
    private let symbols: BundleSymbols
    private let sheet: (CrashReport) throws -> CrashSheet
    private(set) var report = BundleReport()
    private var rows: [JSONLine] = []
    /// The latest end of a session, which the bundle's own files get as their time.
    private var latest: Int64 = 0

    init(
        _ store: Store, tree: ExportTree, _ options: BundleOptions, sheet: @escaping (CrashReport) throws -> CrashSheet
    ) throws {
        self.store = store
        self.tree = tree
        self.options = options
        self.sheet = sheet
        redaction = try options.redaction()
        names = try options.redaction()
        symbols = BundleSymbols(store.symbols, origin: try store.symbolOrigin(), tree: tree)
    }

    /// Writes the folder of one session.
    func add(_ pack: SessionPack, progress: (StoreProgress) -> Void) throws {
        let id = pack.session.session
        // Ids may contain slashes; the names of packs are made the same way.
        let name = PackPath.escaped(id)
        let folder = [BundleFormat.sessions, name]
        let stored = folder + [BundleFormat.stored]
        let chosen = try options.members(of: pack)
        try tree.makeFolder(stored)
        let writer = try MemberExport(pack: pack, tree: tree, prefix: stored, redaction: redaction)
        for (count, index) in chosen.enumerated() {
            progress(.exporting(member: count + 1, of: chosen.count))
            if options.leavesOut(writer.isText(index)) { report.unredactable += 1 } else { try writer.export(index) }
        }
        let crashes = try crashes(of: id)
        try write(crashes, to: folder)
        for case let record? in crashes.map(\.record) { try symbols.add(for: record) }
        try writeScripts(crashes, pack, writer, folder)
        let metadata = ExportMetadata.bytes(pack, files: writer.written, prefix: stored, redaction)
        try tree.write(metadata, to: folder + [BundleFormat.session])
        note(pack, writer, name: name, crashes: crashes.count)
    }

    /// Writes what the bundle says about itself. Nothing may be added afterwards.
    func finish() throws -> BundleReport {
        report.symbols = symbols.count
        report.redacted = redaction?.places
        report.faults += symbols.faults
        var line = JSONLine()
        line.add("format", BundleFormat.name)
        line.add("version", BundleFormat.version)
        line.add("program", "salvage " + salvageVersion)
        line.add("symbols", report.symbols)
        line.add("redacted", report.redacted)
        if redaction != nil { line.add("unredactable", report.unredactable) }
        line.add("sessions", rows)
        try tree.write(line.utf8 + [0x0A], to: [BundleFormat.index])
        try tree.write(BundleReadme.text(report), to: [BundleFormat.readme])
        try tree.settle(at: latest)
        return report
    }

    private func crashes(of session: String) throws -> [StoredCrash] {
        try store.catalog().crashes(Selection(sessions: [session])).filter { $0.session.hasSameBytes(as: session) }
            .map { StoredCrash($0) }
    }

    private func write(_ crashes: [StoredCrash], to folder: [String]) throws {
        guard !crashes.isEmpty else { return }
        var text: [UInt8] = []
        var json: [UInt8] = []
        for crash in crashes {
            let sheet = try sheet(try store.report(on: .stored(crash)))
            if !text.isEmpty { text.append(0x0A) }
            text += redaction?.text(sheet.text) ?? sheet.text
            json += try redacted(sheet.json) + [0x0A]
        }
        try tree.write(text, to: folder + [BundleFormat.crashText])
        try tree.write(json, to: folder + [BundleFormat.crashes])
    }

    /// A JSON object with the rules applied to each of its texts.
    private func redacted(_ json: [UInt8]) throws -> [UInt8] {
        guard let redaction else { return json }
        func mapped(_ value: JSONValue) -> JSONValue {
            if let text = value.string {
                return .string(String(decoding: redaction.text(Array(text.utf8)), as: UTF8.self))
            }
            if let items = value.array { return .array(items.map(mapped)) }
            if let members = value.members {
                return .object(members.map { JSONValue.Member($0.name, mapped($0.value)) })
            }
            return value
        }
        return mapped(try JSONValue(parsing: json)).utf8
    }

    /// Writes the debuggers' scripts for the first crash whose core dump is in the bundle, with the libraries of its stacks
    /// under the names that the core gives them.
    private func writeScripts(
        _ crashes: [StoredCrash], _ pack: SessionPack, _ writer: MemberExport, _ folder: [String]
    ) throws {
        let lead = folder.joined(separator: "/").utf8.count + 1
        for case let record? in crashes.map(\.record) where record.detector == "elf_core" {
            let place = CrashPlace(crash: record.crash, time: nil, member: record.member, offset: nil)
            guard let member = pack.member(of: place), let core = writer.written[member.index]?.path else { continue }
            var program: String?
            for module in BundleSymbols.modules(inStacksOf: record) {
                guard let file = symbols.program(of: module) else { continue }
                if program == nil, BundleSymbols.isProgram(module, of: record) { program = file }
                let names = ExportName.components(of: Array((module.path ?? module.name).utf8))
                // A debugger that finds no library by its name asks for its path.
                _ = try tree.link(file, to: folder + [BundleFormat.libraries] + names.suffix(1))
            }
            let scripts = DebuggerScripts(
                session: pack.session.session, core: String(decoding: core.utf8.dropFirst(lead), as: UTF8.self),
                program: program.map { "../../" + $0 }, sources: DebuggerScripts.sources(of: record))
            try tree.write(scripts.gdb, to: folder + ["gdb.sh"], isProgram: true)
            try tree.write(scripts.lldb, to: folder + ["lldb.sh"], isProgram: true)
            return
        }
    }

    /// Counts the names that the rules would change. They stay, because a session and its files are found by them.
    private func countNames(of pack: SessionPack, _ writer: MemberExport) {
        guard let names else { return }
        let session = pack.session
        let artifacts = pack.knowsArtifacts ? pack.artifacts.map(\.artifact) : []
        let texts = [session.session, session.image, session.tag, session.location].compactMap { $0 } + artifacts
        let paths = writer.written.keys.map { pack.reader.members[$0].path }
        for name in texts.map({ Array($0.utf8) }) + paths where names.text(name) != name {
            report.unredactedNames += 1
        }
    }

    private func note(_ pack: SessionPack, _ writer: MemberExport, name: String, crashes: Int) {
        let session = pack.session
        var row = JSONLine()
        row.add("session", session.session)
        row.add("folder", name)
        rows.append(row)
        latest = max(latest, session.at)
        countNames(of: pack, writer)
        report.sessions.append(session.session)
        report.files += writer.files
        report.bytes &+= writer.bytes
        report.leftOut += writer.leftOut
        report.crashes += crashes
        report.faults += writer.damaged.map { path in
            StoreError(
                .damaged, "a member is damaged; its intact parts were written", session: session.session, path: path,
                hint: "salvage verify names what is damaged", kind: .partial)
        }
        if let damage = pack.artifactsDamage {
            report.faults.append(pack.artifactsUnreadable(damage, hint: "salvage verify names what is damaged"))
        }
    }
}

extension Store {
    /// Writes sessions as a bundle, which another store takes in with `salvage ingest`: their files, crashes, symbols and
    /// all that is known about them. The bundle appears under its name when it is complete.
    ///
    /// - Parameters:
    ///   - ids: the sessions' ids or unique prefixes; each session is written once.
    ///   - target: the archive, or the folder if the options say so. It must not exist.
    ///   - options: what is written, and how.
    ///   - sheet: the words for a crash.
    ///   - progress: called before each session and each member.
    /// - Throws: ``StoreError``, `CatalogError`, `IngestError` or `PackError`.
    public func bundle(
        _ ids: [String], to target: String, _ options: BundleOptions = BundleOptions(),
        sheet: @escaping (CrashReport) throws -> CrashSheet, progress: (StoreProgress) -> Void
    ) throws -> BundleReport {
        var sessions: [SessionRecord] = []
        var seen: ByteSet = []
        for id in ids {
            let session = try session(named: id)
            // Says why there is nothing to bundle.
            if session.pack == nil { _ = try SessionPack(session, in: self) }
            if seen.insert(session.session).inserted { sessions.append(session) }
        }
        guard !sessions.isEmpty, sessions.count <= BundleFormat.mostSessions else {
            throw StoreError(
                .usage, "a bundle holds at least one session and at most \(BundleFormat.mostSessions)", kind: .invalid)
        }
        let place = try BundleTarget(target, isFolder: options.isFolder)
        let writer = try BundleWriter(self, tree: place.tree, options, sheet: sheet)
        for (index, session) in sessions.enumerated() {
            progress(.bundling(session: index + 1, of: sessions.count))
            try writer.add(try SessionPack(session, in: self), progress: progress)
        }
        var report = try writer.finish()
        progress(.compressing)
        try place.publish()
        report.target = place.path
        return report
    }
}
