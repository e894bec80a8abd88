import Glibc
import Model
public import Pack
import Text
import Unpack

/// The job of judging a local file, an archive or a pack, in a confined child.
struct JudgeJob: Codable, Sendable {
    /// Whether to check only the structure of a pack.
    var quick: Bool
    var limits: IngestLimits
}

/// The child's answer.
public struct FileJudgement: Codable, Sendable, ReaderAnswer {
    /// The verdict, if the file is not a pack.
    public var archive: ArtifactVerdict?
    /// The result of the check, if the file is a pack.
    public var pack: PackJudgement?
    var error: String?
    var errorCode: String?
    var missing: [String]?
}

/// The damage in one pack and what is still good, as text that needs no reader.
public struct PackJudgement: Codable, Sendable {
    /// One piece of damage.
    public struct Flaw: Codable, Sendable {
        /// A description.
        public var words: String
        /// The paths of the members concerned, as raw bytes and up to ``mostNames``; a member without a readable name
        /// is `member N`.
        public var members: [[UInt8]]
        /// The number of members concerned.
        public var count: Int
    }

    /// Whether the pack is undamaged.
    public var isSound: Bool
    /// Whether part of it cannot be read now and nothing else is wrong, so that its soundness is unknown.
    public var isUnreadable: Bool
    /// The pack's session, if readable.
    public var session: String?
    /// The damage; at most ``mostFlaws`` are described.
    public var flaws: [Flaw]
    /// The paths of all members concerned, each once, in the pack's order.
    public var members: [[UInt8]]
    /// What is still good, as one sentence.
    public var stillGood: String

    /// The maximum number of flaws described; the rest is only counted.
    static let mostFlaws = 20_000
    /// The maximum number of bytes of member names.
    static let mostNames = 4 << 20

    /// Describes a report; `reader` provides the members' names.
    public init(_ report: PackReport, _ reader: PackReader?, quick: Bool) {
        isSound = report.isSound
        isUnreadable = report.isUnreadable
        session = report.session
        var room = Self.mostNames
        func name(_ index: Int) -> [UInt8]? {
            let named = reader.flatMap { $0.members.indices.contains(index) ? $0.members[index].path : nil }
            let bytes = named ?? Array("member \(index)".utf8)
            guard room >= bytes.count else { return nil }
            room -= bytes.count
            return bytes
        }
        flaws = report.damage.prefix(Self.mostFlaws).map { damage in
            Flaw(words: damage.description, members: damage.members.compactMap(name), count: damage.members.count)
        }
        if report.damage.count > Self.mostFlaws {
            flaws.append(Flaw(words: "and \(report.damage.count - Self.mostFlaws) more", members: [], count: 0))
        }
        room = Self.mostNames
        let concerned = Set(report.damage.flatMap(\.members)).sorted()
        members = concerned.filter { index in reader?.members.indices.contains(index) == true }.compactMap(name)
        let unread = Set(report.damage.filter { $0.part == .unreadable }.compactMap(\.block))
        let good = report.blocks - unread.union(report.damagedBlocks).count
        let blocks = Self.good(good, of: report.blocks, "block")
        if let reader, !reader.members.isEmpty {
            stillGood =
                quick
                ? blocks + " as far as --quick checks; run without it to check their content"
                : "\(Self.good(report.soundMembers.count, of: reader.members.count, "member")), \(blocks)"
        } else {
            stillGood = blocks + "; to extract their content: zstd -dc"
        }
    }

    private static func good(_ count: Int, of all: Int, _ noun: String) -> String {
        "\(count) of \(counted(all, noun)) \(count == 1 || all == 1 ? "is" : "are") good"
    }
}

/// Judges local files in confined children. This process never reads a byte of them.
public struct FileJudge: Sendable {
    /// The hidden command's name.
    public static let command = "__verify"

    enum Slot {
        static let file: Int32 = 3
    }

    /// The minimum speed, in bytes per second, for the time granted in addition to the configured limit.
    private static let slowest: Int64 = 8 << 20
    /// The time limit for input from a pipe, in milliseconds: its speed depends on the sender.
    private static let pipe: Int64 = 24 * 3_600_000
    /// The minimum memory, in bytes: the tables of a pack with many members need it.
    private static let memory: UInt64 = 2 << 30

    private let reader: ReaderProcess
    private let limits: IngestLimits

    /// Makes a judge with limits on an archive and on its reader.
    ///
    /// With `copiesItself`, the reader is a fork of this process while that has a single thread, see
    /// ``AnalysisProcess``.
    public init(
        limits: IngestLimits = IngestLimits(), executable: String = "/proc/self/exe", copiesItself: Bool = false
    ) {
        reader = ReaderProcess(IngestProcess(executable: executable), copiesItself: copiesItself)
        var limits = limits
        limits.memoryBytes = max(limits.memoryBytes, Self.memory)
        self.limits = limits
    }

    /// Judges the file behind `descriptor`, which the caller must close.
    ///
    /// - Parameters:
    ///   - descriptor: the file, open for reading.
    ///   - name: the file's name, for messages.
    ///   - quick: whether to check only the structure of a pack.
    /// - Throws: ``IngestError``: with code `ingest_died` or `ingest_timed_out` when the file crashed or stalled its
    ///   reader, with another one when no reader could be started or confined.
    public func judge(descriptor: Int32, name: String, quick: Bool) throws -> FileJudgement {
        var job = JudgeJob(quick: quick, limits: limits)
        job.limits.unpack.time = time(for: descriptor)
        let said = try reader.run(
            job, files: [(descriptor, Slot.file)], within: job.limits.unpack.time, doing: "judging \(name)")
        var judgement = said
        judgement.archive = try said.archive.map { (verdict) throws(IngestError) in try AnswerCheck.verdict(verdict) }
        guard (judgement.archive == nil) != (judgement.pack == nil) else { throw AnswerCheck.nonsense("no judgement") }
        return judgement
    }

    private func time(for descriptor: Int32) -> Int64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return Self.pipe }
        return limits.unpack.time &+ Int64(facts.st_size) / (Self.slowest / 1000)
    }
}
