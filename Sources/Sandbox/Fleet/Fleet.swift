import Bytes

/// The state of a synthetic fleet: which sessions run, and when the others ended. A pure state machine: time is an
/// argument, and the same seed and requests give the same fleet.
struct Fleet: Sendable {
    struct Entry: Sendable {
        var created: Milliseconds
        /// 0 while it is running.
        var ended: Milliseconds = 0
        /// 0 while its container exists.
        var removed: Milliseconds = 0
    }

    private(set) var entries: [Entry] = []
    private var running: [Int] = []
    /// The index of a running session in `running`.
    private var place: [Int: Int] = [:]
    /// Numbers of ended sessions in the order of their end; those before index `kept` are removed.
    private var exits: [Int] = []
    private var kept = 0
    private var nextExit: Double
    private let interval: Double
    private let retention: Milliseconds
    private var generator: SplitMix64

    init(size: Int, exitsPerSecond: Double, retention: Milliseconds, seed: UInt64, start: Milliseconds) {
        generator = SplitMix64(seed: seed)
        interval = exitsPerSecond > 0 ? 1000 / exitsPerSecond : .infinity
        nextExit = Double(start) + interval
        self.retention = retention
        // Start times spread over the last twenty minutes, as in a fleet in mid-operation.
        for index in 0..<max(0, size) {
            add(created: start - Int64(Double(size - index) / Double(size) * 1_200_000))
        }
    }

    var runningCount: Int { running.count }
    var endedCount: Int { exits.count }
    /// Every number below has been removed.
    private(set) var floor = 0

    /// Advances to `now`. Returns the numbers of sessions whose state changed.
    mutating func advance(to now: Milliseconds) -> [Int] {
        var changed: [Int] = []
        while nextExit <= Double(now), !running.isEmpty {
            let number = running[Int(generator.next() % UInt64(running.count))]
            let at = Milliseconds(nextExit)
            end(number, at: at)
            add(created: at)
            changed.append(number)
            changed.append(entries.count - 1)
            nextExit += interval
        }
        while kept < exits.count, entries[exits[kept]].ended &+ retention <= now {
            remove(exits[kept], at: entries[exits[kept]].ended &+ retention)
            changed.append(exits[kept])
            kept += 1
        }
        while floor < entries.count, entries[floor].removed != 0 { floor += 1 }
        return changed
    }

    /// Ends one session now and starts a replacement. False when it has already ended.
    mutating func stop(_ number: Int, at now: Milliseconds) -> Bool {
        guard entries.indices.contains(number), entries[number].ended == 0 else { return false }
        end(number, at: now)
        add(created: now)
        return true
    }

    /// Ends `count` running sessions, oldest first. Returns their numbers.
    mutating func stop(count: Int, at now: Milliseconds) -> [Int] {
        let chosen = running.sorted().prefix(max(0, count))
        for number in chosen { _ = stop(number, at: now) }
        return Array(chosen)
    }

    mutating func remove(_ number: Int, at now: Milliseconds) {
        guard entries.indices.contains(number), entries[number].removed == 0 else { return }
        if entries[number].ended == 0 { _ = stop(number, at: now) }
        entries[number].removed = now
    }

    private mutating func add(created: Milliseconds) {
        place[entries.count] = running.count
        running.append(entries.count)
        entries.append(Entry(created: created))
    }

    private mutating func end(_ number: Int, at moment: Milliseconds) {
        entries[number].ended = moment
        exits.append(number)
        guard let index = place.removeValue(forKey: number), let last = running.popLast() else { return }
        if last != number {
            running[index] = last
            place[last] = index
        }
    }
}

/// Derives the ids and properties of synthetic sessions from their numbers.
struct FleetNames: Sendable {
    let seed: UInt64
    /// Not empty.
    let places: [Place]
    let crashShare: Double

    private static let images = ["arena", "shooter", "racer", "lobby"]
    private static let tags = ["1.4.0", "1.4.1", "1.5.0"]
    private static let maps = ["Harbour", "Foundry", "Citadel", "Ravine", "Terminal"]
    private static let modes = ["duel", "squad", "ranked"]

    func id(_ number: Int) -> String {
        var generator = SplitMix64(seed: seed ^ (UInt64(truncatingIfNeeded: number) &* 0xd134_2543_de82_ef95))
        return Identifier.text(generator.next(), generator.next())
    }

    func crashes(_ number: Int) -> Bool {
        var generator = SplitMix64(seed: seed &+ UInt64(truncatingIfNeeded: number) &* 0xff51_afd7_ed55_8ccd)
        return generator.unit() < crashShare
    }

    func map(_ number: Int) -> String { Self.maps[number / 7 % Self.maps.count] }

    func view(_ number: Int, _ entry: Fleet.Entry) -> SessionView {
        let id = id(number)
        let image = Self.images[number % Self.images.count]
        let host = "10.\(number / 4096 % 16).\(number / 64 % 64).\(number / 16 % 200 + 1)"
        return SessionView(
            id: id, image: image, tag: Self.tags[number / 4 % Self.tags.count],
            place: places[number / 3 % places.count], host: host,
            created: entry.created,
            ports: [PortMapping(type: "udp", container: 7777, host: 20_000 + number % 10_001)],
            status: entry.ended == 0 ? .running : .exited,
            tags: [
                ("map", map(number)), ("match", "m-\(number)"), ("mode", Self.modes[number / 5 % Self.modes.count]),
            ],
            env: [
                ("GAMEYE_SESSION_ID", id), ("GAMEYE_HOST", host), ("MATCH_SECRET", "s3cr3t-\(number)"),
            ], crashed: crashes(number), ended: entry.ended == 0 ? nil : entry.ended,
            removed: entry.removed == 0 ? nil : entry.removed)
    }
}
