import Foundation
import Testing

/// A store with the logs of some sessions, and the same files exported under the names that grep prints.
final class GrepStage {
    /// The result of a program, with its output as bytes.
    struct Outcome {
        var status: Int32
        var out: [UInt8]
        var err: String

        var text: String { String(decoding: out, as: UTF8.self) }
        var lines: [Substring] { text.split(separator: "\n") }
    }

    static let ripgrep = ["/usr/bin/rg", "/usr/local/bin/rg"].map { URL(fileURLWithPath: $0) }
        .first { access($0.path, X_OK) == 0 }

    let scratch: Scratch
    /// Names as both programs print them, `session:path`, in the order of results.
    private(set) var names: [String] = []

    var store: String { scratch.path("store") }
    private var exported: URL { scratch.url.appendingPathComponent("exported") }

    init() throws {
        scratch = try Scratch()
        try FileManager.default.createDirectory(at: exported, withIntermediateDirectories: true)
    }

    /// Ingests files as a session.
    func ingest(
        _ session: String, tag: String = "1.2", created: String? = nil, exited: String? = nil,
        _ files: [(String, [UInt8])]
    ) throws {
        let folder = scratch.url.appendingPathComponent("in-\(session)/Saved")
        for (name, content) in files {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content).write(to: file)
        }
        var arguments = ["ingest", "--session", session, "--image", "arena", "--tag", tag, "--location", "eu"]
        if let created { arguments += ["--created", created] }
        if let exited { arguments += ["--exited", exited] }
        let ingest = try salvage(arguments + [folder.path])
        try #require(ingest.status == 0, "\(ingest.text)\(ingest.err)")
    }

    /// Exports a session, so that ripgrep prints the names of its files as grep prints those of its members.
    func export(_ session: String) throws {
        let target = scratch.path("out-\(session)")
        let export = try salvage(["export", session, "--to", target])
        try #require(export.status == 0, "\(export.err)")
        try FileManager.default.moveItem(
            at: URL(fileURLWithPath: target + "/Saved"), to: exported.appendingPathComponent("\(session):Saved"))
        let files = try salvage(["files", session, "--json"]).lines.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        for file in files where ["log", "text", "binary"].contains(file["kind"] as? String) {
            names.append("\(session):\(file["path"] as? String ?? "")")
        }
    }

    /// `salvage` with these arguments over the store.
    func salvage(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        var variables = ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no", "HOME": scratch.url.path]
        variables["SALVAGE_STORE"] = store
        variables.merge(environment) { _, new in new }
        return try Self.run(Program.salvage, arguments, in: scratch.url, variables)
    }

    func grep(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        try salvage(["grep"] + arguments, environment: environment)
    }

    /// ripgrep over the exported files, with the flags that are grep's defaults.
    func rg(_ arguments: [String]) throws -> Outcome {
        let plain = ["--no-config", "-j1", "--with-filename", "--no-heading", "-n", "--color=never"]
        return try Self.run(
            try #require(Self.ripgrep), plain + arguments + ["--"] + names, in: exported, ["PATH": "/usr/bin:/bin"])
    }

    private static func run(
        _ program: URL, _ arguments: [String], in folder: URL, _ environment: [String: String]
    ) throws -> Outcome {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("salvage-err-\(UUID().uuidString)")
        try Data().write(to: scratch)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: scratch)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let out = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return Outcome(
            status: status, out: Array(out), err: String(decoding: try Data(contentsOf: scratch), as: UTF8.self))
    }

    /// The number that a line of `--explain` gives, such as `decoded` or `opened`.
    static func explained(_ text: String, _ label: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "," })
            guard let at = words.firstIndex(of: Substring(label)) else { continue }
            // `decoded 12 blocks`, but `3 opened`.
            if at == 0, words.count > 1, let number = Int(words[1]) { return number }
            if at > 0, let number = Int(words[at - 1]) { return number }
        }
        return nil
    }

    /// The first line in which two outputs differ.
    static func difference(_ mine: [UInt8], _ theirs: [UInt8]) -> String? {
        if mine == theirs { return nil }
        let left = mine.split(separator: 0x0A, omittingEmptySubsequences: false)
        let right = theirs.split(separator: 0x0A, omittingEmptySubsequences: false)
        for index in 0..<max(left.count, right.count) {
            let one = index < left.count ? left[index] : []
            let other = index < right.count ? right[index] : []
            if one == other, index < min(left.count, right.count) { continue }
            let (ours, peers) = (normal(one), normal(other))
            if ours != peers || index >= min(left.count, right.count) {
                return "line \(index + 1), \(one.count) bytes: \(ours) ripgrep's, \(other.count): \(peers)"
            }
        }
        return nil
    }

    /// A line as text, every byte beyond ASCII by itself, shortened. How far a program had read when it came upon the
    /// first NUL is no part of an answer.
    private static func normal(_ line: ArraySlice<UInt8>) -> String {
        let shown = line.count > 600 ? Array(line.prefix(300)) + Array(line.suffix(300)) : Array(line)
        let text = String(
            decoding: shown.flatMap { $0 > 0x1F && $0 < 0x80 ? [$0] : Array("<\($0)>".utf8) }, as: UTF8.self)
        let told = text.replacing(#/around offset \d+/#, with: "around offset")
        return line.count > 600 ? told + " of \(line.count)" : told
    }
}
