import Glibc
import Testing

@testable import Files

@Suite struct OpenFolderTests {
    @Test func onlyTheSystemsWordMeansAbsence() throws {
        let scratch = try Scratch()
        try scratch.write("file", [1])
        let folder = try OpenFolder(path: scratch.file("."))
        #expect(try folder.entry("none") == nil)
        #expect(throws: FileFailure.self) { try folder.folder("none") }
        for (path, isAbsence) in [("none", true), ("file/x", true), ("none/x", true)] {
            let error = #expect(throws: FileFailure.self) { try OpenFolder(path: scratch.file(path)) }
            #expect(error?.isAbsence == isAbsence)
        }
        symlink("loop", scratch.file("loop"))
        let loop = #expect(throws: FileFailure.self) { try OpenFolder(path: scratch.file("loop")) }
        #expect(loop?.isAbsence == false)
        for name in ["", ".", "..", "a/b", "a\0b"] {
            #expect(throws: FileFailure.self) { try folder.entry(name) }
            #expect(throws: FileFailure.self) { try folder.remove(name) }
        }
    }

    @Test func aFolderIsMissingOnlyIfNothingHasItsName() throws {
        let scratch = try Scratch()
        try scratch.write("file", [1])
        mkdir(scratch.file("real"), 0o700)
        for path in ["none", "none/x", "file/x"] {
            let found = try OpenFolder(ifPresent: scratch.file(path))
            #expect(found?.path == nil, "\(path)")
        }
        #expect(try OpenFolder(ifPresent: scratch.file("real"))?.names().count == 0)
        symlink("real", scratch.file("link"))
        #expect(try OpenFolder(ifPresent: scratch.file("link"))?.names().count == 0)
        // The disk that it leads to may not be mounted.
        symlink("/nowhere/at/all", scratch.file("dead"))
        let dead = #expect(throws: FileFailure.self) { try OpenFolder(ifPresent: scratch.file("dead")) }
        #expect(dead?.errno == ENOLINK && dead?.isAbsence == false)
        symlink("loop", scratch.file("loop"))
        let loop = #expect(throws: FileFailure.self) { try OpenFolder(ifPresent: scratch.file("loop")) }
        #expect(loop?.errno == ELOOP)
        // What is there is no folder, and so not an empty one.
        symlink("file", scratch.file("toFile"))
        for path in ["file", "toFile"] {
            let file = #expect(throws: FileFailure.self) { try OpenFolder(ifPresent: scratch.file(path)) }
            #expect(file?.errno == ENOTDIR, "\(path)")
        }

        let open = try OpenFolder(path: scratch.file("."))
        #expect(try open.folder(ifPresent: "none")?.path == nil)
        #expect(try open.folder(ifPresent: "real")?.path.hasSuffix("/real") == true)
        #expect(throws: FileFailure.self) { try open.folder(ifPresent: "..") }
    }

    @Test func linksAreNotFollowedUnlessAsked() throws {
        let scratch = try Scratch()
        for name in ["real", "real/below"] { mkdir(scratch.file(name), 0o700) }
        symlink("real", scratch.file("link"))
        let folder = try OpenFolder(path: scratch.file("."))
        #expect(throws: FileFailure.self) { try folder.folder("link") }
        #expect(try folder.folder("link", followingLink: true).entries().map(\.name) == ["below"])
        #expect(try folder.entries().map(\.kind) == [.link, .folder])
        // What is removed is the link.
        #expect(try folder.remove("link"))
        #expect(try !folder.remove("link"))
        #expect(try !folder.removeFolder("real"))
        #expect(try folder.folder("real").entries().count == 1)
    }
}
