import Catalog
import HTTPTypes
import Model
import Store
import Terminal
import Text

/// One crash: its own stack, all threads, modules and notes.
enum CrashPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var row: CrashRow?
        /// The record; nil if a later version wrote it in another form.
        var record: CrashRecord?
        /// The short id of its signature; nil for a crash in a followed log.
        var signatureID: String?
        var aliases: [String]
    }

    /// Threads that are shown.
    private static let mostThreads = 60
    /// Modules that are listed.
    private static let mostModules = 300

    /// Reads the facts.
    ///
    /// - Throws: `CatalogError` or ``ServerFailure`` if no crash, or several crashes, have the name.
    static func facts(_ store: Store, _ name: String, now: Int64) throws -> Facts {
        let found = try store.crashes(named: name)
        guard let crash = found.first else {
            throw ServerFailure(.notFound, "crash_not_found", "there is no crash '\(name)'")
        }
        guard found.count == 1 else {
            throw ServerFailure(
                .conflict, "ambiguous_crash", "'\(name)' means \(found.count) crashes",
                hint: "use one crash's id; the page of the session lists them")
        }
        switch crash {
        case .followed(let record): return Facts(record: record, aliases: [])
        case .stored(let stored):
            return Facts(
                row: stored.row, record: stored.current,
                signatureID: try store.signature(named: stored.row.signature, now: now).id,
                aliases: try store.report(on: crash).aliases)
        }
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView, source: SourceLinks) -> PageContent {
        let record = facts.record
        let id = facts.row?.crash ?? record?.crash ?? ""
        let title = record.map(headline) ?? facts.row?.signature ?? "Crash"
        var model: PageModel = [
            "headline": .text(title), "facts": .list(self.facts(facts, view)),
            "commands": .list(commands(id, facts.row?.session ?? record?.session)),
        ]
        if let signature = facts.row?.signature ?? record?.signature, let signatureID = facts.signatureID {
            model["signatureLink"] = .one([
                "href": .shown(view.link.signature(signatureID)), "signature": .text(signature, most: 200),
            ])
        }
        if let message = record?.message ?? record?.cause?.message {
            model["crashMessage"] = .one(["messageText": .block(message.utf8)])
        }
        model = model.with(StackModel.model(record?.frames ?? [], source: source, tag: record?.tag))
        if let thread = record?.threadName ?? record?.thread.map(String.init) {
            model["threadName"] = .one(["threadText": .text(thread, most: 80)])
        }
        if let record { model = model.with(details(record, source)) }
        return PageContent(template: "crash", title: title, tab: .crashes, model: model)
    }

    /// What happened: `SIGSEGV (SEGV_MAPERR) reading 0x0 on thread GameThread`, as far as it is known.
    static func headline(_ record: CrashRecord) -> String {
        var text = record.signal ?? ""
        if let exception = record.exception { text += text.isEmpty ? exception : " (\(exception))" }
        if text.isEmpty { text = record.kind }
        if record.kind == CrashRecord.snapshot { text = "No crash, a snapshot of the process: " + text }
        if let address = record.address {
            let verb = ["read": "reading", "write": "writing", "execute": "executing"][record.access ?? ""] ?? "at"
            text += " \(verb) \(address)"
        }
        if let thread = record.threadName ?? record.thread.map(String.init) { text += " on thread \(thread)" }
        return text
    }

    private static func facts(_ facts: Facts, _ view: PageView) -> [PageModel] {
        let record = facts.record
        var list = PageFacts()
        list.add("Crash", facts.row?.crash ?? record?.crash)
        if let session = facts.row?.session ?? record?.session {
            list.add("Session", session, link: view.link.session(session))
        }
        list.add("Build", build(facts.row?.image ?? record?.image, facts.row?.tag ?? record?.tag))
        list.add("Region", facts.row?.location ?? record?.location)
        list.add("Time", time: facts.row?.time)
        list.add("Process", process(record))
        list.add("Command line", record?.commandLine)
        list.add("Found in", record?.member.map { ([$0] + (record?.alsoIn ?? [])).joined(separator: ", ") })
        list.add("Reported by", record.map { $0.detector == $0.kind ? $0.kind : "\($0.kind), \($0.detector)" })
        list.add("Signature from", quality(record?.signatureQuality))
        list.add("Earlier signatures", facts.aliases.isEmpty ? nil : facts.aliases.prefix(10).joined(separator: "; "))
        if record == nil { list.add("Record", "written by another version, so that it cannot be read") }
        return list.models
    }

    private static func build(_ image: String?, _ tag: String?) -> String? {
        [image, tag].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ":")
    }

    private static func process(_ record: CrashRecord?) -> String? {
        guard let record else { return nil }
        return [
            record.executable, record.pid.map { "pid \($0)" }, record.threadCount.map { counted($0, "thread") },
            record.arch, record.os,
        ].compactMap { $0 }.joined(separator: ", ")
    }

    private static func quality(_ quality: SignatureQuality?) -> String? {
        switch quality {
        case nil, .symbol: nil
        case .message: "a message"
        case .offset: "offsets, which differ between builds; add symbols"
        case SignatureQuality.none?: "the kind of crash only"
        }
    }

    private static func details(_ record: CrashRecord, _ source: SourceLinks) -> PageModel {
        let others = record.threads.filter { $0.thread != record.thread }
        let modules = record.modules.prefix(mostModules)
        let missing = record.modules.filter { $0.symbols == .missing }.count
        var model: PageModel = [
            "hasThreads": .flag(!others.isEmpty), "hasModules": .flag(!modules.isEmpty),
            "hasNotes": .flag(!record.notes.isEmpty),
            "threads": .list(
                others.prefix(mostThreads).map { thread in
                    let name = thread.name.map { " \($0)" } ?? ""
                    let top = thread.frames.first?.function.map { " in \($0)" } ?? ""
                    return StackModel.model(thread.frames, source: source, tag: record.tag).with([
                        "threadTitle": .text("Thread \(thread.thread)\(name)\(top)", most: 200)
                    ])
                }),
            "modulesTitle": .text(
                counted(record.modules.count, "module")
                    + (missing > 0 ? ", symbols missing for \(missing)" : "")),
            "modules": .list(
                modules.map { module in
                    [
                        "moduleName": .text(module.path ?? module.name, most: 300),
                        "symbolState": .shown(module.symbols.rawValue),
                        "buildID": .text(module.buildID ?? module.debugID ?? "–", most: 100),
                        "moduleBase": .text("\(module.base)"), "moduleSize": .text(SizeText.binary(module.size)),
                    ]
                }),
            "crashNotes": .list(record.notes.prefix(50).map { ["noteText": .text($0)] }),
        ]
        let more = others.count - mostThreads
        model["moreThreads"] =
            more > 0
            ? .one(["moreText": .text("\(counted(more, "more thread")): salvage crash --threads all.")]) : false
        return model
    }

    private static func commands(_ crash: String, _ session: String?) -> [PageModel] {
        let id = PageCommand.quoted(crash)
        var commands = ["salvage crash \(id) --threads all", "salvage crash \(id) --debug"]
        if let session {
            commands.append("salvage logs \(PageCommand.quoted(session)) --around \(id) --within 5s")
        }
        return commands.map { ["command": .text($0)] }
    }
}
