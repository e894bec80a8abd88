import Glibc
import Testing

@testable import Files

@Suite struct FoldersTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func missingParentsAreMade() throws {
        var made: [String] = []
        try Folders.make(scratch.file("a/b//c/")) { made.append($0) }
        #expect(made == [scratch.file("a"), scratch.file("a/b"), scratch.file("a/b//c/")])
        made = []
        try Folders.make(scratch.file("a/b/c")) { made.append($0) }
        #expect(made == [])
        var facts = stat()
        #expect(stat(scratch.file("a/b"), &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o700)
    }

    @Test func aFileInTheWayIsNoFolder() throws {
        try scratch.write("f", [1])
        for path in ["f", "f/g", "f/g/h"] {
            let error = #expect(throws: FileFailure.self) { try Folders.make(scratch.file(path)) }
            #expect(error?.errno == ENOTDIR)
        }
        symlink("nowhere", scratch.file("dead"))
        #expect(throws: FileFailure.self) { try Folders.make(scratch.file("dead")) }
    }

    @Test func linksToFoldersAreFollowed() throws {
        try Folders.make(scratch.file("real"))
        symlink("real", scratch.file("link"))
        try Folders.make(scratch.file("link/below"))
        #expect(scratch.exists("real/below"))
    }

    @Test func treesAreRemovedAndLinksAreNotFollowed() throws {
        try Folders.make(scratch.file("tree/a/b"))
        try Folders.make(scratch.file("kept"))
        try scratch.write("kept/x", [1])
        try scratch.write("tree/a/b/y", [1])
        symlink("../../kept", scratch.file("tree/a/link"))
        symlink("nowhere", scratch.file("tree/dead"))
        #expect(try Folders.removeTree(scratch.file("tree")))
        #expect(!scratch.exists("tree"))
        #expect(try scratch.read("kept/x") == [1])
        #expect(try !Folders.removeTree(scratch.file("tree")))
        #expect(try !Folders.removeTree(scratch.file("no/tree")))
        symlink("kept", scratch.file("link"))
        #expect(try Folders.removeTree(scratch.file("link/")))
        #expect(try scratch.read("kept/x") == [1])
    }

    /// While a tree is removed, its folders are exchanged with links to a folder that must keep its files.
    @Test func aFolderExchangedForALinkIsNotEntered() throws {
        try Folders.make(scratch.file("kept"))
        for index in 0..<20 { try scratch.write("kept/\(index)", [1]) }
        for round in 0..<30 {
            let tree = scratch.file("tree\(round)")
            for index in 0..<20 {
                try Folders.make("\(tree)/\(index)/inner")
                symlink(scratch.file("kept"), "\(tree)/\(index).link")
            }
            var thread = pthread_t()
            final class Attack: Sendable {
                let tree: String
                init(_ tree: String) { self.tree = tree }
            }
            let attack = Attack(tree)
            pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let tree = Unmanaged<Attack>.fromOpaque(argument).takeUnretainedValue().tree
                    for _ in 0..<10 {
                        for index in 0..<20 {
                            rename("\(tree)/\(index)", "\(tree)/\(index).aside")
                            rename("\(tree)/\(index).link", "\(tree)/\(index)")
                            rename("\(tree)/\(index).aside", "\(tree)/\(index).link")
                        }
                    }
                    return nil
                }, Unmanaged.passUnretained(attack).toOpaque())
            for _ in 0..<5 { _ = try? Folders.removeTree(tree) }
            pthread_join(thread, nil)
            try Folders.removeTree(tree)
        }
        #expect(try OpenFolder(path: scratch.file("kept")).names().count == 20)
    }

    /// A drop box: its users may make and remove what they like there, but not list it. Root may list everything, so
    /// the program's own test (`AnalyzeCommandTests`) runs as somebody else.
    @Test func aTemporaryFolderGoesFromAFolderThatCannotBeListed() throws {
        try Folders.make(scratch.file("box"))
        chmod(scratch.file("box"), 0o333)
        defer { chmod(scratch.file("box"), 0o700) }
        let path = try Folders.makeTemporary("t", in: scratch.file("box"))
        try Folders.make(path + "/a/b")
        if geteuid() != 0 {
            let error = #expect(throws: FileFailure.self) { try OpenFolder(path: scratch.file("box")) }
            #expect(error?.errno == EACCES)
        }
        #expect(try Folders.removeTree(path))
        #expect(try !Folders.removeTree(path))
        // Its folder has been renamed meanwhile: nothing is there to be removed.
        let other = try Folders.makeTemporary("t", in: scratch.file("box"))
        rename(scratch.file("box"), scratch.file("moved"))
        #expect(try !Folders.removeTree(other))
        rename(scratch.file("moved"), scratch.file("box"))
        #expect(try Folders.removeTree(other))
    }

    @Test func spaceIsThatOfTheFileSystem() throws {
        let space = try Folders.space(scratch.path)
        #expect(space.total >= space.free)
        #expect(space.total > 0)
        let error = #expect(throws: FileFailure.self) { try Folders.space(scratch.file("absent")) }
        #expect(error?.isAbsence == true)
        guard let disk = try SmallDisk() else { return }
        let small = try Folders.space(disk.path)
        #expect(small.total == 1 << 20)
        let file = try OpenFile(disk.path + "/a", O_WRONLY | O_CREAT)
        try Descriptor.write(file.descriptor, [UInt8](repeating: 1, count: 512 << 10))
        #expect(try Folders.space(disk.path).free == small.free - 512 << 10)
    }

    @Test func foldersAreSynced() throws {
        try Folders.sync(scratch.path)
        try Folders.syncFileSystem(scratch.path)
        #expect(throws: FileFailure.self) { try Folders.sync(scratch.file("absent")) }
        #expect(throws: FileFailure.self) { try Folders.syncFileSystem(scratch.file("absent")) }
    }

    @Test(arguments: [
        ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b/", "a", "b"), ("/", "/", ""), ("a//b", "a", "b"),
    ]) func pathsAreSplit(_ path: String, _ folder: String, _ name: String) {
        #expect(Folders.split(path) == (folder, name))
    }
}

