import Calendar
public import Catalog
public import JSON
public import Model

extension Shapes {
    /// A crash. ``StoredCrash/json``, ``ListedCrash/json`` and ``CrashReport/json`` write it; of a record alone, the last
    /// fields, which the store knows, are absent.
    public static let crash = JSONShape<CrashRecord>(
        CrashRecord.shape.name, CrashRecord.shape.help,
        CrashRecord.shape.fields
            + crashExtras.descriptions.map { JSONField($0.name, $0.kind, always: false, $0.help) { _, _ in } })

    /// What the store knows about a crash besides its record.
    static let crashExtras = JSONShape<CrashExtras>(
        "CrashExtras", "What the store adds to a crash.",
        [
            .boolean(
                "running",
                "true for a crash in the followed log of a session without a pack; its record may still change"
            ) {
                $0.isFollowed ? true : nil
            },
            .optionalTexts("aliases", "earlier signatures (`crash` only)") { $0.aliases.isEmpty ? nil : $0.aliases },
            .object("signature_history", signatureSummary, "all crashes with its signature (`crash` only)") {
                $0.history
            },
        ])

    /// The crashes of one signature.
    public static let signatureSummary = JSONShape<SignatureSummary>(
        "SignatureSummary", "The crashes of one signature.",
        [
            .text("signature", "the signature") { $0.signature },
            .integer("count", "crashes") { $0.count },
            .integer("sessions", "sessions with such a crash") { $0.sessions },
            .time("first_seen", "the first crash") { $0.firstSeen },
            .time("last_seen", "the last crash") { $0.lastSeen },
            .texts("images", "the images that have it") { $0.images },
            .texts("tags", "the tags that have it") { $0.tags },
            .texts("locations", "the locations that have it") { $0.locations },
            .counts("per_day", "crashes on each day (UTC) that has any") { summary in
                summary.perDay.map { (CrashExtras.date($0.day), $0.count) }
            },
        ])
}

/// What the store knows about a crash besides its record.
struct CrashExtras: Sendable {
    var isFollowed = false
    var aliases: [String] = []
    var history: SignatureSummary?

    /// A day since 1970 as a date.
    static func date(_ day: Int) -> String {
        String(ISO8601.text(clamping: Int64(clamping: day) &* 86_400_000).prefix(10))
    }

    /// A crash's object with these facts.
    func added(to object: [UInt8]) -> [UInt8] {
        let added = Shapes.crashExtras.line(self).utf8
        guard added.count > 2, object.last == UInt8(ascii: "}") else { return object }
        return object.dropLast() + (object.count > 2 ? [UInt8(ascii: ",")] : []) + added.dropFirst()
    }
}

extension StoredCrash {
    /// The crash as lists print it, one JSON object: without the other threads, their registers and the modules.
    public var json: [UInt8] { object(isWhole: false) }

    /// The crash as one JSON object with all that its record holds.
    public var wholeJSON: [UInt8] { object(isWhole: true) }

    private func object(isWhole: Bool) -> [UInt8] {
        guard let record = current else { return bare.utf8 }
        return isWhole ? record.json() : record.listed.json()
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
        line.add("detector", row.kind)
        line.add("signature", row.signature)
        line.add("signature_quality", row.signatureQuality ?? SignatureQuality.none.rawValue)
        line.add("signature_version", 0)
        line.add("stack_hash", row.stackHash)
        line.add("signal", row.signal)
        line.add("exception", row.exception)
        line.add("thread_name", row.thread)
        for name in ["frames", "threads", "modules"] { line.add(name, [JSONLine]()) }
        line.add("notes", ["the record could not be read"])
        line.add("also_in", [String]())
        return line
    }
}

extension CrashRecord {
    /// The record without what lists leave out.
    fileprivate var listed: CrashRecord {
        var record = self
        record.threads = []
        record.modules = []
        return record
    }
}

extension ListedCrash {
    /// The crash as lists print it, one JSON object: without the other threads, their registers and the modules.
    public var json: [UInt8] {
        switch self {
        case .stored(let crash): crash.json
        case .followed(let record): CrashExtras(isFollowed: true).added(to: record.listed.json())
        }
    }

    /// The crash as one JSON object with all that its record holds.
    public var wholeJSON: [UInt8] {
        switch self {
        case .stored(let crash): crash.wholeJSON
        case .followed(let record): CrashExtras(isFollowed: true).added(to: record.json())
        }
    }
}

extension CrashReport {
    /// All of the crash as one JSON object, with its earlier signatures and the history of its signature.
    public var json: [UInt8] { CrashExtras(aliases: aliases, history: signature).added(to: crash.wholeJSON) }
}
