import Files
import Glibc
import Model
import Pack
import Testing

@testable import PackHome

/// What concerns only packs in a folder: links, other disks, empty folders.
@Suite struct FolderPackHomeTests {
    let scratch: Scratch
    let home: FolderPackHome

    init() throws {
        scratch = try Scratch()
        home = FolderPackHome(store: scratch.file("store"))
        mkdir(scratch.file("store"), 0o700)
    }

    private func make(_ folders: String...) { for folder in folders { mkdir(scratch.file(folder), 0o700) } }

    private func write(_ text: String, _ path: String) throws {
        try Replacement.write(Array(text.utf8), to: path)
    }

    private func content(_ path: String) throws -> String {
        let file = try OpenFile(path, O_RDONLY)
        return String(decoding: try Descriptor.rest(file.descriptor, limit: 1 << 24), as: UTF8.self)
    }

    private func names(_ folder: String) throws -> Set<String> {
        Set(try OpenFolder(path: folder).names().map(\.shown))
    }

    @Test func packsAreListedThroughLinksToFoldersAndLoopsEnd() throws {
        make("store/packs", "store/packs/2025", "disk", "disk/11", "disk/11/20")
        for name in ["store/packs/2025/a.pack", "disk/11/20/b.pack", "disk/11/20/b.pack.damaged-1", "disk/11/20/x.txt"]
        {
            try write("", scratch.file(name))
        }
        symlink(scratch.file("disk"), scratch.file("store/packs/2026"))
        symlink("../..", scratch.file("disk/11/loop"))
        symlink("/nowhere", scratch.file("store/packs/2024"))
        let listing = home.list()
        #expect(listing.packs.map(\.path) == ["packs/2025/a.pack", "packs/2026/11/20/b.pack"])
        #expect(listing.packs.map(\.isBehindLink) == [false, true])
        #expect(listing.aside.map(\.path) == ["packs/2026/11/20/b.pack.damaged-1"])
        #expect(listing.troubles.map(\.path) == ["packs/2024"])
        #expect(home.presence(of: "packs/2026/11/20/none.pack") == .absent)
        #expect(home.presence(of: "packs/2023/11/20/none.pack") == .absent)
        guard case .present = home.presence(of: "packs/2026/11/20/b.pack") else {
            Issue.record("the pack behind the link is there")
            return
        }
        // Behind the link in 2024's place there may be anything.
        guard case .unknown = home.presence(of: "packs/2024/11/20/b.pack") else {
            Issue.record("\(home.presence(of: "packs/2024/11/20/b.pack"))")
            return
        }
        let error = #expect(throws: PackError.self) { try home.bytes(of: "packs/2024/11/20/b.pack") }
        #expect(error?.isAbsence == false && error?.isLocalFault == true)
        #expect(throws: PackError.self) { try home.paths(of: "b") }
        unlink(scratch.file("store/packs/2024"))
        // The top of a file system of its own has a folder that only root can enter; it is nobody's.
        mkdir(scratch.file("store/packs/lost+found"), 0)
        #expect(try home.paths(of: "b") == ["packs/2026/11/20/b.pack"])
        #expect(home.list().troubles.isEmpty)
    }

    @Test func onlyAStoreThatIsThereCanLackAPack() throws {
        let path = "packs/2026/11/20/a.pack"
        #expect(home.presence(of: path) == .absent)
        #expect(home.list().isEmpty && home.list().troubles.isEmpty)
        // A file in the place of a folder holds no packs.
        try write("", scratch.file("store/packs"))
        #expect(home.presence(of: path) == .absent)
        #expect(throws: PackError.self) { try home.prepare(path) }
        let gone = FolderPackHome(store: scratch.file("unmounted"))
        guard case .unknown(let reason) = gone.presence(of: path) else {
            Issue.record("\(gone.presence(of: path))")
            return
        }
        #expect(!reason.isAbsence)
        let error = #expect(throws: PackError.self) { try gone.bytes(of: path) }
        #expect(error?.isAbsence == false)
        #expect(throws: PackError.self) { try gone.prepare(path) }
        #expect(!scratch.exists("unmounted"), "a disk that is not mounted gets no folders")
    }

    @Test func aBrokenLinkToAPackIsNotAbsence() throws {
        make("store/packs", "store/packs/2026")
        symlink("/nowhere/a.pack", scratch.file("store/packs/2026/a.pack"))
        guard case .unknown = home.presence(of: "packs/2026/a.pack") else {
            Issue.record("\(home.presence(of: "packs/2026/a.pack"))")
            return
        }
        let calls: [(String) throws -> Void] = [{ _ = try home.bytes(of: $0) }, { _ = try home.localCopy(of: $0) }]
        for call in calls {
            let error = #expect(throws: PackError.self) { try call("packs/2026/a.pack") }
            #expect(error?.isAbsence == false)
        }
        // Links to packs are not listed, but read.
        unlink(scratch.file("store/packs/2026/a.pack"))
        symlink(try scratch.pack("s", lines: 1), scratch.file("store/packs/2026/a.pack"))
        #expect(home.list().packs.isEmpty)
        #expect(try home.reader(for: "packs/2026/a.pack").session().session == "s")
    }

