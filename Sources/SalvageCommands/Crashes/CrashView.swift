import Catalog
import CrashAnalysis
import FoundationEssentials
import JSON
import Model
import Terminal

/// A crash in the catalog, with its record if that could be read.
struct CrashView {
    let row: CrashRow
    let record: CrashRecord?

    init(_ row: CrashRow) {
        self.row = row
        record = try? JSONDecoder().decode(CrashRecord.self, from: Data(row.json))
    }

    /// The record as one JSON object. The catalog's columns about the session take precedence: they may be newer than the
    /// record.
    func json(aliases: [String] = []) -> [UInt8] {
        guard var record else { return bare.utf8 }
        record.crash = row.crash
        record.session = row.session
        record.image = row.image.isEmpty ? record.image : row.image
        record.tag = row.tag ?? record.tag
        record.location = row.location ?? record.location
        let bytes = record.json()
        guard !aliases.isEmpty else { return bytes }
        var line = JSONLine()
        line.add("aliases", aliases)
        return bytes.dropLast() + [UInt8(ascii: ",")] + line.utf8.dropFirst()
    }

    /// The catalog's columns, for a record that a later version wrote in another form.
    private var bare: JSONLine {
        var line = JSONLine()
        line.add("crash", row.crash)
        line.add("session", row.session)
        line.add("image", row.image.isEmpty ? nil : row.image)
        line.add("tag", row.tag)
        line.add("location", row.location)
        line.add("time", time: row.time)
        line.add("kind", row.kind)
        line.add("signal", row.signal)
        line.add("exception", row.exception)
        line.add("thread_name", row.thread)
        line.add("signature", row.signature)
        line.add("signature_quality", row.signatureQuality)
        line.add("stack_hash", row.stackHash)
        line.add("notes", ["the record could not be read"])
        return line
    }

    /// `SIGSEGV (SEGV_MAPERR) reading 0x0 on thread GameThread`, as far as it is known; escaped.
    var headline: String {
        Self.headline(
            signal: row.signal, exception: row.exception, kind: row.kind, thread: row.thread, record: record)
    }

    /// The headline of a record that is not in a catalog.
    static func headline(_ record: CrashRecord) -> String {
        headline(
            signal: record.signal, exception: record.exception, kind: record.kind,
            thread: record.threadName ?? record.thread.map(String.init), record: record)
    }

    private static func headline(
        signal: String?, exception: String?, kind: String, thread: String?, record: CrashRecord?
    ) -> String {
        var text = signal.map { Escape.display($0) } ?? ""
        if let exception {
            text += text.isEmpty ? Escape.display(exception) : " (\(Escape.display(exception)))"
        }
        if text.isEmpty { text = Escape.display(kind) }
        if kind == CrashRecord.snapshot { text = "no crash, a snapshot of the process: " + text }
        if let address = record?.address {
            let verb = ["read": "reading", "write": "writing", "execute": "executing"][record?.access ?? ""] ?? "at"
            text += " \(verb) \(address)"
        }
        if let thread { text += " on thread \(Escape.display(thread))" }
        return text
    }

    /// One frame as a line: `#0  Foo::bar  foo.cpp:12  (game)`; escaped.
    static func text(_ frame: CrashFrame, style: Style) -> String {
        let number = "#\(frame.index)"
        var text = number + String(repeating: " ", count: max(1, 5 - number.utf8.count))
        let module = frame.module.map { Escape.display($0) }
        if let function = frame.function {
            text += style.bold(Escape.display(function))
            if let file = frame.file {
                text += "  \(Escape.display(file))" + (frame.line.map { ":\($0)" } ?? "")
            }
            if let module { text += style.dim("  (\(module))") }
        } else if let module {
            text += module + (frame.offset.map { "+\($0)" } ?? "")
        } else {
            text += frame.address.map { "\($0)" } ?? "?"
        }
        if frame.inlined == true { text += style.dim("  [inlined]") }
        if frame.trust == .scan { text += style.dim("  [found by scanning, may be stale]") }
        return text
    }
}
