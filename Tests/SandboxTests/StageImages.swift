import Foundation
import Testing

// Images made for one test.
extension Stage {
    /// Makes an image whose `server` is a shell script, and returns its folder.
    @discardableResult
    func image(
        _ name: String, _ version: String = "1.0", script: String? = "exit 0", json: String? = nil
    ) throws -> String {
        let place = "\(folder)/images/\(name)/\(version)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        if let script { try file(place + "/server", "#!/bin/sh\n\(script)\n") }
        if let json { try file(place + "/image.json", json, mode: 0o644) }
        return place
    }

    /// An image that has no versions yet.
    func imageFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/images/\(name)", withIntermediateDirectories: true)
    }

    func file(_ path: String, _ content: String, mode: Int = 0o755) throws {
        try Data(content.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// Runs an image and returns the whole answer.
    func run(_ image: String, version: String? = nil, at location: String = "europe") async throws -> WireClient.Answer
    {
        let more = version.map { #","version":"\#($0)""# } ?? ""
        return try await client.ask(
            "POST", "/session", json: #"{"location":"\#(location)","image":"\#(image)"\#(more)}"#)
    }

    /// Describes the session that an answer to session-run names.
    func described(_ answer: WireClient.Answer) async throws -> [String: Any] {
        let id = try #require(try object(answer)["id"] as? String)
        return try object(await client.ask("GET", "/session/\(id)"))
    }

    func violations(_ answer: WireClient.Answer) throws -> [String] {
        let list = try object(answer)["violations"] as? [[String: String]] ?? []
        return list.compactMap { $0["field"] }
    }
}
