import Clocks

/// The log of a synthetic session. Its lines are computed from its number and the clock, so nothing is stored and every
/// reader gets the same.
struct FleetLog: Sendable {
    let session: String
    let number: Int
    let map: String
    let begin: Milliseconds
    /// Nil while it is running.
    var end: Milliseconds?
    let linesPerSecond: Double
    let crashes: Bool

    private static let verbs = [
        "LogNet: Join request: /Game/Maps/", "LogGameMode: Tick of match on ", "LogPlayerController: Player moved on ",
        "LogNetPackageMap: Resolved object in ", "LogAI: Behaviour tree of bot restarted on ",
        "LogOnlineSession: Heartbeat of session on ",
    ]

    /// The number of lines at a time. A crash adds its report at the end.
    func count(at now: Milliseconds) -> Int {
        let until = min(end ?? now, now)
        let written = max(0, Int(Double(until - begin) / 1000 * linesPerSecond)) + 1
        return end != nil && crashes ? written + Self.report.count : written
    }

    /// The lines of a range, each with its newline.
    func lines(_ range: Range<Int>) -> String {
        var text = ""
        text.reserveCapacity(range.count * 96)
        let regular = end.map { max(0, Int(Double($0 - begin) / 1000 * linesPerSecond)) + 1 } ?? .max
        for line in range {
            let at = begin + Int64(Double(min(line, regular - 1)) / max(linesPerSecond, 0.001) * 1000)
            text += "[\(WallClock.engineText(at))][\(line % 1000)]"
            if line >= regular {
                text += Self.report[min(line - regular, Self.report.count - 1)]
            } else if line == 0 {
                text += "LogInit: Session \(session) begins"
            } else {
                let mixed = (line &* 2_654_435_761) ^ number
                text += Self.verbs[abs(mixed >> 4) % Self.verbs.count]
                text += "\(map) player=p\(abs(mixed) % 9973) seq=\(line)"
            }
            text += "\n"
        }
        return text
    }

    private static let report = [
        "LogCore: Error: === Critical error: ===",
        "LogCore: Error: Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x0000000000000018",
        "LogCore: Error: [Callstack] 0x00000000021a3f10 GameServer!AWeapon::Fire(FVector const&) [Weapon.cpp:212]",
        "LogCore: Error: [Callstack] 0x00000000021b0c44 GameServer!APlayerState::Tick(float) [PlayerState.cpp:88]",
        "LogCore: Error: [Callstack] 0x0000000002f00ab0 GameServer!UWorld::Tick(ELevelTick, float) [LevelTick.cpp:1515]",
        "LogCore: Error: end: stack for UAT",
    ]
}
