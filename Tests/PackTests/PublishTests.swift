import Files
import Foundation
import Glibc
import Pack
import Testing

/// A pack is published by a rename, or as a copy if its place is on another disk.
@Suite struct PublishTests {
    private func content(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test func aPackIsCopiedToAnotherDiskAndLeavesNothingElseThere() throws {
        let scratch = try Scratch()
        guard let disk = OtherDisk(than: scratch.file(".")) else { return }
        let large = String(repeating: "a pack of some size ", count: 200_000)
        for text in [large, "the next generation"] {
            try write(text, scratch.file("new"))
            try PackFile.publish(scratch.file("new"), to: disk.path + "/s.pack")
            #expect(content(disk.path + "/s.pack") == text)
            #expect(access(scratch.file("new"), F_OK) != 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["s.pack"])
        }
        var facts = stat()
        #expect(stat(disk.path + "/s.pack", &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        // If it cannot be published, it stays unchanged.
        try write("kept", scratch.file("new"))
        mkdir(disk.path + "/t.pack", 0o700)
        #expect(throws: PackError.self) { try PackFile.publish(scratch.file("new"), to: disk.path + "/t.pack") }
        #expect(content(scratch.file("new")) == "kept")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted() == ["s.pack", "t.pack"])
    }

    @Test func whatACopyThatWasKilledLeftGoesAndNothingElse() throws {
        let scratch = try Scratch()
        guard let disk = OtherDisk(than: scratch.file(".")) else { return }
        let gone = Process()
        gone.executableURL = URL(fileURLWithPath: "/bin/true")
        try gone.run()
        gone.waitUntilExit()
        let left = ".s.pack.\(gone.processIdentifier)"
        let others = [".s.pack.1", ".t.pack.\(getpid())", ".s.pack", ".hidden.\(gone.processIdentifier)"]
        for name in [left] + others { try write("x", disk.path + "/" + name) }
        #expect(StorePacks.isUnfinished(left) && !StorePacks.isUnfinished(".s.pack"))
        try write("new", scratch.file("new"))
        try PackFile.publish(scratch.file("new"), to: disk.path + "/u.pack")
        let names = try FileManager.default.contentsOfDirectory(atPath: disk.path)
        #expect(Set(names) == Set(others + [left, "u.pack"]))
        // A harvest looks for unfinished copies at its start, also behind the links of a store.
        for name in ["packs", "packs/2026", "spool"] { mkdir(scratch.file(name), 0o700) }
        mkdir(disk.path + "/20", 0o700)
        symlink(disk.path, scratch.file("packs/2026/11"))
        try write("x", disk.path + "/20/" + left)
        try write("x", disk.path + "/20/s.pack")
        symlink("/nowhere", scratch.file("packs/2025"))
        StorePacks.removeUnfinished(
            store: scratch.file("."), spool: try OpenFolder(path: scratch.file("spool")))
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path + "/20") == ["s.pack"])
    }
}

/// A folder on another file system, removed at the end of the test; nil, with a message, if there is none.
final class OtherDisk {
    let path: String

    init?(than folder: String) {
        path = "/dev/shm/salvage-test-\(UUID().uuidString)"
        var here = stat()
        var there = stat()
        guard mkdir(path, 0o700) == 0, stat(folder, &here) == 0, stat(path, &there) == 0, here.st_dev != there.st_dev
        else {
            print("skipped: there is no other file system at /dev/shm")
            return nil
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
