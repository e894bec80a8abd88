import Foundation
import Glibc
import Testing

@testable import Ingest

/// When a child is stopped, and what that proves about its input. The test supplies the clock.
@Suite struct ChildDeadlineTests {
    @Test func aChildThatStandsStillIsStoppedAndWasNotSlow() {
        var deadline = ChildDeadline(patience: 1000, most: 4000, now: 0)
        #expect(deadline.wait(0) > 0 && deadline.wait(999) > 0 && deadline.wait(1000) == 0)
        deadline.move(900)
        #expect(deadline.wait(1899) > 0 && deadline.wait(1900) == 0)
        #expect(!deadline.isMoving(1900))
    }

    @Test func aChildThatGoesOnHasMoreTimeAndIsNotToBlame() {
        var deadline = ChildDeadline(patience: 1000, most: 4000, now: 0)
        for now in stride(from: Int64(500), to: 4000, by: 500) {
            deadline.move(now)
            #expect(deadline.wait(now) > 0)
        }
        #expect(deadline.wait(4000) == 0 && deadline.isMoving(4000))
    }

    @Test func withoutProgressToBeSeenTheTimeIsWhatItWas() {
        var deadline = ChildDeadline(patience: 1000, now: 0)
        #expect(deadline.wait(0) == 1000)
        deadline.move(900)
        #expect(deadline.wait(900) == 100 && deadline.wait(1000) == 0 && !deadline.isMoving(1000))
    }

    /// A child that used up its CPU time at the beginning and then made no progress was not slow.
    @Test func progressLongAgoIsNone() {
        var deadline = ChildDeadline(patience: 100_000, most: 400_000, now: 0)
        deadline.move(10_000)
        #expect(!deadline.isMoving(75_000))
        deadline.move(60_000)
        #expect(deadline.isMoving(75_000))
    }

    @Test func progressIsWhatIsReadAndWhatIsWritten() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("progress-\(UUID().uuidString)").path
        let read = open(path + ".in", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let written = open(path + ".out", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        defer {
            for end in [".in", ".out"] { unlink(path + end) }
            for descriptor in [read, written] { close(descriptor) }
        }
        try #require(read >= 0 && written >= 0 && ftruncate(read, 1 << 20) == 0)
        let progress = ChildProgress(reading: [read], writing: [written])
        #expect(!progress.hasMoved())
        // The child has the same open file under another number.
        let childs = dup(read)
        defer { close(childs) }
        lseek(childs, 4096, SEEK_SET)
        #expect(progress.hasMoved() && !progress.hasMoved())
        #expect(ftruncate(written, 10) == 0)
        #expect(progress.hasMoved() && !progress.hasMoved())
        // More input gets more time.
        #expect(IngestProcess.mostTime(1000, files: []) == 4000)
        #expect(IngestProcess.mostTime(1000, files: [read, read]) == 12_000)
    }
}
