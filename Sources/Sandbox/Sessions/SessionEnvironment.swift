import Text

/// Builds the environment of a session's process, in which each name occurs once.
enum SessionEnvironment {
    /// Variables of every process, which any other layer can override.
    static let base = [("PATH", "/usr/local/bin:/usr/bin:/bin")]

    /// Variables that the sandbox sets; they override everything else.
    static func own(
        id: String, host: String, place: Place, ports: [PortMapping], root: String
    ) -> [(String, String)] {
        [
            ("GAMEYE_SESSION_ID", id), ("GAMEYE_HOST", host), ("GAMEYE_LOCATION", place.centre),
            ("SANDBOX_ROOT", root),
        ] + ports.map { ("GAMEYE_PORT_\($0.type.uppercased())_\($0.container)", String($0.host)) }
    }

    /// Merges layers, lowest first. A name keeps its first position and gets its last value.
    static func merged(_ layers: [[(String, String)]]) -> [(String, String)] {
        var places: ByteDictionary<Int> = [:]
        var merged: [(String, String)] = []
        for pair in layers.joined() {
            if let place = places[pair.0] {
                merged[place].1 = pair.1
            } else {
                places[pair.0] = merged.count
                merged.append(pair)
            }
        }
        return merged
    }
}
