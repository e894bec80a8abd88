import Files
import Foundation
import Testing

@Suite struct LineJournalTests {
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("lines-\(UUID().uuidString)").path
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func texts(_ bytes: [UInt8]?) -> [String]? {
        bytes.map { LineJournal.lines($0).map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func linesAreAppendedAndReplaced() throws {
        let folder = Folder()
        let path = folder.path + "/a/lines"
        #expect(try LineJournal.read(path, limit: 100) == nil)
        let journal = try LineJournal(path, rewriteFrom: 20)
        #expect(try journal.load(limit: 100).isEmpty)
        try journal.append([Array("one".utf8), Array("two".utf8)])
        try journal.append([Array("three".utf8)])
        #expect(try texts(LineJournal.read(path, limit: 100)) == ["one", "two", "three"] && !journal.wantsRewrite)
        try journal.append([Array("a long line".utf8)])
        #expect(journal.wantsRewrite)
        try journal.rewrite([Array("x".utf8)])
        try journal.append([Array("y".utf8)])
        #expect(try texts(LineJournal.read(path, limit: 100)) == ["x", "y"] && !journal.wantsRewrite)
        #expect(throws: FileFailure.self) { try LineJournal.read(path, limit: 3) }
    }

    @Test func whatAnInterruptedWriteLeftIsCutOff() throws {
        let folder = Folder()
        let path = folder.path + "/lines"
        try LineJournal(path, rewriteFrom: 1000).append([Array("one".utf8)])
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("tor".utf8))
        try handle.close()
        let journal = try LineJournal(path, rewriteFrom: 1000)
        let bytes = try journal.load(limit: 100)
        #expect(texts(bytes) == ["one"] && bytes.count == 7)
        try journal.begin(at: 4)
        try journal.append([Array("two".utf8)])
        #expect(try texts(LineJournal.read(path, limit: 100)) == ["one", "two"])
    }
}
