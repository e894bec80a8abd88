import Text

/// A data centre and the region it lies in. A region that has no data centres of its own is its own data centre.
struct Place: Sendable, Equatable {
    let region: String
    let centre: String

    /// Whether a name means this place: that of the data centre or that of the region.
    func isCalled(_ name: String) -> Bool { centre.hasSameBytes(as: name) || region.hasSameBytes(as: name) }
}

/// The regions and data centres that a sandbox has.
struct Places: Sendable {
    /// Every data centre, region by region in the order given.
    let all: [Place]
    /// Every name that a caller may use: the regions, then the data centres that are not regions.
    let names: [String]

    /// Reads `NAME` or `NAME=CENTRE+CENTRE`, one text for each region.
    /// - Throws: `SandboxError` when a name is empty or comes twice, or there is no region.
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
        guard !names.isEmpty else { throw SandboxError("a sandbox needs a location") }
        var seen: ByteSet = []
        for name in names {
            if name.isEmpty || name.utf8.contains(0) {
                throw SandboxError("locations: a region or data centre has no name in \(texts.joined(separator: ","))")
            }
            if !seen.insert(name).inserted {
                throw SandboxError(
                    "locations: \(name) is named twice; regions and data centres need names of their own")
            }
        }
        self.all = all
        self.names = names
    }

    /// The data centres that a name means; none when nothing has it.
    func called(_ name: String) -> [Place] { all.filter { $0.isCalled(name) } }
}
