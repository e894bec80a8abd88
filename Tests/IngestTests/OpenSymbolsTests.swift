import Foundation
import Glibc
import Testing

@testable import Ingest

/// The symbol files that a child gets: what cannot be opened now is told, not left out.
@Suite struct OpenSymbolsTests {
    private final class Folder {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "salvage-open-symbols-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func file(_ name: String, _ text: String) throws -> String {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
            return path + "/" + name
        }
    }

    @Test func onlyAFileThatIsMissingIsLeftOut() throws {
        let folder = try Folder()
        let (first, last) = (try folder.file("first", "1"), try folder.file("last", "2"))
        let loop = folder.path + "/loop"
        symlink("loop", loop)
        let opened = OpenSymbols([first, folder.path + "/none", loop, first + "/x", last])
        #expect(opened.files.map(\.path) == [first, last])
        #expect(opened.unread == [loop: "Too many levels of symbolic links"])
        #expect(opened.files.allSatisfy { fcntl($0.descriptor, F_GETFD) & FD_CLOEXEC != 0 })
        #expect(OpenSymbols([]).files.isEmpty)
    }

    @Test func nothingIsClaimedOfLogsThatCannotBeRead() throws {
        let folder = try Folder()
        let (short, long) = (try folder.file("short", "abc"), try folder.file("long", "abcdef"))
        let other = try folder.file("other", "abx")
        let loop = folder.path + "/loop"
        symlink("loop", loop)
        #expect(FilePrefix.isPrefix(short, of: long) == true)
        #expect(FilePrefix.isPrefix(long, of: short) == false)
        #expect(FilePrefix.isPrefix(short, of: other) == false)
        for pair in [(loop, long), (short, loop), (short, folder.path + "/none")] {
            #expect(FilePrefix.isPrefix(pair.0, of: pair.1) == nil)
        }
        var fetched = SpooledFile(artifact: SpooledFile.logs, path: short, bytes: 3, complete: true)
        var followed = SpooledFile(artifact: SpooledFile.logs, path: long, bytes: 6, complete: false)
        (fetched.isFromFollowing, followed.isFromFollowing) = (false, true)
        #expect(FollowedLogFlag.of(fetched, beside: [fetched, followed]) == [FollowedLogFlag.longer])
        followed.path = loop
        #expect(FollowedLogFlag.of(fetched, beside: [fetched, followed]) == [])
    }
}
