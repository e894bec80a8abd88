import Files
import Foundation
import Glibc
import Testing

@testable import Tar

/// GNU tar reads what we write, and what changes while it is read is reported.
struct FolderArchiveTests {
    /// A temporary folder with an empty folder `in`.
    private final class Stage {
        let path: String
        init() throws {
            path = try Folders.makeTemporary("salvage-tar", in: FileManager.default.temporaryDirectory.path)
            try shell("mkdir in")
        }
        deinit { _ = try? Folders.removeTree(path) }

        @discardableResult
        func shell(_ command: String) throws -> String {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-euc", "cd '\(path)'; umask 022; export LC_ALL=C TZ=UTC; \(command)"]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "\(command): \(text)")
            return text
        }

        func write(
            compressed: Bool = false, _ adjust: (inout FolderArchive.Options) -> Void = { _ in }
        ) throws(FileFailure) -> [String] {
            var options = FolderArchive.Options()
            options.unreadable = .isReported
            adjust(&options)
            return try FolderArchive.write(
                folder: path + "/in", to: path + "/out.tar", compressed: compressed, options: options)
        }

        /// What GNU tar extracts, compared with the folder: names, types, modes, times, links and content.
        func compare() throws {
            try shell("mkdir x; tar -xpf out.tar -C x")
            let list = #"find . ! -type d -printf '%p %y %m %T@ %l %s %n\n' -o -printf '%p %y %m %T@\n' | sort"#
            #expect(try shell("cd in && \(list)") == shell("cd x/in && \(list)"))
            try shell("diff -r --no-dereference in x/in")
        }
    }

    /// A reader refuses a map of more than 100,000 extents: the shortest holes are stored instead.
    @Test func manyHolesAreJoined() {
        let extents = (0..<Int64(100_001)).map { number -> (offset: Int64, length: Int64) in
            let shift: Int64 = number % 7 == 0 ? 4096 : 0
            return (offset: number * 12_288 + shift, length: 4096)
        }
        let size = Int64(100_001) * 12_288
        let joined = FolderArchive.joined(extents, size: size)
        #expect(joined.count <= FolderArchive.mostExtents + 1)
        var next = 0
        for extent in joined {
            while next < extents.count, extents[next].offset + extents[next].length <= extent.offset + extent.length {
                #expect(extents[next].offset >= extent.offset)
                next += 1
            }
        }
        #expect(next == extents.count)
        #expect(zip(joined, joined.dropFirst()).allSatisfy { $0.offset + $0.length < $1.offset })
    }

    /// Everything that a folder can contain, but no sockets and devices.
    private func fill(_ stage: Stage) throws {
        let long = String(repeating: "n", count: 200)
        try stage.shell(
            """
            cd in; : >empty; seq 1 90000 >log.txt; head -c 512 /dev/zero >block; echo grüße >'größe ☃.txt'
            printf x >$'bad\\xff\\xfename'; printf x >$'new\\nline'; mkdir -p \(long)/\(long); echo deep >\(long)/\(long)/f
            ln -s log.txt link; ln -s \(long)/\(long)/\(long) far; ln log.txt z-hard; ln -s nowhere $'l\\xff'
            printf x >\(long)1; ln \(long)1 \(long)2; mkdir none; chmod 1777 none; echo x >setuid; chmod 4711 setuid
            echo old >old; touch -d '1969-12-31 23:59:58.5' old; touch -d '2024-01-02 03:04:05.000000006' log.txt
            truncate -s 3M hole; truncate -s 3M sparse; printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
            truncate -s 2M begins; printf start | dd of=begins conv=notrunc status=none
            """)
    }

    @Test func everyKindOfEntryComesBack() throws {
        let stage = try Stage()
        try fill(stage)
        try stage.shell("mkfifo in/fifo")
        #expect(try stage.write() == [])
        try stage.shell("mkdir x; tar -xpf out.tar -C x; test -p x/in/fifo; rm in/fifo; rm -r x; touch -r in/old in")
        try stage.shell("rm out.tar")
        #expect(try stage.write() == [])
        try stage.compare()
        let size = try #require(Int(try stage.shell("stat -c %s out.tar").trimmingCharacters(in: .newlines)))
        #expect(size < 2_000_000, "holes are not stored")
        #expect(try stage.shell("stat -c %a out.tar") == "600\n")
    }

    @Test func compressedAndOwnedByRoot() throws {
        let stage = try Stage()
        try fill(stage)
        #expect(try stage.write(compressed: true) { $0.ownedByRoot = true } == [])
        try stage.shell("gzip -t <out.tar; gzip -dc out.tar | tar -t --numeric-owner -v >list")
        #expect(try stage.shell("grep -vc ' 0/0 ' list || true") == "0\n")
        try stage.compare()
    }

