import Text

/// The environment of a session's process: one rule, each name once.
enum SessionEnvironment {
    /// What every process has unless something above it says otherwise.
    static let base = [("PATH", "/usr/local/bin:/usr/bin:/bin")]

    /// What the sandbox itself says, over everything else.
    static func own(
        id: String, host: String, place: Place, ports: [PortMapping], root: String
    ) -> [(String, String)] {
        [
            ("GAMEYE_SESSION_ID", id), ("GAMEYE_HOST", host), ("GAMEYE_LOCATION", place.centre),
            ("SANDBOX_ROOT", root),
        ] + ports.map { ("GAMEYE_PORT_\($0.type.uppercased())_\($0.container)", String($0.host)) }
    }

    /// One layer over the other, the lowest first. A name keeps the place at which it came first.
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
