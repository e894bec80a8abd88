import Text

/// A data center and its region. A region without data centers is its own data center.
struct Place: Sendable, Equatable {
    let region: String
    let centre: String

    /// Whether a name is that of the data center or of the region.
    func isCalled(_ name: String) -> Bool { centre.hasSameBytes(as: name) || region.hasSameBytes(as: name) }
}

/// The regions and data centers of a sandbox.
struct Places: Sendable {
    /// All data centers, by region, in the given order.
    let all: [Place]
    /// All names that callers can use: the regions, then the data centers that are not regions.
    let names: [String]

    /// Reads `NAME` or `NAME=CENTER+CENTER`, one text per region.
    /// - Throws: `SandboxError` when a name is empty, holds NUL or is a duplicate, or there is no region.
    init(_ texts: [String]) throws(SandboxError) {
        var all: [Place] = []
        var regions: [String] = []
        var centres: [String] = []
        for text in texts {
            let halves = text.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
            regions.append(halves[0])
            guard halves.count == 2 else {
                all.append(Place(region: halves[0], centre: halves[0]))
                continue
            }
            for centre in halves[1].utf8.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false) {
                let name = String(Substring(centre))
                all.append(Place(region: halves[0], centre: name))
                centres.append(name)
            }
        }
        let names = regions + centres
        guard !names.isEmpty else { throw SandboxError("locations: at least one is required") }
        var seen: ByteSet = []
        for name in names {
            if name.isEmpty || name.utf8.contains(0) {
                throw SandboxError("locations: empty or invalid name in \(texts.joined(separator: ","))")
            }
            if !seen.insert(name).inserted {
                throw SandboxError(
                    "locations: duplicate name \(name); regions and data centers need unique names")
            }
        }
        self.all = all
        self.names = names
    }

    /// The data centers with a name, or in the region with that name; empty when there are none.
    func called(_ name: String) -> [Place] { all.filter { $0.isCalled(name) } }
}