    @Test func holesAsZerosAndWholeSeconds() throws {
        let stage = try Stage()
        try stage.shell("truncate -s 3M in/hole; touch -d '2024-01-02 03:04:05.5' in/hole")
        _ = try stage.write {
            $0.keepsHoles = false
            $0.wholeSeconds = true
        }
        try stage.shell("mkdir x; tar -xf out.tar -C x; cmp in/hole x/in/hole")
        #expect(try stage.shell("stat -c %Y.%y x/in/hole").contains("05.000000000"))
        #expect(try stage.shell("stat -c %s out.tar").trimmingCharacters(in: .newlines).count == 7)
    }

    @Test func aFolderInTheArchiveLeavesTheArchiveOut() throws {
        let stage = try Stage()
        try stage.shell("echo x >in/a")
        var options = FolderArchive.Options()
        options.unreadable = .isReported
        let problems = try FolderArchive.write(folder: stage.path, to: stage.path + "/out.tar", options: options)
        #expect(problems.count == 1 && problems[0].hasSuffix("/out.tar: it is the archive itself"), "\(problems)")
        #expect(try stage.shell("tar -tf out.tar | wc -l") == "3\n")
    }

    @Test func nothingIsReplacedAndNothingIsLeftBehind() throws {
        let stage = try Stage()
        try stage.shell("echo mine >out.tar")
        #expect(throws: FileFailure("open", stage.path + "/out.tar", errno: EEXIST)) { try stage.write() }
        #expect(try stage.shell("cat out.tar") == "mine\n")
        try stage.shell("rm -r out.tar in")
        #expect(throws: FileFailure("read", stage.path + "/in", errno: ENOENT)) { try stage.write() }
        #expect(try stage.shell("ls") == "")
    }

    /// Archives a folder with a large file `a` and a small one `b`, and runs a command when `a` has begun.
    private func archive(
        _ unreadable: FolderArchive.Options.Unreadable, whenBegun command: String
    ) throws -> (stage: Stage, problems: [String]) {
        let stage = try Stage()
        try stage.shell("head -c 1000000 /dev/urandom >in/a; echo b >in/b")
        let folder = try Descriptor.open(stage.path + "/in", O_RDONLY | O_DIRECTORY)
        defer { close(folder) }
        var options = FolderArchive.Options()
        options.unreadable = unreadable
        let archive = try FolderArchive(folder, path: Array("in".utf8), options: options)
        var bytes = try #require(try archive.next())
        try stage.shell(command)
        while let piece = try archive.next() { bytes += piece }
        try Data(bytes).write(to: URL(filePath: stage.path + "/out.tar"))
        try stage.shell("mkdir x; tar -xf out.tar -C x")
        return (stage, archive.problems)
    }

    @Test func aFileThatShrinksIsFilledWithZeros() throws {
        let (stage, problems) = try archive(.isReported, whenBegun: "truncate -s 900000 in/a")
        #expect(problems == ["in/a: it shrank by 100000 bytes while it was read; zeros are stored"])
        try stage.shell("truncate -s 1000000 in/a; cmp in/a x/in/a")
        #expect(try archive(.fails, whenBegun: "truncate -s 900000 in/a").problems == [])
    }

    @Test func aFileThatGrowsKeepsItsFirstSize() throws {
        let (stage, problems) = try archive(.isReported, whenBegun: "echo more >>in/a")
        #expect(problems == ["in/a: it changed while it was read"])
        try stage.shell("head -c 1000000 in/a | cmp - x/in/a; cmp in/b x/in/b")
    }

    @Test func aFileThatVanishesIsLeftOut() throws {
        let (stage, problems) = try archive(.isReported, whenBegun: "rm in/b")
        #expect(problems == ["in/b: it was removed while the folder was read"])
        #expect(try stage.shell("ls x/in") == "a\n")
        #expect(try archive(.fails, whenBegun: "rm in/b").problems == [])
    }

    @Test func socketsAreReported() throws {
        let stage = try Stage()
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array((stage.path + "/in/socket").utf8)
        try #require(path.count < 108)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        #expect(try stage.write() == ["in/socket: tar cannot store sockets"])
    }

    @Test func numbersBeyondTheHeadersFields() throws {
        let stage = try Stage()
        var header = TarHeader(path: Array("f".utf8), kind: .file, modified: 20_000_000_000)
        header.user = 3_000_000
        header.group = .max
        header.nanoseconds = 5
        try Data(header.bytes + TarHeader.end).write(to: URL(filePath: stage.path + "/out.tar"))
        let line = try stage.shell("tar --numeric-owner --full-time -tvf out.tar")
        #expect(line.contains("3000000/4294967295") && line.contains("2603-10-11 11:33:20.000000005"), "\(line)")
    }
}
