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

    @Test func whatIsBeyondTheMostFilesIsTold() throws {
        let folder = try Folder()
        let paths = try ["a", "b", "c"].map { try folder.file($0, $0) }
        let opened = OpenSymbols(paths, atMost: 2)
        #expect(opened.files.map(\.path) == Array(paths.prefix(2)))
        #expect(opened.unread == [paths[2]: "an analysis reads at most 2 symbol files"])
        // The child's job has all these paths.
        let many = (0..<10_000).map { "/nowhere/\($0)" }
        #expect(OpenSymbols(many, atMost: 0).unread.count == 4096)
    }

    @Test func recordsAreDividedByTheFilesThatTheyNeed() {
        typealias Batch = AnalysisProcess.Batch
        let most = AnalysisProcess.mostSymbols
        func files(_ range: Range<Int>) -> [String] { range.map { "/s/\($0)" } }
        let few = [files(0..<3), [], files(1..<5)]
        #expect(AnalysisProcess.batches(few) == [Batch(records: 0..<3, files: files(0..<5))])
        let many = [files(0..<(most - 1)), files(0..<1), files(most..<(most + 2)), files(0..<(most + 1)), files(0..<1)]
        let wanted = [
            Batch(records: 0..<2, files: many[0]), Batch(records: 2..<3, files: many[2]),
            Batch(records: 3..<4, files: many[3]), Batch(records: 4..<5, files: many[4]),
        ]
        #expect(AnalysisProcess.batches(many) == wanted)
        #expect(AnalysisProcess.batches([]).isEmpty)
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
