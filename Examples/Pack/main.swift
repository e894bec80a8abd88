import Foundation
import Model
import Pack

// Opens a pack and lists its session and members, or writes the bytes of one member to standard output.
//
//     swift run pack-example storage/packs/2026/11/21/raid-4d10.pack
//     swift run pack-example storage/packs/2026/11/21/raid-4d10.pack game/Saved/Game.log > Game.log

func fail(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("pack-example: \(message)\n".utf8))
    exit(code)
}

/// Paths are the bytes that a container chose, not always UTF-8, and may hold control characters.
func printable(_ path: [UInt8]) -> String {
    String(decoding: path, as: UTF8.self).unicodeScalars.map { $0.escaped(asASCII: false) }.joined()
}

func list(_ pack: PackReader) throws(PackError) {
    let session = try pack.session()
    print("session \(session.session), image \(session.image) \(session.tag ?? "")")
    let artifacts = try pack.artifacts()
    for (index, artifact) in artifacts.enumerated() {
        print("\(printable(Array(artifact.artifact.utf8))) is \(artifact.state.rawValue)")
        for member in pack.members where member.artifact == index {
            print("  \(printable(member.path)): \(member.kind.name), \(member.size) bytes, \(member.stored) stored")
        }
    }
}

/// Reads a piece at a time: a member may be larger than memory.
func write(_ content: MemberContent) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 1)
    defer { buffer.deallocate() }
    var offset: UInt64 = 0
    while offset < content.size {
        let count = try content.read(at: offset, into: buffer)
        try FileHandle.standardOutput.write(contentsOf: Data(buffer[..<count]))
        offset += UInt64(count)
    }
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count == 1 || arguments.count == 2 else { fail("usage: pack-example PACK [MEMBER]", code: 64) }
do {
    let pack = try PackReader.open(path: arguments[0])
    guard arguments.count == 2 else {
        try list(pack)
        exit(0)
    }
    // Several artifacts may have a member with this path, and an archive may repeat one. The last is taken.
    guard let member = pack.members(path: Array(arguments[1].utf8)).last else {
        fail("\(arguments[0]) has no member \(arguments[1])", code: 1)
    }
    try write(pack.content(ofMember: member))
} catch {
    fail("\(error)", code: 2)
}
