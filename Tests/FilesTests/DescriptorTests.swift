import Glibc
import Synchronization
import Testing

@testable import Files

@Suite struct DescriptorTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

    @Test func wholeReadsAndWrites() throws {
        let file = try OpenFile(scratch.file("a"), O_RDWR | O_CREAT)
        try Descriptor.write(file.descriptor, Self.content)
        #expect(try file.size == 300_000)
        #expect(try file.read(at: 0, count: 300_000) == Self.content)
        #expect(try file.read(at: 299_990, count: 100) == Array(Self.content.suffix(10)))
        #expect(try file.read(at: 300_000, count: 1) == [])
        #expect(try file.read(at: UInt64(Int64.max), count: 1) == [])
        #expect(try file.read(at: .max, count: 1) == [])
        try Descriptor.write(file.descriptor, [1, 2, 3], at: 10)
        #expect(try file.read(at: 9, count: 5) == [Self.content[9], 1, 2, 3, Self.content[13]])
        try Descriptor.truncate(file.descriptor, to: 11)
        #expect(try scratch.read("a").suffix(2) == [Self.content[9], 1])
        try file.sync()
        try Descriptor.sync(file.descriptor)
    }

    @Test func aWriteBeyondTheLargestFileFails() throws {
        let file = try OpenFile(scratch.file("a"), O_RDWR | O_CREAT)
        let error = #expect(throws: FileFailure.self) { try Descriptor.write(file.descriptor, [1], at: .max) }
        #expect(error?.isFull == true)
    }

    @Test func failuresNameTheCallThePathAndTheReason() throws {
        let path = scratch.file("absent/x")
        let error = #expect(throws: FileFailure.self) { try OpenFile(path, O_RDONLY) }
        #expect(error?.isAbsence == true)
        #expect(error?.description == "open \(path): No such file or directory")
        #expect(error?.message == "cannot open: No such file or directory")
        let closed = #expect(throws: FileFailure.self) { try Descriptor.next(-1, into: .init(start: nil, count: 0)) }
        #expect(closed == FileFailure("read", "", errno: EBADF))
        #expect(closed?.isAbsence == false)
        #expect(closed?.description == "read: Bad file descriptor")
        // A reading descriptor cannot be written.
        try scratch.write("a", [1])
        let file = try OpenFile(scratch.file("a"), O_RDONLY)
        #expect(throws: FileFailure("pwrite", "p", errno: EBADF)) {
            try Descriptor.write(file.descriptor, [1], at: 0, path: "p")
        }
    }

    @Test func aSymbolicLinkIsNotOpened() throws {
        try scratch.write("a", [1])
        symlink(scratch.file("a"), scratch.file("link"))
        let error = #expect(throws: FileFailure.self) { try OpenFile(scratch.file("link"), O_RDONLY) }
        #expect(error?.errno == ELOOP)
    }

    @Test func theRestIsLimited() throws {
        try scratch.write("a", Self.content)
        let file = try OpenFile(scratch.file("a"), O_RDONLY)
        #expect(throws: FileFailure("read", "", errno: EOVERFLOW)) {
            try Descriptor.rest(file.descriptor, limit: 299_999)
        }
        lseek(file.descriptor, 0, SEEK_SET)
        #expect(try Descriptor.rest(file.descriptor, limit: 300_000) == Self.content)
    }

    /// Signals interrupt a thread that waits for a full pipe; nothing may be lost or doubled.
    @Test func interruptedCallsAreRepeated() throws {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        var before = sigaction()
        sigaction(SIGUSR2, &action, &before)
        defer { sigaction(SIGUSR2, &before, nil) }
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        let content = Self.content
        final class Writer: Sendable {
            let descriptor: Int32
            let content: [UInt8]
            let failure = Mutex<FileFailure?>(nil)
            init(_ descriptor: Int32, _ content: [UInt8]) { (self.descriptor, self.content) = (descriptor, content) }
        }
        let writer = Writer(writing, content)
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let writer = Unmanaged<Writer>.fromOpaque(argument).takeUnretainedValue()
                do throws(FileFailure) {
                    try Descriptor.write(writer.descriptor, writer.content)
                } catch {
                    writer.failure.withLock { $0 = error }
                }
                close(writer.descriptor)
                return nil
            }, Unmanaged.passUnretained(writer).toOpaque())
        var got: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1000)
        while got.count < content.count {
            for _ in 0..<20 { pthread_kill(thread, SIGUSR2) }
            let count = try chunk.withUnsafeMutableBytes { try Descriptor.next(reading, into: $0) }
            if count == 0 { break }
            got += chunk[..<count]
        }
        pthread_join(thread, nil)
        close(reading)
        #expect(writer.failure.withLock { $0 } == nil)
        #expect(got == content)
    }

    @Test func aFailedAppendCutsTheFileBack() throws {
        guard let disk = try SmallDisk() else { return }
        let file = try OpenFile(disk.path + "/a", O_RDWR | O_CREAT)
        try file.append(Array(Self.content[..<1000]), at: 0)
        let error = #expect(throws: FileFailure.self) {
            try file.append([UInt8](repeating: 1, count: 2 << 20), at: 1000)
        }
        #expect(error?.errno == ENOSPC)
        #expect(error?.isFull == true)
        #expect(try file.size == 1000)
        #expect(try file.read(at: 0, count: 2000) == Array(Self.content[..<1000]))
    }

    @Test func aFileInMemoryHoldsBytes() throws {
        let descriptor = try Descriptor.inMemory("files-tests")
        defer { close(descriptor) }
        try Descriptor.write(descriptor, Self.content, at: 0)
        #expect(try Descriptor.read(descriptor, at: 0, count: 400_000) == Self.content)
    }
}

@Suite struct ReplacementTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func theFileIsReplacedWhole() throws {
        try scratch.write("a", [1, 2, 3])
        try scratch.write("a.part", [9, 9, 9, 9, 9, 9])
        try Replacement.write([4, 5], to: scratch.file("a"), mode: 0o640)
        #expect(try scratch.read("a") == [4, 5])
        #expect(!scratch.exists("a.part"))
        var facts = stat()
        #expect(stat(scratch.file("a"), &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o640)
    }

    @Test func aFullDiskLeavesTheOldContent() throws {
        guard let disk = try SmallDisk() else { return }
        try Replacement.write([1, 2, 3], to: disk.path + "/a")
        let error = #expect(throws: FileFailure.self) {
            try Replacement.write([UInt8](repeating: 7, count: 2 << 20), to: disk.path + "/a")
        }
        #expect(error?.isFull == true)
        #expect(try OpenFile(disk.path + "/a", O_RDONLY).read(at: 0, count: 10) == [1, 2, 3])
        #expect(try OpenFolder(path: disk.path).names().map(\.shown) == ["a"])
    }

    @Test func aMissingFolderIsReported() throws {
        let error = #expect(throws: FileFailure.self) { try Replacement.write([1], to: scratch.file("no/a")) }
        #expect(error?.isAbsence == true)
    }
}
