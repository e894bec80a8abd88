/// What a hard link of an archive leads to.
public enum LinkedContent: Sendable, Equatable {
    /// The member whose content it shares.
    case member(Int)
    /// The pack holds no member of that path.
    case missing
    /// The links lead back to where they began.
    case loop
    /// Something without content: a folder, a symbolic link, a device.
    case unreadable(MemberKind)
}

/// Finds the content of hard links. An archive stores it once, under the first name that it met; the pack does the same.
enum HardLinks {
    /// Paths are compared within an artifact, and without what makes no difference to where they lead.
    private struct Place: Hashable {
        let artifact: UInt32
        let path: [UInt8]

        init(_ artifact: UInt32, _ path: [UInt8]) {
            self.artifact = artifact
            self.path = HardLinks.plain(path)
        }
    }

    /// The content of each hard link that has none of its own, by the link's index.
    ///
    /// A link means the member of that path that stands last in front of it, as an extraction would have it, else the
    /// first behind it: of a path that a later download or another generation brought.
    static func resolve(_ members: [Member]) -> [Int: LinkedContent] {
        let links = members.indices.filter { isLink(members[$0]) }
        guard !links.isEmpty else { return [:] }
        var places: [Place: [Int]] = [:]
        for link in links {
            places[Place(members[link].artifact, members[link].linkTarget ?? [])] = []
        }
        for (index, member) in members.enumerated() {
            places[Place(member.artifact, member.path)]?.append(index)
        }
        var found: [Int: LinkedContent] = [:]
        for link in links where found[link] == nil {
            follow(link, members, places, &found)
        }
        return found
    }

    private static func isLink(_ member: Member) -> Bool {
        member.kind == .hardlink && member.size == 0 && member.linkTarget != nil
    }

    /// Each link is stepped over once, however long the chains are.
    private static func follow(
        _ link: Int, _ members: [Member], _ places: [Place: [Int]], _ found: inout [Int: LinkedContent]
    ) {
        var chain: [Int] = []
        var at = link
        var end: LinkedContent?
        while end == nil {
            // What is on the way has no answer of its own yet, so that coming back to it is a loop.
            found[at] = .loop
            chain.append(at)
            guard let next = target(of: at, members, places) else {
                end = .missing
                continue
            }
            if let known = found[next] {
                end = known
            } else if isLink(members[next]) {
                at = next
            } else {
                switch members[next].kind {
                case .log, .crashDump, .text, .binary, .hardlink: end = .member(next)
                case .directory, .symlink, .device, .fifo: end = .unreadable(members[next].kind)
                }
            }
        }
        for passed in chain { found[passed] = end }
    }

    private static func target(of link: Int, _ members: [Member], _ places: [Place: [Int]]) -> Int? {
        let candidates = places[Place(members[link].artifact, members[link].linkTarget ?? [])] ?? []
        var low = 0
        var high = candidates.count
        while low < high {
            let middle = (low + high) / 2
            if candidates[middle] < link { low = middle + 1 } else { high = middle }
        }
        if low > 0 { return candidates[low - 1] }
        // A link to its own name leads nowhere else.
        let behind = candidates[low...]
        return behind.first { $0 != link } ?? behind.first
    }

    /// The path without empty components and dots.
    private static func plain(_ path: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        var out: [UInt8] = []
        out.reserveCapacity(path.count)
        for component in path.split(separator: slash) where !component.elementsEqual(".".utf8) {
            if !out.isEmpty { out.append(slash) }
            out.append(contentsOf: component)
        }
        return out
    }
}

extension PackReader {
    /// What the hard link leads to; nil for every other member, and for a hard link that has content of its own.
    public func linkedContent(of member: Int) -> LinkedContent? { links[member] }
}
