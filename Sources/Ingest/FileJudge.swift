import Glibc
public import Pack
import Unpack

/// What a confined child finds in a file at hand that is to be judged: an archive, or a pack.
struct JudgeJob: Codable, Sendable {
    /// Whether only the structure of a pack is looked at.
    var quick: Bool
    var limits: IngestLimits
}

/// The child's answer.
public struct FileJudgement: Codable, Sendable {
    /// The verdict, where the file is no pack.
    public var archive: ArtifactVerdict?
    /// What a check of the pack found, where it is one.
    public var pack: PackJudgement?
    var error: String?
    var errorCode: String?
    var missing: [String]?
}

/// What is wrong with one pack, and what is still good, in words that need no reader.
public struct PackJudgement: Codable, Sendable {
    /// One thing that is wrong.
    public struct Flaw: Codable, Sendable {
        /// What it is.
        public var words: String
        /// The paths of the members concerned, raw bytes, as far as there is room for them; a member without a name that
        /// can be read is `member N`.
        public var members: [[UInt8]]
        /// How many members are concerned.
        public var count: Int
    }

    /// Whether the pack is what was written.
    public var isSound: Bool
    /// Something of it cannot be read now, and nothing else is wrong: whether it is sound is not known.
    public var isUnreadable: Bool
    /// The session that it names, where that can be read.
    public var session: String?
    /// What is wrong.
    public var flaws: [Flaw]
    /// The paths of all members concerned, each once, in the pack's order.
    public var members: [[UInt8]]
    /// What can still be had, in a sentence.
    public var stillGood: String

    /// More is counted, not told.
    static let mostFlaws = 20_000
    /// Bytes of names that are told.
    static let mostNames = 4 << 20

    /// Puts a report into words; `reader` gives the members' names.
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
        let blocks = "\(good) of \(report.blocks) blocks are good"
        if let reader, !reader.members.isEmpty {
            stillGood =
                quick
                ? blocks + " as far as --quick looks; without it their content is checked"
                : "\(report.soundMembers.count) of \(reader.members.count) members are good, \(blocks)"
        } else {
            stillGood = blocks + "; what they hold comes out of: zstd -dc"
        }
    }
}

/// Judges files at hand in confined children: this process never reads a byte of them.
public struct FileJudge: Sendable {
    /// The hidden command's name.
    public static let command = "__verify"

    enum Slot {
        static let file: Int32 = 3
    }

    /// Bytes a second at which a file must at least be judged, beside the time that any gets.
    private static let slowest: Int64 = 8 << 20
    /// What anything that comes through a pipe gets, in milliseconds: how long that takes is up to whoever sends.
    private static let pipe: Int64 = 24 * 3_600_000
    /// What the tables of a pack of many members take.
    private static let memory: UInt64 = 2 << 30

    private let reader: ReaderProcess
    private let limits: IngestLimits

    /// A judge with bounds on an archive and on its reader.
    ///
    /// With `copiesItself` the reader is a copy of this process as long as that has a single thread, see
    /// ``AnalysisProcess``.
    public init(
        limits: IngestLimits = IngestLimits(), executable: String = "/proc/self/exe", copiesItself: Bool = false
    ) {
        reader = ReaderProcess(IngestProcess(executable: executable), copiesItself: copiesItself)
        var limits = limits
        limits.memoryBytes = max(limits.memoryBytes, Self.memory)
        self.limits = limits
    }

    /// Judges the file behind `descriptor`, which stays the caller's.
    ///
    /// - Parameters:
    ///   - name: the file's name, for messages.
    ///   - quick: of a pack only the structure is checked.
    /// - Throws: ``IngestError``: with code `ingest_died` or `ingest_timed_out` where the file killed its reader or kept
    ///   it too long, with another where no reader could be started or confined.
    public func judge(descriptor: Int32, name: String, quick: Bool) throws -> FileJudgement {
        var job = JudgeJob(quick: quick, limits: limits)
        job.limits.milliseconds = time(for: descriptor)
        let said: FileJudgement = try reader.run(
            job, command: Self.command, files: [(descriptor, Slot.file)], within: job.limits.milliseconds,
            doing: "judging \(name)", carryOut: JudgeWorker.carryOut)
        if let code = said.errorCode { throw AnswerCheck.error(code, said.error, missing: said.missing) }
        var judgement = said
        judgement.archive = try said.archive.map { (verdict) throws(IngestError) in try AnswerCheck.verdict(verdict) }
        guard (judgement.archive == nil) != (judgement.pack == nil) else { throw AnswerCheck.nonsense("no judgement") }
        return judgement
    }

    private func time(for descriptor: Int32) -> Int64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return Self.pipe }
        return limits.milliseconds &+ Int64(facts.st_size) / (Self.slowest / 1000)
    }
}