@Suite struct FileLockTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func locksExcludeEachOther() throws {
        let first = try OpenFile(scratch.file("lock"), O_RDWR | O_CREAT)
        let second = try OpenFile(scratch.file("lock"), O_RDWR)
        #expect(try FileLock.tryTake(.exclusive, of: first.descriptor))
        #expect(try !FileLock.tryTake(.exclusive, of: second.descriptor))
        #expect(try !FileLock.tryTake(.shared, of: second.descriptor))
        FileLock.release(first.descriptor)
        #expect(try FileLock.tryTake(.shared, of: second.descriptor))
        #expect(try FileLock.tryTake(.shared, of: first.descriptor))
        #expect(try !FileLock.tryTake(.exclusive, of: first.descriptor))
        FileLock.release(second.descriptor)
        try FileLock.take(.exclusive, of: first.descriptor)
        #expect(try !FileLock.tryTake(.shared, of: second.descriptor))
    }

    @Test func aLockEndsWithItsFile() throws {
        var first: OpenFile? = try OpenFile(scratch.file("lock"), O_RDWR | O_CREAT)
        let second = try OpenFile(scratch.file("lock"), O_RDWR)
        if let first { try FileLock.take(.exclusive, of: first.descriptor) }
        #expect(try !FileLock.tryTake(.shared, of: second.descriptor))
        first = nil
        #expect(try FileLock.tryTake(.shared, of: second.descriptor))
    }

    @Test func aClosedDescriptorIsAFailureAndNotALock() {
        #expect(throws: FileFailure("flock", "p", errno: EBADF)) {
            try FileLock.tryTake(.shared, of: -1, path: "p")
        }
    }
}
