import Bytes
import Calendar

/// Generates, from a seed, log lines like those of game servers of four engines, with realistic identifiers.
struct EngineLog {
    enum Engine: CaseIterable {
        case unreal, unity, source, json
    }

    private(set) var bytes: [UInt8] = []
    private var random: SplitMix64
    private let engine: Engine
    private var clock: Int64
    private var players: [[UInt8]] = []
    private var frame = 0

    /// A log that starts at `start` (milliseconds since 1970).
    init(engine: Engine, seed: UInt64, start: Int64) {
        self.engine = engine
        random = SplitMix64(seed: seed)
        clock = start
        for _ in 0..<24 { players.append(Self.name(&random)) }
    }

    /// Returns the next lines, at least `count` bytes of them.
    mutating func take(_ count: Int) -> [UInt8] {
        bytes.removeAll(keepingCapacity: true)
        while bytes.count < count { line() }
        return bytes
    }

    private mutating func line() {
        clock += Int64(random.below(90))
        frame &+= 1
        switch engine {
        case .unreal: unreal()
        case .unity: unity()
        case .source: source()
        case .json: json()
        }
        bytes.append(0x0A)
    }

    private mutating func unreal() {
        let t = Stamp(clock)
        put("[\(t.year).\(t.month).\(t.day)-\(t.hour).\(t.minute).\(t.second):\(t.millis)][")
        let number = String(frame % 1000)
        put(String(repeating: " ", count: 3 - number.count) + number + "]")
        switch random.below(10) {
        case 0:
            put(
                "LogNet: UChannel::ReceivedSequencedBunch: Bunch.bClose == true. ChIndex == \(random.below(2000)) RemoteAddr: "
            )
            ip()
            put(":\(49152 + random.below(16384)) player=")
            uuid()
        case 1:
            put("LogNetVersion: Verbose: checksum ")
            hex(8)
            put(" guid ")
            uuid()
        case 2:
            put(
                "LogGameMode: Display: Match State Changed from WaitingToStart to InProgress on map /Game/Maps/Arena_\(random.below(40))"
            )
        case 3:
            put("LogOnline: Warning: OSS: Async task 'FOnlineAsyncTaskReadStats user=")
            steam()
            put("' took \(random.below(900)).\(random.below(999))ms")
        case 4, 5:
            put("LogPlayerController: ")
            name()
            put(" moved to X=\(real()) Y=\(real()) Z=\(real()) yaw=\(random.below(360)) rtt=\(random.below(300))")
        case 6:
            put("LogDamage: ")
            name()
            put(" dealt \(random.below(200)).\(random.below(99)) damage to ")
            name()
            put(" with BP_Weapon_Rifle_\(random.below(30))_C at distance \(real())")
        case 7:
            put(
                "LogStreaming: Display: Flushing async loaders, package /Game/Assets/Props/SM_Crate_\(random.below(5000)).SM_Crate took \(random.below(80)) ms"
            )
        case 8:
            put(
                "LogReplication: Actor PlayerState_\(random.below(64)) NetGUID <\(random.below(90000))> priority \(real()) bytes=\(random.below(1400))"
            )
        default:
            put(
                "LogTick: Verbose: frame=\(frame) delta=\(random.below(40)).\(random.below(999)) actors=\(2000 + random.below(900)) budget=33.3"
            )
        }
    }

    private mutating func unity() {
        let t = Stamp(clock)
        put("\(t.year)-\(t.month)-\(t.day) \(t.hour):\(t.minute):\(t.second).\(t.millis) ")
        switch random.below(6) {
        case 0:
            put("WARN  [NetworkManager] client \(random.below(64)) from ")
            ip()
            put(" resent packet \(random.below(100000)) after \(random.below(500)) ms")
        case 1:
            put("INFO  [MatchService] ticket ")
            uuid()
            put(" assigned to team \(random.below(2)) slot \(random.below(16))")
        case 2:
            put(
                "DEBUG [Physics] island \(random.below(400)) solved in \(random.below(9)).\(random.below(999)) ms, contacts \(random.below(3000))"
            )
        case 3:
            put("INFO  [Chat] <")
            name()
            put("> gg wp \(random.below(1000))")
        case 4:
            put("DEBUG [Addressables] loaded Assets/Prefabs/Enemies/Drone_\(random.below(200)).prefab hash ")
            hex(32)
        default:
            put(
                "INFO  [Tick] tick=\(frame) players=\(random.below(64)) mem=\(400 + random.below(200))MB gc=\(random.below(20))"
            )
        }
    }

