import Bytes

/// Makes session lists of any length, in the documented form, for benchmarks.
package struct SyntheticSessionList {
    /// Number of sessions.
    package var entries: Int

    /// Creates a list of `entries` sessions.
    package init(entries: Int) {
        self.entries = entries
    }

    private static let images = ["arena-shooter-dedicated-server", "coop-survival", "racing-league-server"]
    private static let regions = ["europe", "us-east", "us-west", "ap-southeast", "frankfurt"]
    private static let statuses = ["running", "exited", "exited", "running", "restarting"]
    private static let modes = ["ranked", "casual", "tournament"]

    /// Writes the list as JSON in pieces; every piece but the first and the last holds one session, about 500 bytes.
    package func write(_ piece: (String) -> Void) {
        piece("{\"sessions\":[")
        var random: UInt64 = 0x2545_F491_4F6C_DD1D
        for index in 0..<entries {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            piece((index == 0 ? "" : ",") + Self.entry(index, random >> 16))
        }
        piece("]}")
    }

    private static func entry(_ index: Int, _ random: UInt64) -> String {
        let number = Int(truncatingIfNeeded: random & 0xFFFF_FFFF)
        let id = identifier(random)
        let tag = "1.\(number % 40).\(number % 7)"
        let host = "10.\(number % 200).\(index % 250).\(number % 251)"
        let env = "{\\\"GAMEYE_SESSION_ID\\\":\\\"\(id)\\\",\\\"GAMEYE_HOST\\\":\\\"\(host)\\\"}"
        let tags =
            "{\\\"match\\\":\\\"m-\(number)\\\",\\\"mode\\\":\\\"\(modes[number % 3])\\\","
            + "\\\"build\\\":\\\"\(tag)\\\",\\\"map\\\":\\\"valley-\(number % 12)\\\"}"
        let head = "{\"id\":\"\(id)\",\"image\":\"\(images[number % 3])\",\"tag\":\"\(tag)\","
        let place = "\"location\":\"\(regions[number % 5])\",\"host\":\"\(host)\","
        let state =
            "\"created\":\(1_763_640_000_000 + Int64(index) * 137),\"port\":{\"7777/udp\":\(20_000 + number % 10_000),"
            + "\"27015/tcp\":\(20_000 + number % 9_999)},\"status\":\"\(statuses[number % 5])\","
        return head + place + state
            + "\"labels\":{\"env\":\"\(env)\",\"tags\":\"\(tags)\",\"maintainer\":\"games\"},\"playerCount\":\(number % 16)}"
    }

    private static func identifier(_ random: UInt64) -> String {
        let mixed = random &* 0x9E37_79B9_7F4A_7C15
        let text = Array((Hex.padded(random) + Hex.padded(mixed)).utf8)
        let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
            String(decoding: text[range], as: UTF8.self)
        }
        return parts.joined(separator: "-")
    }
}
