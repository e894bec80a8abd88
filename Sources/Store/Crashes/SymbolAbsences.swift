import Bytes
import Digest
import Files
import Glibc

/// The builds that symbol servers did not have, so that they are not asked again for a day.
///
/// A file of lines `DIGEST PART BUILDID TIME`: the digest is that of the servers' addresses, the time is in milliseconds
/// since 1970. It is a cache: what cannot be read in it counts as not there.
struct SymbolAbsences {
    /// How long an answer counts, in milliseconds.
    static let age: Int64 = 86_400_000
    /// The most lines; the oldest are dropped.
    static let most = 10_000
    private static let largest = 4 << 20

    private let path: String
    private let servers: String
    private var lines: [(key: String, time: Int64)] = []
    private var keys: Set<String> = []

    /// Reads the file of a symbol store.
    ///
    /// - Parameters:
    ///   - root: the symbol store's folder.
    ///   - servers: the names of the servers that are asked.
    ///   - now: the time; older answers are dropped.
    init(root: String, servers: [String], now: Int64) {
        path = root + "/.absent"
        self.servers = String(Hex.text(SHA256.digest(Array(servers.joined(separator: "\n").utf8))).prefix(16))
        for line in Self.content(path).split(separator: 0x0A) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count == 4, let time = Int64(String(decoding: words[3], as: UTF8.self)), time <= now,
                now - Self.age < time
            else { continue }
            let key = words.prefix(3).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
            if keys.insert(key).inserted { lines.append((key, time)) }
        }
    }

    /// Whether the servers said within a day that they do not have it.
    func contains(_ part: SymbolPart, of buildID: String) -> Bool { keys.contains(key(part, buildID)) }

    /// Notes that none of the servers has it.
    mutating func insert(_ part: SymbolPart, of buildID: String, at time: Int64) {
        let key = key(part, buildID)
        if keys.insert(key).inserted { lines.append((key, time)) }
    }

    /// Writes the file.
    func save() throws(FileFailure) {
        let text = lines.suffix(Self.most).map { "\($0.key) \($0.time)\n" }.joined()
        try Replacement.write(Array(text.utf8), to: path)
    }

    private func key(_ part: SymbolPart, _ buildID: String) -> String { "\(servers) \(part.rawValue) \(buildID)" }

    private static func content(_ path: String) -> [UInt8] {
        // Without it the servers are asked again.
        guard let file = try? OpenFile(path, O_RDONLY | O_NONBLOCK), let bytes = try? file.rest(limit: largest) else {
            return []
        }
        return bytes
    }
}
