import Catalog
import CrashAnalysis
import JSON
import Model
import Store
import Terminal
import Text

extension StoredCrash {
    /// The record as one JSON object, with the catalog's facts about the session.
    var json: [UInt8] { current?.json() ?? bare.utf8 }

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
}

extension [UInt8] {
    /// This JSON object with the members of another.
    func adding(_ line: JSONLine) -> [UInt8] {
        let added = line.utf8
        guard added.count > 2, last == UInt8(ascii: "}") else { return self }
        return dropLast() + (count > 2 ? [UInt8(ascii: ",")] : []) + added.dropFirst()
    }
}

extension ListedCrash: Row {
    static var columns: [Column] { ["TIME", "CRASH", "SESSION", "TAG", "LOCATION", "KIND", "REASON", "SIGNATURE"] }

    var json: [UInt8] {
        switch self {
        case .stored(let crash): return crash.json
        case .followed(let record):
            // The record may still change, and its session has no pack.
            var line = JSONLine()
            line.add("running", true)
            return record.json().adding(line)
        }
    }

    var cells: [Table.Cell] {
        switch self {
        case .stored(let crash):
            let row = crash.row
            return Self.cells(
                row.time, row.crash, row.session, row.tag, row.location, kind: row.kind,
                reason: row.signal ?? row.exception, row.signature)
        case .followed(let record):
            let time = record.time.flatMap { TimeText.parse($0, now: TimeText.now()) }
            return Self.cells(
                time, record.crash, record.session, record.tag, record.location, kind: record.kind + " (running)",
                reason: record.signal ?? record.exception, record.signature)
        }
    }

    private static func cells(
        _ time: Int64?, _ crash: String, _ session: String?, _ tag: String?, _ location: String?, kind: String,
        reason: String?, _ signature: String
    ) -> [Table.Cell] {
        [
            Table.Cell(time.map { TimeText.table($0) } ?? "-"),
            Table.Cell(Escape.display(crash)) { $0.cyan($1) },
            Table.Cell(Escape.display(session ?? "-")),
            Table.Cell(tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(location.map { Escape.display($0) } ?? "-"),
            Table.Cell(Escape.display(kind)),
            Table.Cell(Escape.display(reason ?? "-")) { $0.red($1) },
            Table.Cell(Escape.display(signature)),
        ]
    }
}

extension CrashReport {
    /// The crash with its earlier signatures and the history of its signature.
    var json: [UInt8] {
        var line = JSONLine()
        if !aliases.isEmpty { line.add("aliases", aliases) }
        line.add("signature_history", signature.map { Shapes.signature.line($0) })
        return crash.json.adding(line)
    }
}
