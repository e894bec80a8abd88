import Foundation
import Glibc
import Model
import Testing

@testable import Unpack

/// Archives that GNU tar and bsdtar write in each of their formats are read back unchanged.
struct ToolTests {
    private static let tar = "/usr/bin/tar"
    private static let bsdtar = "/usr/bin/bsdtar"

    /// A folder with one of everything; returns the content by path.
    private func makeTree(_ root: URL, longNames: Bool) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [
            "empty": [], "log.txt": Array((0..<5000).flatMap { Array("line \($0)\n".utf8) }),
            "block": [UInt8](repeating: 0x42, count: 512), "größe ☃.txt": Array("utf-8".utf8),
        ]
        if longNames {
            files[String(repeating: "deep folder/", count: 20) + "file with a long name"] = Array("deep".utf8)
            files[String(repeating: "n", count: 200)] = Array("long".utf8)
        }
        for (path, content) in files {
            let url = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content).write(to: url)
        }
        var sparse = [UInt8](repeating: 0, count: 3 << 20)
        for start in stride(from: 4096, to: sparse.count, by: 300 << 10) {
            for index in start..<(start + 5000) { sparse[index] = UInt8(truncatingIfNeeded: index | 1) }
        }
        let descriptor = open(root.appending(path: "sparse").path, O_CREAT | O_WRONLY, 0o644)
        try #require(descriptor >= 0)
        ftruncate(descriptor, sparse.count)
        for start in stride(from: 4096, to: sparse.count, by: 300 << 10) {
            _ = sparse.withUnsafeBytes { pwrite(descriptor, $0.baseAddress?.advanced(by: start), 5000, off_t(start)) }
        }
        close(descriptor)
        files["sparse"] = sparse
        symlink("log.txt", root.appending(path: "link").path)
        link(root.appending(path: "log.txt").path, root.appending(path: "z-hard").path)
        mkfifo(root.appending(path: "fifo").path, 0o600)
        return files
    }

    private func run(_ tool: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: tool)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(tool) \(arguments)")
    }

    private func check(_ tool: String, _ options: [String], longNames: Bool = true) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "salvage-tools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let tree = root.appending(path: "tree")
        try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: true)
        let files = try makeTree(tree, longNames: longNames)
        let archive = root.appending(path: "archive.tar.gz")
        try run(tool, ["-czf", archive.path] + options + ["-C", tree.path, "."])
        let seen = unpack(Array(try Data(contentsOf: archive)))
        #expect(seen.report.verdict == .ok, "\(options): \(seen.report)")
        var left = files
        for entry in seen.entries where entry.header.kind == .file {
            let path = String(entry.name.trimmingPrefix("./"))
            // The first of two linked names has the content.
            guard let content = left.removeValue(forKey: path == "z-hard" ? "log.txt" : path) else {
                Issue.record("\(options): unexpected \(path)")
                continue
            }
            let digest = Digest()
            digest.start()
            content.withUnsafeBytes { digest.add($0) }
            #expect(entry.sha256 == digest.finish(), "\(options): \(path)")
            #expect(entry.outcome?.state == .complete)
        }
        #expect(left.isEmpty, "\(options): missing \(left.keys)")
        let kinds = Set(seen.entries.map(\.header.kind))
        #expect(kinds.isSuperset(of: [.file, .directory, .symlink, .hardlink, .fifo]), "\(options)")
        let made = seen.entries.first { $0.name.hasSuffix("/link") }
        #expect(made?.header.linkTarget == Array("log.txt".utf8))
    }

    @Test(
        "GNU tar", .enabled(if: FileManager.default.isExecutableFile(atPath: tar), "GNU tar is not installed"),
        arguments: [
            ["--format=gnu"], ["--format=gnu", "--sparse"], ["--format=oldgnu", "--sparse"], ["--format=posix"],
            ["--format=posix", "--sparse", "--sparse-version=0.0"],
            ["--format=posix", "--sparse", "--sparse-version=0.1"],
            ["--format=posix", "--sparse", "--sparse-version=1.0"],
        ])
    func gnu(_ options: [String]) throws { try check(Self.tar, options) }

    @Test(
        "GNU tar without long names",
        .enabled(if: FileManager.default.isExecutableFile(atPath: tar), "GNU tar is not installed"),
        arguments: [["--format=ustar"]])
    func gnuShort(_ options: [String]) throws { try check(Self.tar, options, longNames: false) }

    @Test(
        "bsdtar", .enabled(if: FileManager.default.isExecutableFile(atPath: bsdtar), "bsdtar is not installed"),
        arguments: [["--format=gnutar"], ["--format=pax"], ["--format=pax", "--read-sparse"]])
    func bsd(_ options: [String]) throws { try check(Self.bsdtar, options) }
}
