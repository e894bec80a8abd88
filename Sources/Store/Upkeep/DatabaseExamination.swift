import Catalog
import Terminal
import Text

/// Checks the database of a shared store: version, encryption, rights, clock, distance, connections, and what a crash of the
/// server may lose.
struct DatabaseExamination {
    /// The oldest version that is tested.
    private static let oldestVersion = 150_000
    /// Round trips above which queries get slow, in microseconds: `show` takes about three.
    private static let slowTrip: Int64 = 50_000
    /// The difference between clocks above which deadlines are wrong, in milliseconds. Leases do not depend on it.
    private static let mostClockDifference: Int64 = 5000

    let facts: DatabaseFacts

    var findings: [Finding] {
        [server, encryption, rights, distance, clock, connections, durability].compactMap { $0 }
    }

    private var server: Finding? {
        let words = "PostgreSQL \(facts.version), role \(facts.role)"
        if facts.isStandby {
            return .warning(
                "database", words + ", a standby: it answers queries and refuses every write",
                hint: "harvesters need the primary: name all hosts in the address and add "
                    + "target_session_attrs=read-write")
        }
        if facts.versionNumber < Self.oldestVersion {
            return .warning("database", words + ": versions before 15 are not tested", hint: "upgrade the server")
        }
        return .ok("database", words)
    }

    private var encryption: Finding? {
        if let tls = facts.tls { return .ok("database", "encrypted with \(tls)") }
        if facts.isLocal { return nil }
        return .warning(
            "database", "the connection is not encrypted: everybody on the way can read it",
            hint: "turn on ssl in postgresql.conf and add sslmode=verify-full&sslrootcert=… to the address")
    }

    private var rights: Finding? {
        if facts.readable < facts.tables {
            return .failure(
                "database",
                "the role \(facts.role) may not read \(facts.tables - facts.readable) of "
                    + counted(facts.tables, "table"), hint: "docs/fleet.md has the grants of readers and writers")
        }
        if facts.writable < facts.tables {
            return .note(
                "database", "the role \(facts.role) may only read: queries work, harvests and prune do not",
                hint: "a harvester needs the writer's grants of docs/fleet.md")
        }
        return .ok("database", "the role may read and write \(counted(facts.tables, "table"))")
    }

    private var distance: Finding? {
        let milliseconds = Self.milliseconds(facts.roundTrip)
        guard facts.roundTrip >= Self.slowTrip else { return .ok("database", "\(milliseconds) for a round trip") }
        return .warning(
            "database", "\(milliseconds) for a round trip: a query takes about three, a commit about two",
            hint: "run harvesters near the database; check the network or the VPN")
    }

    private var clock: Finding? {
        let difference = facts.clockAhead
        guard difference.magnitude > Self.mostClockDifference else { return nil }
        return .warning(
            "clock",
            "this machine's clock is \(TimeText.span(Int64(clamping: difference.magnitude))) "
                + (difference > 0 ? "behind" : "ahead of") + " the database's: deadlines and --since are off by that",
            hint: "synchronize both with NTP; leases use the database's clock only")
    }

    private var connections: Finding? {
        let left = max(0, facts.mostConnections - facts.connections)
        let words = "\(counted(left, "connection")) left of \(facts.mostConnections)"
        guard left * 10 < facts.mostConnections || left < 10 else { return .ok("database", words) }
        return .warning(
            "database", words + ": further machines will be refused",
            hint: "raise max_connections, or find out who holds them: SELECT * FROM pg_stat_activity")
    }

    private var durability: Finding? {
        if facts.synchronousCommit == "off" {
            return .warning(
                "database", "synchronous_commit is off: a crash of the server can lose the newest commits",
                hint: "ALTER ROLE \(facts.role) SET synchronous_commit = on; the sweep adopts packs whose rows "
                    + "were lost")
        }
        if facts.synchronousStandbys.isEmpty {
            return .note(
                "database", "no commit waits for a standby: a failover can lose the newest rows",
                hint: "the sweep adopts packs whose rows were lost; to lose none, set synchronous_standby_names and "
                    + "synchronous_commit = remote_write")
        }
        return .ok("database", "commits wait for a standby (synchronous_commit = \(facts.synchronousCommit))")
    }

    private static func milliseconds(_ microseconds: Int64) -> String {
        microseconds < 10_000
            ? "\(microseconds / 1000).\(microseconds % 1000 / 100) ms" : "\(microseconds / 1000) ms"
    }
}
