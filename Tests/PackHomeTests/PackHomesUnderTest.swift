import Files
import Glibc
import Model
import Pack
import PackHome
import Testing

/// A home that the contract is tested with.
protocol PackHomeUnderTest: Sendable, CustomTestStringConvertible {
    /// Whether a pack may be published under a path that another one has; otherwise that is refused.
    var replacesPacks: Bool { get }
    /// Whether a listing has the other packs when the place of one cannot be read.
    var listsPartially: Bool { get }
    /// Makes an empty home for the store in a folder.
    func make(store: String) throws -> any PackHome
    /// Makes the place of a pack unreadable, so that nobody can tell what is there.
    func obstruct(_ path: String, store: String) throws
    /// Leaves what a publication leaves that is killed before it ends.
    func leaveUnfinished(_ path: String, store: String) throws
}

/// The homes.
enum PackHomes {
    static let all: [any PackHomeUnderTest] = {
        let folders: [any PackHomeUnderTest] = [FolderUnderTest(), CachedUnderTest(FolderUnderTest())]
        let buckets: [any PackHomeUnderTest] = [S3UnderTest(), CachedUnderTest(S3UnderTest())]
        return S3UnderTest.endpoint == nil ? folders : folders + buckets
    }()
}

/// Another home with copies in the store's folder.
struct CachedUnderTest: PackHomeUnderTest {
    let home: any PackHomeUnderTest
    var testDescription: String { "copies of a \(home.testDescription)" }
    var replacesPacks: Bool { home.replacesPacks }
    var listsPartially: Bool { home.listsPartially }

    init(_ home: any PackHomeUnderTest) { self.home = home }

    func make(store: String) throws -> any PackHome {
        CachedPackHome(try home.make(store: store), local: store, most: 64 << 20, reserve: 0)
    }

    func obstruct(_ path: String, store: String) throws { try home.obstruct(path, store: store) }

    func leaveUnfinished(_ path: String, store: String) throws { try home.leaveUnfinished(path, store: store) }
}

/// Packs in a folder.
struct FolderUnderTest: PackHomeUnderTest {
    let testDescription = "folder"
    let replacesPacks = true
    let listsPartially = true

    func make(store: String) throws -> any PackHome { FolderPackHome(store: store) }

    func obstruct(_ path: String, store: String) throws {
        // A link to itself: root is not kept out by permissions.
        let folder = store + "/" + Folders.split(path).folder
        try Folders.make(Folders.split(folder).folder)
        try #require(symlink(Folders.split(folder).name, folder) == 0)
    }

    func leaveUnfinished(_ path: String, store: String) throws {
        let (folder, name) = Folders.split(store + "/" + path)
        try Folders.make(folder)
        try Replacement.write([1, 2, 3], to: "\(folder)/.\(name).\(deadProcess())")
    }
}

/// The id of a process that has ended.
func deadProcess() throws -> pid_t {
    var process = pid_t()
    let arguments = [strdup("true"), nil]
    defer { free(arguments[0]) }
    try #require(posix_spawn(&process, "/bin/true", nil, nil, arguments, environ) == 0)
    try #require(waitpid(process, nil, 0) == process)
    return process
}

/// A store's folder, and a place to write packs; removed when the object is freed.
final class Scratch: Sendable {
    let store: String

    init() throws { store = try Folders.makeTemporary("salvage-packhome", in: "/tmp") }

    deinit { _ = try? Folders.removeTree(store) }

    func file(_ name: String) -> String { store + "/" + name }

    func exists(_ name: String) -> Bool {
        var facts = stat()
        return lstat(file(name), &facts) == 0
    }

    /// Writes a pack of one log and returns its path.
    func pack(_ session: String, lines: Int, name: String = "new") throws -> String {
        let path = file(name)
        unlink(path)
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 0))
        try writer.beginMember(MemberHeader(path: Array("game.log".utf8), kind: .log))
        let text = (0..<lines).map { "\(session) line \($0) \(UInt64($0) &* 0x9E37_79B9_7F4A_7C15)\n" }.joined()
        _ = try Array(text.utf8).withUnsafeBytes { try writer.append($0) }
        _ = try writer.endMember()
        _ = try writer.finish(
            session: SessionMetadata(session: session), artifacts: [ArtifactEntry(artifact: "/logs")])
        return path
    }
}

extension PackHome {
    /// The paths of all packs of a session.
    func paths(of session: String) throws(PackError) -> [String] { try paths(of: session, from: nil) }
}