    private mutating func source() {
        let t = Stamp(clock)
        put("L \(t.month)/\(t.day)/\(t.year) - \(t.hour):\(t.minute):\(t.second): ")
        put("\"")
        name()
        put(
            "<\(random.below(64))><STEAM_1:\(random.below(2)):\(random.below(200_000_000))><\(random.below(2) == 0 ? "CT" : "TERRORIST")>\" "
        )
        switch random.below(5) {
        case 0:
            put("[\(random.below(2000)) \(random.below(2000)) \(random.below(300))] killed \"")
            name()
            put("<\(random.below(64))><BOT><TERRORIST>\" with \"ak47\"")
        case 1: put("purchased \"m4a1_silencer\"")
        case 2: put("threw hegrenade [\(random.below(2000)) -\(random.below(2000)) \(random.below(300))]")
        case 3:
            put("connected, address \"")
            ip()
            put(":27005\"")
        default: put("triggered \"Dropped_The_Bomb\" tick \(frame)")
        }
    }

    private mutating func json() {
        put("{\"ts\":\(clock),\"level\":\"\(random.below(20) == 0 ? "warn" : "info")\",\"trace\":\"")
        hex(32)
        put("\",\"session_player\":\"")
        uuid()
        put("\",\"event\":\"")
        put(
            ["inventory_sync", "position_batch", "ability_cast", "matchmaker_ping", "entitlement_check"][
                random.below(5)])
        put("\",\"latency_ms\":\(random.below(400)).\(random.below(99)),\"peer\":\"")
        ip()
        put("\",\"seq\":\(frame)}")
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
    private mutating func name() { bytes.append(contentsOf: players[random.below(players.count)]) }
    private mutating func ip() {
        put("\(1 + random.below(222)).\(random.below(255)).\(random.below(255)).\(random.below(255))")
    }
    private mutating func steam() {
        put("7656119")
        for _ in 0..<10 { bytes.append(0x30 + UInt8(random.below(10))) }
    }
    private mutating func real() -> String { "\(random.below(20000) - 10000).\(100 + random.below(899))" }

    private mutating func hex(_ count: Int) {
        for _ in 0..<count { bytes.append(Hex.digit(UInt8(random.below(16)))) }
    }

    private mutating func uuid() {
        for (index, count) in [8, 4, 4, 4, 12].enumerated() {
            if index > 0 { bytes.append(0x2D) }
            hex(count)
        }
    }

    private static func name(_ random: inout SplitMix64) -> [UInt8] {
        let first = ["Toxic", "Silent", "Iron", "Lucky", "Dark", "Mega", "Frozen", "Swift", "Red", "Lazy"]
        let second = ["Wolf", "Panda", "Sniper", "Viper", "Goblin", "Knight", "Falcon", "Otter", "Ninja", "Bear"]
        return Array((first[random.below(10)] + second[random.below(10)] + String(random.below(1000))).utf8)
    }
}

/// The fields of an instant as zero-padded text.
private struct Stamp {
    let year, month, day, hour, minute, second, millis: String

    init(_ milliseconds: Int64) {
        let text = Array(ISO8601.text(clamping: milliseconds).utf8)
        func field(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
        year = field(0..<4)
        month = field(5..<7)
        day = field(8..<10)
        hour = field(11..<13)
        minute = field(14..<16)
        second = field(17..<19)
        millis = field(20..<23)
    }
}
