import Catalog
import CrashAnalysis
import JSON
import Model
import Store
import Terminal
import Text

/// Words for crashes, frames and signatures; text from containers is escaped.
enum CrashWords {
    /// The headline of a crash in the catalog: `SIGSEGV (SEGV_MAPERR) reading 0x0 on thread GameThread`, as far as it is
    /// known.
    static func headline(_ crash: StoredCrash) -> String {
        let row = crash.row
        return headline(
            signal: row.signal, exception: row.exception, kind: row.kind, thread: row.thread, record: crash.record)
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

    /// One frame as a line: `#0  Foo::bar  foo.cpp:12  (game)`.
    static func frame(_ frame: CrashFrame, style: Style) -> String {
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

    /// What the signature is based on, to print behind it; empty if it is based on function names.
    static func quality(_ quality: String?) -> String {
        switch quality {
        case "message": "  (from a message)"
        case "offset": "  (from offsets: differs between builds; add symbols)"
        case "none": "  (only the kind of crash is known)"
        default: ""
        }
    }

    /// The time of a record, in the zone of the output; as it is written if it cannot be read.
    static func time(_ text: String) -> String {
        // A record's time has its zone.
        TimeText.parse(text, now: 0).map { TimeText.zoned($0) } ?? Escape.display(text)
    }

    /// How often and when the crashes of a signature happened, and what is decided.
    static func history(_ known: SignatureOverview) -> [String] {
        let crashes = counted(known.selected.count, "crash", "crashes")
        let sessions = counted(known.selected.sessions, "session")
        let share = known.share.map { ", \(StateText.percent($0)) of all sessions" } ?? ""
        let seen =
            known.firstSeen == known.lastSeen
            ? "at \(TimeText.zoned(known.firstSeen))"
            : "from \(TimeText.range(known.firstSeen, known.lastSeen))"
        return ["\(crashes) in \(sessions)\(share)", seen, StandingText.summary(known)]
    }
}
