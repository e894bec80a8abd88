import Foundation
import Glibc
import Model
import Testing

@testable import Unpack

/// The folder of shared test data, or nil where it is absent.
let corpora: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["SALVAGE_CORPORA"].map { URL(filePath: $0) }
    let folder = named ?? root.appending(path: "../shared/corpora").standardizedFileURL
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}()

@Suite(.enabled(if: corpora != nil, "the shared corpora are not beside the package; set SALVAGE_CORPORA"))
struct CorpusTests {
    struct Expectation {
        var verdict = ArchiveVerdict.ok
        var flags: UnpackFlags = []
        var names: [String]?
    }

    static let plain = UnpackFlags.plainTar
    static let six = ["f1", "f2", "f3", "d1/f1", "d1/f2", "d1/f3"]
    static let expected: [String: Expectation] = [
        "libarchive-compat_gzip_1.tgz": .init(flags: .severalMembers, names: six),
        "libarchive-compat_gzip_2.tgz": .init(flags: .trailingData, names: six),
        "names-escape-newline-bidi.tar.gz": .init(names: ["a\u{1b}[31mred", "two\nlines", "\u{202e}txt.exe"]),
        "special-device-fifo-setuid.tar.gz": .init(names: ["fifo", "null", "suid"]),
        // Lacks the two zero blocks: 512 bytes, one header.
        "tar-rs-empty_filename.tar": .init(verdict: .incomplete, flags: [.plainTar, .missingEnd], names: [""]),
        // In spite of its name 16 zero blocks follow its entries.
        "tar-rs-simple_missing_last_header.tar": .init(flags: plain, names: ["a", "b", "c"]),
        "tar-rs-duplicate_dirs.tar": .init(flags: plain, names: ["some_dir/", "some_dir/"]),
        "tar-rs-sparse-large.tar": .init(flags: plain, names: ["huge"]),
        "traversal-absolute.tar.gz": .init(names: ["/tmp/moo"]),
        "traversal-dirsymlink.tar.gz": .init(names: ["dir", "dir/moo"]),
        "traversal-dotdot.tar.gz": .init(names: ["../moo", "a/../../moo"]),
        "traversal-hardlink.tar.gz": .init(names: ["pw", "pw"]),
        "traversal-symlink-write.tar.gz": .init(names: ["moo", "moo"]),
    ]

    static func files() throws -> [URL] {
        let folder = try #require(corpora).appending(path: "tar")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
    }

    @Test("each archive gets the verdict its description promises, from all backends alike")
    func verdicts() throws {
        let files = try Self.files()
        #expect(files.count >= 28)
        for file in files {
            let name = file.lastPathComponent
            let bytes = Array(try Data(contentsOf: file))
            // The largest holds 12 GB of zeros, whose hash says nothing.
            let hashes = name != "tar-rs-sparse-large.tar"
            let seen = unpack(bytes, hashes: hashes)
            var wanted = Self.expected[name] ?? Expectation()
            if name.hasSuffix(".tar"), Self.expected[name] == nil { wanted.flags = .plainTar }
            #expect(seen.report.verdict == wanted.verdict, "\(name)")
            #expect(seen.report.flags == wanted.flags, "\(name): \(seen.report.flags.names)")
            if let names = wanted.names { #expect(seen.names == names, "\(name)") }
            #expect(seen.entries.allSatisfy { $0.gapless && $0.outcome?.state == .complete }, "\(name)")
            for ownThread in [false, true] {
                let other = unpack(bytes, backend: .zlib, ownThread: ownThread, hashes: hashes)
                #expect(other == seen, "\(name) by zlib, own thread \(ownThread)")
            }
            #expect(try fromDescriptor(file) == seen.report, "\(name) by descriptor")
        }
    }

    private func fromDescriptor(_ file: URL) throws -> UnpackReport {
        let descriptor = open(file.path, O_RDONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        return Unpacker().verify(descriptor: descriptor)
    }

    @Test("content and links of the corpora are what they should be")
    func content() throws {
        let folder = try #require(corpora).appending(path: "tar")
        func read(_ name: String) throws -> Unpacked {
            unpack(Array(try Data(contentsOf: folder.appending(path: name))), hashes: !name.contains("sparse-large"))
        }
        let links = try read("tar-rs-link.tar")
        #expect(links.entries.map(\.header.kind) == [.symlink, .file])
        #expect(links.entries[0].header.linkTarget == Array("file".utf8))
        let big = try read("tar-rs-biguid_pax.tar")
        #expect(big.entries[0].header.uid == 4_294_967_294)
        let special = try read("special-device-fifo-setuid.tar.gz")
        #expect(special.entries.map(\.header.kind) == [.fifo, .characterDevice, .file])
        #expect(special.entries[2].header.mode == 0o6755)
        let hard = try read("traversal-hardlink.tar.gz")
        #expect(hard.entries[0].header.kind == .hardlink)
        #expect(hard.entries[0].header.linkTarget == Array("/etc/passwd".utf8))
        let sparse = try read("tar-rs-sparse-large.tar")
        #expect(sparse.report.holeBytes == 12_626_927_616)
        #expect(sparse.entries[0].header.size == 12_626_929_280)
        #expect(sparse.entries[0].header.flags.contains(.sparse))
    }

    @Test(
        "names, sizes and hashes agree with Python's tarfile",
        .enabled(if: python != nil, "python3 is not installed"))
    func agreesWithPython() throws {
        for file in try Self.files() where !file.path.contains("sparse-large") {
            let theirs = try listWithPython(file)
            let ours = unpack(Array(try Data(contentsOf: file))).entries.map { entry in
                // Python drops the slash that ends a directory's name.
                var path = entry.header.path
                while entry.header.kind == .directory, path.last == UInt8(ascii: "/") { path.removeLast() }
                let content = entry.header.kind == .file ? hex(entry.sha256) : "-"
                return "\(hex(path)) \(entry.header.kind == .file ? entry.header.size : 0) \(content)"
            }
            #expect(ours == theirs, "\(file.lastPathComponent)")
        }
    }
}

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3", "/root/.pyenv/shims/python3"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

private func listWithPython(_ file: URL) throws -> [String] {
    let script = """
        import sys, tarfile, hashlib, os
        for m in tarfile.open(sys.argv[1], errors='surrogateescape'):
            body = hashlib.sha256(tarfile.open(sys.argv[1]).extractfile(m).read()).hexdigest() if m.isfile() else '-'
            print(m.name.encode('utf-8', 'surrogateescape').hex(), m.size if m.isfile() else 0, body)
        """
    let process = Process()
    process.executableURL = URL(filePath: try #require(python))
    process.arguments = ["-c", script, file.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return text.split(separator: "\n").map(String.init)
}
