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
    /// All crashes of the store, by the same name.
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
        try signatures(named: [text], merged: [:]).first
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
            return try pass.summaries(groups)
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
            guard wholes, rest != all else { return selected.map { SignatureFigures(selected: $0, whole: $0) } }
            // For a few signatures, only their crashes are read.
            let members = pass.members(of: listed.map(\.signature))
            let filter = try pass.filter(all, only: listed.count <= SignaturePass.few ? members : nil)
            var places: [Int64: SignatureGroup] = [:]
            for group in try pass.groups(filter) { places[group.signature] = group }
            var figures: [SignatureFigures] = []
            for (group, summary) in zip(listed, selected) {
                let whole = try places[group.signature].map { (group) throws(CatalogError) in
                    try pass.summaries([group])
                }
                figures.append(SignatureFigures(selected: summary, whole: whole?.first ?? summary))
            }
            return figures
        }
    }
}
