public import Model

/// How complete the collection of one artifact of one image is.
public struct ArtifactCoverage: Sendable, Equatable {
    /// The image; empty when unknown.
    public let image: String
    /// The configured container path; `logs` for the stdout and stderr log.
    public let artifact: String
    /// The number of ledger rows in each state that occurs.
    public var states: [ArtifactState: Int]

    /// Creates a group.
    public init(image: String, artifact: String, states: [ArtifactState: Int]) {
        self.image = image
        self.artifact = artifact
        self.states = states
    }

    /// How often it was requested or will be.
    public var requested: Int { states.reduce(0) { $1.key == .skipped ? $0 : $0 + $1.value } }

    /// Whether its path exists in none of the sessions where it was requested.
    public var isAbsentEverywhere: Bool {
        (states[.absent] ?? 0) > 0
            && states.allSatisfy { $0.key == .absent || $0.key == .skipped || $0.key == .pending }
    }

    /// The share of what exists that was collected, 0 to 1; nil if nothing exists.
    public var collectedShare: Double? {
        let existing = [ArtifactState.collected, .incomplete, .failed, .lost].reduce(0) { $0 + (states[$1] ?? 0) }
        return existing == 0 ? nil : Double(states[.collected] ?? 0) / Double(existing)
    }
}

extension Catalog {
    /// Counts the states of the selected sessions' artifacts by image and artifact, in the order of their names.
    public func artifactCoverage(_ selection: Selection) throws(CatalogError) -> [ArtifactCoverage] {
        try read { (connection) throws(CatalogError) in
            let filter = try Filter.sessions(selection, on: connection)
            let rows = try connection.prepare(
                """
                SELECT s.image, a.artifact, a.state, count(*)
                FROM sessions s JOIN artifacts a ON a.session = s.key\(filter.sql)
                GROUP BY s.image, a.artifact, a.state ORDER BY s.image, a.artifact
                """
            ).bind(filter.values)
            var groups: [ArtifactCoverage] = []
            while try rows.step() {
                let (image, artifact) = (rows.text(0), rows.text(1))
                let state = ArtifactState(rawValue: rows.text(2)) ?? .failed
                let count = Int(clamping: rows.integer(3))
                if let last = groups.last, last.image.utf8.elementsEqual(image.utf8),
                    last.artifact.utf8.elementsEqual(artifact.utf8)
                {
                    groups[groups.count - 1].states[state, default: 0] += count
                } else {
                    groups.append(ArtifactCoverage(image: image, artifact: artifact, states: [state: count]))
                }
            }
            return groups
        }
    }
}
