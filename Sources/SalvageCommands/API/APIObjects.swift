import JSON
import SessionAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The API's objects as JSON lines, with the API's field names in its documented order.
enum APIObject {
    static func line(_ started: StartedSession) -> JSONLine {
        var line = JSONLine()
        line.add("id", started.id)
        line.add("host", started.host)
        line.add(
            "ports",
            started.ports.map { port in
                var object = JSONLine()
                object.add("type", port.type)
                object.add("container", port.container)
                object.add("host", port.host)
                return object
            })
        return line
    }

    static func line(_ entry: SessionEntry) -> JSONLine {
        var line = session(entry)
        line.add("playerCount", entry.playerCount)
        return line
    }

    static func line(_ description: SessionAPI.SessionDescription) -> JSONLine {
        var line = session(description.session)
        var players = JSONLine()
        if let joined = description.playersJoined { players.add("joined", joined) }
        players.add("joinedCount", description.playersJoinedCount)
        if description.playersJoined != nil || description.playersJoinedCount != nil { line.add("players", players) }
        return line
    }

    static func line(_ roster: PlayerRoster) -> JSONLine {
        var line = JSONLine()
        line.add("count", roster.count)
        line.add("players", roster.players)
        return line
    }

    static func line(_ location: AvailableLocation) -> JSONLine {
        var line = JSONLine()
        line.add("id", location.id)
        line.add("ips", location.ips)
        return line
    }

    private static func session(_ entry: SessionEntry) -> JSONLine {
        var line = JSONLine()
        line.add("id", entry.id)
        line.add("image", entry.image.isEmpty ? nil : entry.image)
        line.add("tag", entry.tag)
        line.add("location", entry.location.isEmpty ? nil : entry.location)
        line.add("host", entry.host)
        line.add("created", entry.created)
        var ports = JSONLine()
        for port in entry.ports { ports.add(port.name, port.host) }
        line.add("port", ports)
        line.add("status", entry.status?.rawValue)
        if let labels = labels(entry.labels) { line.add("labels", json: labels) }
        return line
    }

    /// The labels in the API's form (JSON text inside strings); nil when there are none.
    private static func labels(_ labels: SessionLabels) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // An object of strings: encoding it cannot fail.
        guard let data = try? encoder.encode(labels), data.count > 2 else { return nil }
        return Array(data)
    }
}
