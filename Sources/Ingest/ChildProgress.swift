import Glibc

/// How far a child has come, as the files say that it shares with its parent: where it reads in them, and how long those
/// are that it writes.
final class ChildProgress {
    private let reading: [Int32]
    private let writing: [Int32]
    private var marks: [Int64] = []

    /// - Parameters:
    ///   - reading: files that the child reads from their beginning to their end; it moves their position, which is ours too.
    ///   - writing: files that grow while it works.
    init(reading: [Int32], writing: [Int32]) {
        self.reading = reading
        self.writing = writing
        marks = look()
    }

    /// Whether the child went on since this was asked last.
    func hasMoved() -> Bool {
        let now = look()
        defer { marks = now }
        return now != marks
    }

    private func look() -> [Int64] {
        reading.map { Int64(lseek($0, 0, SEEK_CUR)) }
            + writing.map { file in
                var facts = stat()
                return fstat(file, &facts) == 0 ? Int64(facts.st_size) : -1
            }
    }
}

/// When a child is stopped: when it did not go on for a while, or, even if it does, at some time.
///
/// How fast a child is, the machine decides: a slow one proves nothing. All times are in milliseconds of one clock.
struct ChildDeadline {
    /// How long a child may go without progress; all the time that it has, where its progress cannot be seen.
    let patience: Int64
    /// How long it may take while it goes on.
    let most: Int64
    private let canMove: Bool
    private let begun: Int64
    private var moved: Int64

    /// A deadline of a child that begins at `now`; without `most` its progress cannot be seen.
    init(patience: Int64, most: Int64? = nil, now: Int64) {
        self.patience = patience
        self.most = max(patience, most ?? patience)
        canMove = most != nil
        begun = now
        moved = now
    }

    /// The child was seen to have gone on.
    mutating func move(_ now: Int64) { if canMove { moved = max(moved, now) } }

    /// How long to wait until the child is looked at again; 0 when its time is up.
    func wait(_ now: Int64) -> Int64 {
        let left = max(0, min(moved &+ patience, begun &+ most) &- now)
        return canMove ? min(left, max(20, patience / 16)) : left
    }

    /// Whether the child went on until a short while ago, or at least in the later half of its time: then it was slow,
    /// which says nothing about what it read.
    func isMoving(_ now: Int64) -> Bool {
        canMove && now &- moved < patience && moved &- begun > (now &- begun) / 2
    }
}
