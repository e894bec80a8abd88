import Clocks
import CrashAnalysis
import Glibc
import Model
import Pack
import Unpack

/// Expands the compressed members of a pack being written: text becomes a member of its own, a crash dump is analysed,
/// everything else is left alone.
final class ExpansionPass {
    /// A member to expand, by its index in the pack.
    struct Candidate {
        let member: Int
        let form: Form
    }

    /// The encoding of a member's content.
    enum Form {
        case compressed(CompressedFormat)
        case utf16(UTF16Order)
    }

    /// A flag to add to an artifact after the expansion of one of its members.
    struct Outcome {
        var artifact: UInt32
        var flag: String
    }

    /// The maximum number of members to expand.
    static let mostMembers = 10_000
    /// The largest expanded size of a compressed dump, holes included, in bytes.
    static let longestDump: UInt64 = 16 << 30

    private let writer: PackWriter
    /// The redaction rules, if any.
    let redactor: Redactor?
    /// The file for content that is analysed but not stored.
    let scratch: ScratchFile?
    private let limits: IngestLimits
    private let time: Int64
    private var timeSpent: Int64 = 0
    private var spent: [UInt32: UInt64] = [:]
    private var looked = 0

    /// Derived members that the crash readers need as a whole.
    private(set) var dumps: [MemberWriter.Dump] = []
    /// The flags to add to artifacts.
    private(set) var outcomes: [Outcome] = []

    /// Makes a pass over members of `writer`'s pack. Without a scratch file, compressed dumps are left alone.
    init(writer: PackWriter, redactor: Redactor?, scratch: ScratchFile?, limits: IngestLimits) {
        self.writer = writer
        self.redactor = redactor
        self.scratch = scratch
        self.limits = limits
        // Expansion must not use up the time that the artifacts themselves need.
        time = limits.unpack.time / 3
    }

    /// Expands one finished member. Calls `analyze` for a dump while it is in the scratch file.
    func expand(
        _ candidate: Candidate, analyze: (ScratchFile, MemberHeader, _ isWhole: Bool) -> Void
    ) throws(PackError) {
        let member = try writer.member(candidate.member)
        guard looked < Self.mostMembers, limits.unpack.expandedSize > 0 else {
            if limits.unpack.expandedSize > 0 {
                outcomes.append(Outcome(artifact: member.artifact, flag: Self.limited))
            }
            return
        }
        looked += 1
        let source = PackByteSource(try writer.readBack(member: candidate.member))
        let content = try expand(
            source, candidate.form, like: member.header, flags: member.flags, takesDumps: true, analyze: analyze)
        if content == .dump { try writer.amend(member: candidate.member, kind: .crashDump) }
    }

    /// The kind of content found in a source.
    enum Content {
        case text
        case dump
        case other
    }

    static let limited = "expansion_limited"
    static let damaged = "expansion_damaged"

    /// Expands `source` into a new member if it holds text; dumps and everything else are left alone.
    func expandText(
        _ source: any ByteSource, _ form: Form, like header: MemberHeader, flags: MemberFlags
    ) throws(PackError) -> Content {
        try expand(source, form, like: header, flags: flags, takesDumps: false) { _, _, _ in }
    }

    /// Expands `source` into a new member if it holds text, or into the scratch file if it holds a dump.
    private func expand(
        _ source: any ByteSource, _ form: Form, like header: MemberHeader, flags: MemberFlags, takesDumps: Bool,
        analyze: (ScratchFile, MemberHeader, _ isWhole: Bool) -> Void
    ) throws(PackError) -> Content {
        let room = limits.unpack.expandedSize - min(limits.unpack.expandedSize, spent[header.artifact] ?? 0)
        let target = ExpansionTarget(
            writer: writer, redactor: redactor, scratch: takesDumps ? scratch : nil, header: header, form: form,
            room: room)
        redactor?.artifact = header.artifact
        let begun = MonotonicClock.milliseconds()
        let end = try target.read(source, until: begun + time - timeSpent, longestDump: Self.longestDump)
        timeSpent += MonotonicClock.milliseconds() - begun
        spent[header.artifact, default: 0] &+= target.textBytes
        var isWhole = end == .complete && flags.isDisjoint(with: [.truncated, .corrupt, .limited])
        var more: MemberFlags = flags.intersection([.truncated, .corrupt, .limited, .unsafePath])
        switch end {
        case .complete: break
        case .truncated: more.insert(.truncated)
        case .damaged: more.insert(.corrupt)
        case .limited: more.insert(.limited)
        }
        if target.scratchFailed { isWhole = false }
        let content = try target.finish(flags: more)
        if let dump = target.dump { dumps.append(dump) }
        switch end {
        case .limited where content != .other: outcomes.append(Outcome(artifact: header.artifact, flag: Self.limited))
        case .damaged where content != .other, .truncated where content != .other:
            outcomes.append(Outcome(artifact: header.artifact, flag: Self.damaged))
        default: break
        }
        if content == .dump, let scratch {
            analyze(scratch, header, isWhole)
            scratch.clear()
        }
        return content
    }
}
