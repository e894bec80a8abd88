import Glibc

/// Measures a child's progress by the files it shares with its parent: its position in those it reads, and the size of
/// those it writes.
final class ChildProgress {
    private let reading: [Int32]
    private let writing: [Int32]
    private var marks: [Int64] = []

    /// Starts measuring.
    ///
    /// - Parameters:
    ///   - reading: files that the child reads sequentially. Parent and child share their position.
    ///   - writing: files that grow while the child works.
    init(reading: [Int32], writing: [Int32]) {
        self.reading = reading
        self.writing = writing
        marks = look()
    }

    /// Returns whether the child made progress since the last call.
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

/// Decides when to stop a child: after a time without progress, or after a longer time even with progress.
///
/// A child's speed depends on the machine, so slowness proves nothing. All times are in milliseconds of one clock.
struct ChildDeadline {
    /// How long a child may go without progress; the total time, if its progress is not visible.
    let patience: Int64
    /// How long a child may take in total while it makes progress.
    let most: Int64
    private let canMove: Bool
    private let begun: Int64
    private var moved: Int64

    /// Makes the deadline of a child that starts at `now`. Without `most`, its progress is not visible.
    init(patience: Int64, most: Int64? = nil, now: Int64) {
        self.patience = patience
        self.most = max(patience, most ?? patience)
        canMove = most != nil
        begun = now
        moved = now
    }

    /// Records that the child made progress.
    mutating func move(_ now: Int64) { if canMove { moved = max(moved, now) } }

    /// Returns how long to wait before checking the child again; 0 when its time is up.
    func wait(_ now: Int64) -> Int64 {
        let left = max(0, min(moved &+ patience, begun &+ most) &- now)
        return canMove ? min(left, max(20, patience / 16)) : left
    }

    /// Returns whether the child made progress within `patience` and in the second half of its time: then it was just
    /// slow, which says nothing about its input.
    func isMoving(_ now: Int64) -> Bool {
        canMove && now &- moved < patience && moved &- begun > (now &- begun) / 2
    }
}