    @Test func foldersGoWithTheirLastPackAndLinksStay() throws {
        make("store/packs", "disk")
        symlink(scratch.file("disk"), scratch.file("store/packs/2026"))
        for name in ["a", "b"] {
            try home.publish(try scratch.pack(name, lines: 1), as: "packs/2026/11/20/\(name).pack")
        }
        try home.publish(try scratch.pack("c", lines: 1), as: "packs/2025/11/20/c.pack")
        #expect(try home.remove("packs/2026/11/20/a.pack") == PackRemoval(isRemoved: true))
        #expect(try home.remove("packs/2026/11/20/b.pack") == PackRemoval(isRemoved: true, emptiedDay: true))
        #expect(try names(scratch.file("disk")).isEmpty)
        #expect(try home.remove("packs/2025/11/20/c.pack").emptiedDay)
        #expect(try names(scratch.file("store/packs")) == ["2026"])
        // They come back with the next pack, for their owner only.
        try home.publish(try scratch.pack("d", lines: 1), as: "packs/2025/12/01/d.pack")
        var facts = stat()
        #expect(stat(scratch.file("store/packs/2025/12/01"), &facts) == 0 && facts.st_mode & 0o777 == 0o700)
        #expect(stat(scratch.file("store/packs/2025/12/01/d.pack"), &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    }

    @Test func aPackIsCopiedToAnotherDiskAndLeavesNothingElseThere() throws {
        guard let disk = OtherDisk(than: scratch.store) else { return }
        make("store/packs", "store/packs/2026", "store/packs/2026/11")
        symlink(disk.path, scratch.file("store/packs/2026/11/20"))
        let large = String(repeating: "a pack of some size ", count: 200_000)
        for text in [large, "the next generation"] {
            try write(text, scratch.file("new"))
            try home.publish(scratch.file("new"), as: "packs/2026/11/20/s.pack")
            #expect(try content(disk.path + "/s.pack") == text)
            #expect(!scratch.exists("new"))
            #expect(try names(disk.path) == ["s.pack"])
        }
        var facts = stat()
        #expect(stat(disk.path + "/s.pack", &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        // Where it cannot go, it stays what it was.
        try write("kept", scratch.file("new"))
        mkdir(disk.path + "/t.pack", 0o700)
        #expect(throws: PackError.self) { try home.publish(scratch.file("new"), as: "packs/2026/11/20/t.pack") }
        #expect(try content(scratch.file("new")) == "kept")
        #expect(try names(disk.path) == ["s.pack", "t.pack"])
    }

    @Test func whatACopyThatWasKilledLeftGoesAndNothingElse() throws {
        guard let disk = OtherDisk(than: scratch.store) else { return }
        make("store/packs", "store/packs/2026", "store/spool")
        symlink(disk.path, scratch.file("store/packs/2026/11"))
        symlink("/nowhere", scratch.file("store/packs/2025"))
        mkdir(disk.path + "/20", 0o700)
        let gone = try deadProcess()
        let left = ".s.pack.\(gone)"
        let others = [".s.pack.1", ".t.pack.\(getpid())", ".s.pack", ".hidden.\(gone)", "s.pack"]
        for name in [left] + others { try write("x", disk.path + "/20/" + name) }
        #expect(FolderPackHome.isUnfinished(left) && !FolderPackHome.isUnfinished(".s.pack"))
        try home.publish(try scratch.pack("u", lines: 1), as: "packs/2026/11/20/u.pack")
        #expect(try names(disk.path + "/20") == Set(others + [left, "u.pack"]))
        home.removeUnfinished(writtenIn: try OpenFolder(path: scratch.file("store/spool")))
        #expect(try names(disk.path + "/20") == Set(others + ["u.pack"]))
    }
}

/// A folder on another file system, removed when the object is freed; nil, with a message, where there is none.
final class OtherDisk {
    let path: String

    init?(than folder: String) {
        var here = stat()
        var there = stat()
        guard let made = try? Folders.makeTemporary("salvage-test", in: "/dev/shm") else {
            print("skipped: /dev/shm cannot be written")
            return nil
        }
        path = made
        guard stat(folder, &here) == 0, stat(path, &there) == 0, here.st_dev != there.st_dev else {
            print("skipped: there is no other file system at /dev/shm")
            return nil
        }
    }

    deinit { _ = try? Folders.removeTree(path) }
}
