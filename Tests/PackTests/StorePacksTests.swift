import Foundation
import Glibc
import Testing

@testable import Pack

@Suite struct StorePacksTests {
    @Test func packsAreListedThroughLinksToFoldersAndLoopsEnd() throws {
        let scratch = try Scratch()
        for name in ["store", "store/packs", "store/packs/2025", "disk", "disk/11", "disk/11/20"] {
            mkdir(scratch.file(name), 0o700)
        }
        for name in ["store/packs/2025/a.pack", "disk/11/20/b.pack", "disk/11/20/b.pack.damaged-1", "disk/11/20/x.txt"]
        {
            try Data().write(to: URL(fileURLWithPath: scratch.file(name)))
        }
        symlink(scratch.file("disk"), scratch.file("store/packs/2026"))
        symlink("../..", scratch.file("disk/11/loop"))
        symlink("/nowhere", scratch.file("store/packs/2024"))
        let listing = StorePacks.list(store: scratch.file("store"))
        #expect(listing.packs.map(\.path) == ["packs/2025/a.pack", "packs/2026/11/20/b.pack"])
        #expect(listing.packs.map(\.isDirect) == [true, false])
        #expect(listing.aside.map(\.path) == ["packs/2026/11/20/b.pack.damaged-1"])
        #expect(listing.troubles.map(\.path) == ["packs/2024"])
        let store = scratch.file("store")
        #expect(StorePacks.presence(of: "packs/2026/11/20/none.pack", store: store) == .absent)
        #expect(StorePacks.presence(of: "packs/2023/11/20/none.pack", store: store) == .absent)
        if case .present = StorePacks.presence(of: "packs/2026/11/20/b.pack", store: store) {
        } else {
            Issue.record("the pack behind the link is there")
        }
        for path in ["packs/2024/11/20/b.pack", "packs/../x.pack", "/etc/passwd", "packs//a.pack", "other/a.pack"] {
            if case .unknown = StorePacks.presence(of: path, store: store) {} else { Issue.record("\(path)") }
        }
        // The dangling link in place of 2024 may hide any packs.
        #expect(throws: PackError.self) { try StorePacks.places(ofName: "b.pack", store: store) }
        unlink(scratch.file("store/packs/2024"))
        // The top of a file system has lost+found, which only root can enter; it is ignored.
        mkdir(scratch.file("store/packs/lost+found"), 0)
        #expect(try StorePacks.places(ofName: "b.pack", store: store) == ["packs/2026/11/20/b.pack"])
        #expect(StorePacks.list(store: store).troubles.isEmpty)
        for name in ["b~1", "b~2", "b~4"] {
            try Data().write(to: URL(fileURLWithPath: scratch.file("disk/11/20/\(name).pack")))
        }
        #expect(
            try StorePacks.places(ofName: "b.pack", store: store)
                == ["b", "b~1", "b~2"].map { "packs/2026/11/20/\($0).pack" })
        #expect(try StorePacks.places(ofName: "b.pack", store: scratch.file("nowhere")).isEmpty)
    }

    @Test func namesAreReadBackFromTheirEscapedForm() {
        for text in ["", "a", "x/../é", "-.a", "a%2F", "ünïcode 😀", String(repeating: "a", count: 195)] {
            #expect(PackPath.unescaped(PackPath.escaped(text)) == text)
        }
        for name in [PackPath.escaped(String(repeating: "é", count: 200)), "a b", "%zz", "%", "a%2", "é", "%61", "~1"] {
            #expect(PackPath.unescaped(name) == (name == "%" ? "" : nil), "\(name)")
        }
    }
}
