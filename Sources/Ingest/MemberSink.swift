import CrashAnalysis
import LogSearch
import Pack
import Unpack

/// Writes what an archive holds into a pack, member by member.
///
/// A member's first bytes are held back until its kind is known, because the kind decides how its blocks are cut.
struct MemberSink: UnpackSink {
    typealias Failure = PackError

    /// A member that the crash readers want to see as a whole.
    struct Dump {
        let member: Int
        let content: ContentKind
        let path: [UInt8]
    }

    private let writer: PackWriter
    private let artifact: UInt32
    private var header: MemberHeader?
    private var isRegular = false
    private var hasBegun = false
    private var head: [UInt8] = []
    private var flags: MemberFlags = []
    private(set) var dumps: [Dump] = []

    /// Members that an earlier download of the same artifact brought whole: a second copy would say nothing new.
    private let present: Set<[UInt8]>
    private var isDropping = false

    /// A sink for one artifact of the pack.
    init(writer: PackWriter, artifact: Int) {
        self.writer = writer
        self.artifact = UInt32(clamping: artifact)
        let whole = writer.members.filter { member in
            member.artifact == UInt32(clamping: artifact)
                && member.flags.isDisjoint(with: [.truncated, .corrupt, .limited])
        }
        present = Set(whole.map(\.path))
        head.reserveCapacity(MemberClassifier.headSize)
    }

    mutating func begin(_ entry: EntryHeader) throws(PackError) {
        isDropping = present.contains(entry.path)
        var header = MemberHeader(artifact: artifact, path: entry.path, kind: .binary)
        header.mode = entry.mode & 0o777
        header.mtime = entry.modified
        header.uid = UInt32(clamping: entry.uid)
        header.gid = UInt32(clamping: entry.gid)
        header.linkTarget = entry.linkTarget
        isRegular = false
        switch entry.kind {
        case .file: isRegular = true
        case .directory: header.kind = .directory
        case .symlink: header.kind = .symlink
        case .hardlink: header.kind = .hardlink
        case .characterDevice, .blockDevice: header.kind = .device
        case .fifo, .socket: header.kind = .fifo
        }
        flags = []
        if entry.mode & 0o7000 != 0 { flags.insert(.setuidStripped) }
        if Self.isUnsafe(entry.path) { flags.insert(.unsafePath) }
        if !entry.flags.isDisjoint(with: [.afterDamage, .damagedHeader]) { flags.insert(.corrupt) }
        self.header = header
        hasBegun = false
        head.removeAll(keepingCapacity: true)
    }

    /// Begins a member that is no archive's entry but a file by itself.
    mutating func beginFile(path: [UInt8], modified: Int64) {
        header = MemberHeader(artifact: artifact, path: path, kind: .binary, mtime: modified)
        isRegular = true
        isDropping = false
        flags = []
        hasBegun = false
        head.removeAll(keepingCapacity: true)
    }

    mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PackError) {
        if isDropping { return }
        if !hasBegun {
            let room = MemberClassifier.headSize - head.count
            if bytes.count <= room {
                head.append(contentsOf: bytes)
                return
            }
            // A piece that is large by itself is looked at where it lies.
            if head.isEmpty {
                try classify(UnsafeRawBufferPointer(rebasing: bytes[..<MemberClassifier.headSize]))
            } else {
                try flushHead()
            }
        }
        try writer.append(bytes)
    }

    mutating func hole(_ length: UInt64, at offset: UInt64) throws(PackError) {
        if isDropping { return }
        if !hasBegun { try flushHead() }
        try writer.appendHole(length)
    }

    mutating func end(_ outcome: EntryOutcome) throws(PackError) {
        if isDropping { return }
        if !hasBegun { try flushHead() }
        switch outcome.state {
        case .complete: break
        case .truncated: flags.insert(.truncated)
        case .damaged: flags.insert(.corrupt)
        case .limited: flags.insert(.limited)
        }
        try finishMember()
    }

    /// Ends a member that is a file by itself.
    mutating func endFile(isWhole: Bool) throws(PackError) {
        if !hasBegun { try flushHead() }
        if !isWhole { flags.insert(.truncated) }
        try finishMember()
    }

    private mutating func finishMember() throws(PackError) {
        try writer.endMember(flags: flags)
        header = nil
    }

    private mutating func flushHead() throws(PackError) {
        let held = head
        head.removeAll(keepingCapacity: true)
        let outcome = held.withUnsafeBytes { bytes in
            Result { () throws(PackError) in
                try classify(bytes)
                try writer.append(bytes)
            }
        }
        try outcome.get()
    }

    /// Begins the member in the pack now that its first bytes are known.
    private mutating func classify(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        guard var header else { throw PackError(.misuse, "bytes without an entry") }
        if isRegular || !bytes.isEmpty {
            let judged = MemberClassifier(head: bytes, path: header.path)
            header.timeFormat = judged.timeFormat.rawValue
            if isRegular { header.kind = judged.kind }
            if judged.content.isCrashDump {
                dumps.append(Dump(member: writer.memberCount, content: judged.content, path: header.path))
            }
        }
        hasBegun = true
        try writer.beginMember(header)
    }

    /// Absolute, or with a `..` component: kept as data, escaped by export.
    private static func isUnsafe(_ path: [UInt8]) -> Bool {
        path.first == UInt8(ascii: "/")
            || path.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
    }
}
