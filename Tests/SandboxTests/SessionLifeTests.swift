import Testing

@testable import Sandbox

/// The life of a session without a process or a clock.
@Suite struct SessionLifeTests {
    private static let crash = ProcessEnd(exitCode: 0, signal: 11, dumped: true)
    private static let clean = ProcessEnd(exitCode: 0, signal: 0, dumped: false)

    private func life(restart: Bool = false, ttl: Int64? = nil) -> SessionLife {
        SessionLife(
            policy: .init(restart: restart, ttl: ttl, grace: 100, restartDelay: 50, retention: 1000), now: 0)
    }

    private func running(restart: Bool = false, ttl: Int64? = nil) -> SessionLife {
        var life = life(restart: restart, ttl: ttl)
        #expect(life.handle(.started(pid: 7), now: 1).isEmpty)
        return life
    }

    @Test func endsAndIsRemovedAfterTheRetention() {
        var life = running()
        #expect(life.status == .running)
        #expect(life.due == nil)
        #expect(life.handle(.exited(pid: 7, Self.clean), now: 10).isEmpty)
        #expect(life.status == .exited)
        #expect(life.due == 1010)
        #expect(life.handle(.tick, now: 1009).isEmpty)
        #expect(life.handle(.tick, now: 1010) == [.removeFolder])
        #expect(life.removedAt == 1010)
        #expect(life.due == nil)
    }

    @Test func restartsAfterAFailureAndNotAfterASuccess() {
        var life = running(restart: true)
        #expect(life.handle(.exited(pid: 7, Self.crash), now: 10).isEmpty)
        #expect(life.status == .restarting)
        #expect(life.due == 60)
        #expect(life.handle(.tick, now: 60) == [.start])
        #expect(life.handle(.tick, now: 61).isEmpty)
        #expect(life.handle(.started(pid: 8), now: 62).isEmpty)
        #expect(life.status == .running)
        #expect(life.restarts == 1)
        #expect(life.handle(.exited(pid: 8, Self.clean), now: 70).isEmpty)
        #expect(life.status == .exited)
    }

    @Test func isNotRestartedWhenItWasStopped() {
        var life = running(restart: true)
        #expect(life.handle(.stop, now: 10) == [.signal(pid: 7, 15)])
        #expect(life.status == .shuttingDown)
        #expect(life.handle(.exited(pid: 7, Self.crash), now: 20).isEmpty)
        #expect(life.status == .exited)
        var waiting = running(restart: true)
        _ = waiting.handle(.exited(pid: 7, Self.crash), now: 10)
        #expect(waiting.handle(.stop, now: 20).isEmpty)
        #expect(waiting.status == .exited)
    }

    @Test func isKilledWhenItDoesNotListen() {
        var life = running(ttl: 500)
        #expect(life.due == 500)
        #expect(life.handle(.tick, now: 500) == [.signal(pid: 7, 15)])
        #expect(life.due == 600)
        #expect(life.handle(.tick, now: 600) == [.signal(pid: 7, 9)])
        #expect(life.handle(.tick, now: 700).isEmpty)
        #expect(life.handle(.exited(pid: 7, Self.crash), now: 701).isEmpty)
        #expect(life.endedAt == 701)
    }

    @Test func aTtlEndsTheWaitForARestart() {
        var life = running(restart: true, ttl: 30)
        _ = life.handle(.exited(pid: 7, Self.crash), now: 20)
        #expect(life.due == 30)
        #expect(life.handle(.tick, now: 30).isEmpty)
        #expect(life.status == .exited)
    }

    @Test func removalKillsWhatRuns() {
        var life = running()
        #expect(life.handle(.remove, now: 5) == [.signal(pid: 7, 9), .removeFolder])
        #expect(life.handle(.remove, now: 6).isEmpty)
        #expect(life.handle(.exited(pid: 7, Self.crash), now: 7).isEmpty)
        #expect(life.removedAt == 5)
    }

    @Test func theEndOfAnotherProcessIsNotItsOwn() {
        var life = running()
        #expect(life.handle(.exited(pid: 6, Self.crash), now: 5).isEmpty)
        #expect(life.status == .running)
    }

    @Test func aFailedStartIsAnEnd() {
        var life = life()
        #expect(life.handle(.startFailed, now: 5).isEmpty)
        #expect(life.end?.exitCode == 127)
        #expect(life.endedAt == 5)
    }
}
