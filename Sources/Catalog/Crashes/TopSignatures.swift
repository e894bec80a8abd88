public import Model
public import Text

/// The crashes of one signature across sessions and builds.
public struct SignatureSummary: Sendable, Equatable {
    /// The number of crashes on one day.
    public struct Day: Sendable, Equatable {
        /// Days since 1970-01-01 in UTC.
        public var day: Int
        /// Number of crashes.
        public var count: Int

        /// Creates a day.
        public init(day: Int, count: Int) {
            self.day = day
            self.count = count
        }
    }

    /// The signature that groups the crashes.
    public var signature: String
    /// Number of crashes.
    public var count: Int
    /// Number of affected sessions.
    public var sessions: Int
    /// Time of the first crash (ms since 1970).
    public var firstSeen: Int64
    /// Time of the last crash (ms since 1970).
    public var lastSeen: Int64
    /// The images they happened in, sorted.
    public var images: [String]
    /// The tags they happened in, sorted.
    public var tags: [String]
    /// The locations they happened in, sorted.
    public var locations: [String]
    /// The days with at least one crash, in order.
    public var perDay: [Day]

    /// Creates a summary of no crash.
    public init(signature: String) {
        self.signature = signature
        (count, sessions, firstSeen, lastSeen) = (0, 0, 0, 0)
        (images, tags, locations, perDay) = ([], [], [], [])
    }
}

/// One signature's crashes: the selected ones, and all.
public struct SignatureFigures: Sendable {
    /// The selected crashes.
    public var selected: SignatureSummary
    /// All crashes of the store, by the same name. Its times and tags are also those of crashes that were removed with
    /// their packs; the other figures are not.
    public var whole: SignatureSummary

    /// Creates figures.
    public init(selected: SignatureSummary, whole: SignatureSummary) {
        self.selected = selected
        self.whole = whole
    }
}

extension Catalog {
    /// The selected crashes grouped by signature: most crashes first, then the most recent. The limit applies to
    /// signatures.
    ///
    /// - Parameter merged: as of ``signatureFigures(_:merged:)``.
    public func topSignatures(
        _ selection: Selection = Selection(), merged: ByteDictionary<String> = [:]
    ) throws(CatalogError) -> [SignatureSummary] {
        try signatures(selection, merged: merged, wholes: false).map(\.selected)
    }

    /// The summary of exactly this signature; nil when no crash has it. Reads only its crashes.
    public func signature(_ text: String) throws(CatalogError) -> SignatureSummary? {
        try signatures(named: [text], merged: [:]).first { $0.count > 0 }
    }

    /// The selected crashes and all crashes grouped by signature, in the order of ``topSignatures(_:)``. The index over
    /// crashes is read once, and once more for the whole store if the selection is narrower.
    ///
    /// - Parameter merged: signatures whose crashes count as another's: the other's text by theirs.
    public func signatureFigures(
        _ selection: Selection = Selection(), merged: ByteDictionary<String> = [:]
    ) throws(CatalogError) -> [SignatureFigures] {
        try signatures(selection, merged: merged, wholes: true)
    }

    /// All crashes with exactly these signatures, grouped, in the order of ``topSignatures(_:)``. Reads only these crashes.
    /// Times and tags are also those of removed crashes; a signature whose crashes were all removed comes last, without
    /// any crash.
    ///
    /// - Parameters:
    ///   - merged: as of ``signatureFigures(_:merged:)``.
    ///   - errors: whether to read errors that the process survived instead of crashes.
    public func signatures(
        named texts: [String], merged: ByteDictionary<String>, errors: Bool = false
    ) throws(CatalogError) -> [SignatureSummary] {
        try read { (connection) throws(CatalogError) in
            let pass = try SignaturePass(connection, merged)
            let ids = try SignatureIDs(texts: texts, on: connection).ids
            let groups = try pass.groups(try pass.filter(Selection(errors: errors), only: ids))
            var past = try pass.past(only: ids, errors: errors)
            var found: [SignatureSummary] = []
            for (group, summary) in zip(groups, try pass.summaries(groups)) {
                found.append(try pass.adding(past.removeValue(forKey: group.signature) ?? [], to: summary))
            }
            for (signature, rows) in past.sorted(by: { $0.key < $1.key }) {
                let summary = SignatureSummary(signature: try pass.text(signature))
                found.append(try pass.adding(rows, to: summary))
            }
            return found
        }
    }

    private func signatures(
        _ selection: Selection, merged: ByteDictionary<String> = [:], wholes: Bool
    ) throws(CatalogError) -> [SignatureFigures] {
        try read { (connection) throws(CatalogError) in
            let pass = try SignaturePass(connection, merged)
            let groups = try pass.groups(try Filter.crashes(selection, on: connection))
            let listed = Array(groups.prefix(max(0, selection.limit ?? .max)))
            let selected = try pass.summaries(listed)
            let all = Selection(errors: selection.errors)
            var rest = selection
            rest.limit = nil
            guard wholes else { return selected.map { SignatureFigures(selected: $0, whole: $0) } }
            // For a few signatures, only their crashes are read.
            let members = pass.members(of: listed.map(\.signature))
            let only = listed.count <= SignaturePass.few ? members : nil
            var places: [Int64: SignatureGroup] = [:]
            if rest != all {
                for group in try pass.groups(try pass.filter(all, only: only)) { places[group.signature] = group }
            }
            let past = try pass.past(only: only, errors: selection.errors)
            var figures: [SignatureFigures] = []
            for (group, summary) in zip(listed, selected) {
                let found = try places[group.signature].map { (group) throws(CatalogError) in
                    try pass.summaries([group])
                }
                let whole = try pass.adding(past[group.signature] ?? [], to: found?.first ?? summary)
                figures.append(SignatureFigures(selected: summary, whole: whole))
            }
            return figures
        }
    }
}
