import Bytes
import Digest
import Foundation
import Glibc
import Ingest
import Model
import Pack
import PackHome
import Testing

/// A folder with a store, in which the real child packs files.
final class Stage {
    let folder: String
    var store: String { folder + "/store" }
    var home: any PackHome { FolderPackHome(store: store) }

    init() throws {
        folder =
            FileManager.default.temporaryDirectory.appendingPathComponent("salvage-ingest-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Packs files into the store, one artifact each.
    func pack(_ files: [String], limits: IngestLimits = IngestLimits()) throws -> PackedSession {
        if !FileManager.default.fileExists(atPath: store) {
            try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        }
        let process = IngestProcess(executable: ConfinementProbeTests.salvage, measures: true)
        let ingest = StoreIngest(store: store, home: home, process: process, limits: limits)
        let inputs = files.enumerated().map { index, path in
            IngestFile(
                path: path,
                input: IngestJob.Input(artifact: index, form: .archive, name: Array("a\(index)".utf8)))
        }
        return try ingest.pack(
            session: SessionMetadata(session: "s", image: "i"),
            artifacts: files.indices.map { ArtifactEntry(artifact: "/a\($0)") }, files: inputs, earlier: nil)
    }

    /// Packs one file as an artifact, with redaction rules.
    func pack(
        _ path: String, as artifact: String, _ form: IngestJob.Form, name: String, redactions: [RedactionRule]
    ) throws -> PackedSession {
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        let ingest = StoreIngest(
            store: store, home: home, process: IngestProcess(executable: ConfinementProbeTests.salvage),
            redactions: redactions)
        let input = IngestJob.Input(artifact: 0, form: form, name: Array(name.utf8))
        return try ingest.pack(
            session: SessionMetadata(session: "s", image: "i"), artifacts: [ArtifactEntry(artifact: artifact)],
            files: [IngestFile(path: path, input: input)], earlier: nil)
    }

    /// Every path below the folder except the store, with type, mode and content, and the names in the parent folder.
    func surroundings() -> [String] {
        var found = ((try? FileManager.default.contentsOfDirectory(atPath: "/tmp/..")) ?? []).sorted()
        guard let walker = FileManager.default.enumerator(atPath: folder) else { return found }
        for case let name as String in walker where name != "store" && !name.hasPrefix("store/") {
            var facts = stat()
            lstat(folder + "/" + name, &facts)
            let content = FileManager.default.contents(atPath: folder + "/" + name).map { SHA256.digest($0) } ?? []
            found.append("\(name) \(facts.st_mode) \(facts.st_size) \(facts.st_nlink) \(Hex.text(content))")
        }
        return found
    }

    /// The files of the store that are neither packs nor beside one: none after an ingest.
    func strays() -> [String] {
        guard let walker = FileManager.default.enumerator(atPath: store) else { return ["no store"] }
        var found: [String] = []
        for case let name as String in walker {
            var facts = stat()
            lstat(store + "/" + name, &facts)
            let isFolder = facts.st_mode & S_IFMT == S_IFDIR
            let isFile = facts.st_mode & S_IFMT == S_IFREG && facts.st_mode & 0o777 == 0o600
            let isOurs =
                isFolder
                ? name == "packs" || name.hasPrefix("packs/") || name.hasPrefix("filters") || name == "locks"
                    || name == "spool" || name == "spool/s" || name.hasPrefix("spool/.")
                : isFile && (name.hasSuffix("/s.pack") || name.hasPrefix("filters/") || name.hasPrefix("spool/."))
            if !isOurs { found.append("\(name) \(String(facts.st_mode, radix: 8))") }
        }
        return found
    }
}

/// Writes a script that can be started at once.
///
/// Another process writes the file: a child that another test starts in this process would hold a descriptor of this process
/// open for writing until it becomes its program, and the kernel refuses to start a file that is open for writing (ETXTBSY).
func writeProgram(_ text: String, to path: String) throws {
    try text.write(toFile: path + ".text", atomically: false, encoding: .utf8)
    let install = Process()
    install.executableURL = URL(fileURLWithPath: "/usr/bin/install")
    install.arguments = ["-m", "755", path + ".text", path]
    try install.run()
    install.waitUntilExit()
    try #require(install.terminationStatus == 0, "install could not write \(path)")
}
