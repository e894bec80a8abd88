import CrashAnalysis
import LogTime
import Pack
import Unpack

/// Writes the entries of an archive into a pack as members.
///
/// A member's first bytes are held back until its kind is known, because the kind decides how its blocks are split.
struct MemberWriter: ArchiveVisitor {
    typealias Failure = PackError

    /// A member that the crash readers need as a whole.
    struct Dump {
        let member: Int
        let content: ContentKind
    }

    /// Where a member's bytes go.
    private enum Route {
        /// Held back: the kind is not known yet.
        case undecided
        /// Unchanged into the member.
        case plain
        /// Through the redaction rules.
        case text(TextPipe)
        /// Into a scratch file, because compressed text may need redaction.
        case parked(ScratchFile, CompressedFormat)
    }

    private let writer: PackWriter
    private let artifact: UInt32
    private let isPlatformLog: Bool
    private let expansion: ExpansionPass
    private var header: MemberHeader?
    private var isRegular = false
    private var route = Route.undecided
    private var head: [UInt8] = []
    /// The length of the hole before the first bytes.
    private var leadingHole: UInt64 = 0
    /// Whether the member is a log by its name or origin.
    private var isLog = false
    /// Zeros at the end of the text so far: content if text follows, otherwise the padding of a file that shrank.
    private var heldZeros: UInt64 = 0
    /// Whether any text came before the zeros.
    private var hasText = false
    private var isText = false
    private var flags: MemberFlags = []
    private(set) var dumps: [Dump] = []
    /// The members to expand once all downloads are read.
    private(set) var candidates: [ExpansionPass.Candidate] = []

    /// The paths of complete members from another download of the same artifact; a second copy adds nothing.
    private let present: Set<[UInt8]>
    private var isDropping = false

    /// Makes a sink for one artifact of the pack.
    ///
    /// - Parameter isPlatformLog: Whether the artifact is the session's log from the API.
    init(
        writer: PackWriter, artifact: Int, expansion: ExpansionPass, isPlatformLog: Bool = false
    ) throws(PackError) {
        self.writer = writer
        self.artifact = UInt32(clamping: artifact)
        self.isPlatformLog = isPlatformLog
        self.expansion = expansion
        var present: Set<[UInt8]> = []
        for index in 0..<writer.memberCount {
            let member = try writer.member(index)
            guard member.artifact == self.artifact,
                member.flags.isDisjoint(with: [.truncated, .corrupt, .limited])
            else { continue }
            // A redacted text replaces the member that it was made from.
            present.formUnion([member.path, DerivedName.original(of: member)])
        }
        self.present = present
        head.reserveCapacity(MemberClassifier.headSize)
    }

    mutating func begin(_ entry: EntryHeader) throws(PackError) {
        var header = MemberHeader(artifact: artifact, path: entry.path, kind: .binary)
        header.mode = entry.mode & 0o777
        header.mtime = entry.modified
        header.uid = UInt32(clamping: entry.uid)
        header.gid = UInt32(clamping: entry.gid)
        header.linkTarget = entry.linkTarget
        var isRegular = false
        switch entry.kind {
        case .file: isRegular = true
        case .directory: header.kind = .directory
        case .symlink: header.kind = .symlink
        case .hardlink: header.kind = .hardlink
        case .characterDevice, .blockDevice: header.kind = .device
        case .fifo, .socket: header.kind = .fifo
        }
        start(header, isRegular: isRegular)
        isDropping = present.contains(entry.path)
        if entry.mode & 0o7000 != 0 { flags.insert(.setuidStripped) }
        if Self.isUnsafe(entry.path) { flags.insert(.unsafePath) }
        if !entry.flags.isDisjoint(with: [.afterDamage, .damagedHeader]) { flags.insert(.corrupt) }
    }

    /// Begins a member for a file that is not an archive entry.
    mutating func beginFile(path: [UInt8], modified: Int64) {
        start(MemberHeader(artifact: artifact, path: path, kind: .binary, mtime: modified), isRegular: true)
    }

    private mutating func start(_ header: MemberHeader, isRegular: Bool) {
        self.header = header
        self.isRegular = isRegular
        isDropping = false
        flags = []
        route = .undecided
        isLog = isRegular && (isPlatformLog || MemberClassifier.isNamedLikeALog(header.path))
        leadingHole = 0
        heldZeros = 0
        hasText = false
        isText = false
        head.removeAll(keepingCapacity: true)
    }

    mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PackError) {
        if isDropping { return }
        var bytes = bytes
        if case .undecided = route {
            passOverZeros(&bytes)
            let room = MemberClassifier.headSize - head.count
            if bytes.count <= room {
                head.append(contentsOf: bytes)
                return
            }
            // A large piece is classified in place.
            if head.isEmpty {
                try classify(UnsafeRawBufferPointer(rebasing: bytes[..<MemberClassifier.headSize]))
            } else {
                try flushHead()
            }
        }
        try pass(bytes)
    }

    /// Treats leading zeros of a log as a hole if they fill the whole head by which its kind is judged. Most likely
    /// they were a hole before archiving; the bytes after them decide the kind.
    private mutating func passOverZeros(_ bytes: inout UnsafeRawBufferPointer) {
        let room = MemberClassifier.headSize - head.count
        guard isLog, bytes.count > room, head.allSatisfy({ $0 == 0 }), bytes.prefix(room).allSatisfy({ $0 == 0 }) else {
            return
        }
        let zeros = bytes.firstIndex { $0 != 0 } ?? bytes.count
        leadingHole &+= UInt64(head.count + zeros)
        head.removeAll(keepingCapacity: true)
        bytes = UnsafeRawBufferPointer(rebasing: bytes[zeros...])
    }

    mutating func hole(_ length: UInt64, at offset: UInt64) throws(PackError) {
        if isDropping { return }
        if case .undecided = route {
            // A log truncated while its writer continued starts with a hole. The bytes after it decide the kind.
            if head.isEmpty || isLog && head.allSatisfy({ $0 == 0 }) {
                leadingHole &+= UInt64(head.count) &+ length
                head.removeAll(keepingCapacity: true)
                return
            }
            try flushHead()
        }
        try leaveHole(length)
    }

    mutating func end(_ outcome: EntryOutcome) throws(PackError) {
        if isDropping { return }
        switch outcome.state {
        case .complete: break
        case .truncated: flags.insert(.truncated)
        case .damaged: flags.insert(.corrupt)
        case .limited: flags.insert(.limited)
        }
        if outcome.isZeroPadded { flags.insert(.zeroPadded) }
        try finishMember()
    }

    /// Ends a member begun with ``beginFile(path:modified:)``.
    mutating func endFile(isWhole: Bool) throws(PackError) {
        if !isWhole { flags.insert(.truncated) }
        try finishMember()
    }

    /// Passes bytes on; holds back zeros at the end of a text.
    private mutating func pass(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        guard isText else { return try put(bytes) }
        var count = bytes.count
        while count > 0, bytes[count - 1] == 0 { count -= 1 }
        if count > 0 {
            try releaseZeros()
            hasText = true
            try put(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        heldZeros &+= UInt64(bytes.count - count)
    }

    /// Emits the zeros held back, which are content because text follows. A long run becomes a hole.
    private mutating func releaseZeros() throws(PackError) {
        guard heldZeros > 0 else { return }
        let length = heldZeros
        heldZeros = 0
        guard length < Self.storedZeros else { return try cutHole(length) }
        let zeros = [UInt8](repeating: 0, count: Int(length))
        let outcome = zeros.withUnsafeBytes { bytes in Result { () throws(PackError) in try put(bytes) } }
        try outcome.get()
    }

    /// The shortest run of zeros that becomes a hole, in bytes.
    private static let storedZeros: UInt64 = 4096

    private mutating func put(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        switch route {
        case .undecided: throw PackError(.misuse, "bytes of an unknown kind")
        case .plain: try writer.append(bytes)
        case .text(var pipe):
            // Two references to the pipe would copy its buffers.
            route = .undecided
            try pipe.append(bytes)
            route = .text(pipe)
        case .parked(let scratch, _):
            guard scratch.append(bytes) else {
                throw PackError(.noSpace, "no space left to expand a compressed member for redaction")
            }
        }
    }

    private mutating func leaveHole(_ length: UInt64) throws(PackError) {
        try releaseZeros()
        try cutHole(length)
    }

    private mutating func cutHole(_ length: UInt64) throws(PackError) {
        switch route {
        case .undecided: throw PackError(.misuse, "a hole of an unknown kind")
        case .plain: try writer.appendHole(length)
        case .text(var pipe):
            try pipe.finish()
            try writer.appendHole(length)
            route = .text(pipe)
        case .parked(let scratch, _): scratch.skip(length)
        }
    }

    private mutating func finishMember() throws(PackError) {
        if case .undecided = route { try flushHead() }
        defer { header = nil }
        if hasText, heldZeros >= ZeroPadding.shortest {
            // As a hole, the zeros are not part of a line, and a search does not take the text for binary data.
            flags.insert(.zeroPadded)
            let length = heldZeros
            heldZeros = 0
            try cutHole(length)
        }
        try releaseZeros()
        switch route {
        case .text(var pipe):
            route = .undecided
            try pipe.finish()
            flags.insert(.redacted)
        case .parked(let scratch, let format): return try settle(scratch, format)
        case .plain, .undecided: break
        }
        try writer.endMember(flags: flags)
    }

    /// Stores a compressed member's text instead of the member; stores the member itself if it contains no text.
    private mutating func settle(_ scratch: ScratchFile, _ format: CompressedFormat) throws(PackError) {
        guard let header else { return }
        let content = try expansion.expandText(scratch, .compressed(format), like: header, flags: flags)
        if content != .text {
            mark(writer.memberCount, .compressed(format))
            try writer.beginMember(header)
            let writer = writer
            try scratch.readAll { (bytes) throws(PackError) in try writer.append(bytes) }
            try writer.endMember(flags: flags)
        }
        scratch.clear()
    }

    private mutating func flushHead() throws(PackError) {
        let held = head
        head.removeAll(keepingCapacity: true)
        let outcome = held.withUnsafeBytes { bytes in
            Result { () throws(PackError) in
                try classify(bytes)
                try pass(bytes)
            }
        }
        try outcome.get()
    }

    /// Begins the member in the pack now that its first bytes are known.
    private mutating func classify(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        guard var header else { throw PackError(.misuse, "bytes without an entry") }
        route = .plain
        var member = writer.memberCount
        if isRegular || !bytes.isEmpty {
            let judged = MemberClassifier(head: bytes, path: header.path, isPlatformLog: isPlatformLog)
            isText = isRegular && judged.kind.isText
            if isRegular, let route = redactedRoute(judged, &header) {
                self.header = header
                self.route = route
                if case .parked = route {
                    member = -1
                } else {
                    try writer.beginMember(header)
                }
                if leadingHole > 0 { try leaveHole(leadingHole) }
                note(judged, member: member)
                return
            }
            header.timeFormat = judged.timeFormat.rawValue
            header.counterStart = judged.counterStart
            if isRegular { header.kind = judged.kind }
            note(judged, member: member)
            if isRegular, let order = judged.order {
                mark(member, .utf16(order))
            } else if isRegular, let format = judged.compressed {
                mark(member, .compressed(format))
            }
        }
        try writer.beginMember(header)
        if leadingHole > 0 { try writer.appendHole(leadingHole) }
    }

    private mutating func note(_ judged: MemberClassifier, member: Int) {
        guard judged.content.isCrashDump, member >= 0 else { return }
        dumps.append(Dump(member: member, content: judged.content))
    }

    private mutating func mark(_ member: Int, _ form: ExpansionPass.Form) {
        // One more than the pass expands, so that it notices the excess.
        guard candidates.count <= ExpansionPass.mostMembers else { return }
        candidates.append(.init(member: member, form: form))
    }

    /// Returns the route of a member that needs redaction; nil if there are no rules or the member is not text.
    private mutating func redactedRoute(_ judged: MemberClassifier, _ header: inout MemberHeader) -> Route? {
        guard let redactor = expansion.redactor else { return nil }
        if let order = judged.order {
            header.path = DerivedName.text(of: header.path)
            header.kind = .log
            flags.insert(.transcoded)
            return .text(TextPipe(writer: writer, order: order, redactor: redactor))
        }
        if judged.kind.isText {
            header.kind = judged.kind
            header.timeFormat = judged.timeFormat.rawValue
            header.counterStart = judged.counterStart
            return .text(TextPipe(writer: writer, order: nil, redactor: redactor))
        }
        guard let format = judged.compressed, let scratch = expansion.scratch else { return nil }
        scratch.clear()
        return .parked(scratch, format)
    }

    /// Returns whether a path is absolute or has a `..` component. It is kept as data; export escapes it.
    private static func isUnsafe(_ path: [UInt8]) -> Bool {
        path.first == UInt8(ascii: "/")
            || path.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
    }
}
