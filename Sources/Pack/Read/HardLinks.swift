/// The target of an archive's hard link.
public enum LinkedContent: Sendable, Equatable {
    /// The member whose content it shares.
    case member(Int)
    /// The pack holds no member of that path.
    case missing
    /// The links form a loop.
    case loop
    /// A member without content: a directory, symbolic link, device or named pipe.
    case unreadable(MemberKind)
}

/// Finds the content of hard links. Archive and pack store it once, under the first name encountered.
enum HardLinks {
    /// A normalized path within an artifact.
    private struct Place: Hashable {
        let artifact: UInt32
        let path: [UInt8]

        init(_ artifact: UInt32, _ path: [UInt8]) {
            self.artifact = artifact
            self.path = HardLinks.plain(path)
        }
    }

    /// Resolves each hard link that has no content of its own; keys are the links' indices.
    ///
    /// A link refers to the last member of that path before it, as in an extraction. Failing that, it refers to the
    /// first one after it, which a later download or another generation may have added.
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

    /// Follows a chain of links. Each link is visited once, however long the chains are.
    private static func follow(
        _ link: Int, _ members: [Member], _ places: [Place: [Int]], _ found: inout [Int: LinkedContent]
    ) {
        var chain: [Int] = []
        var at = link
        var end: LinkedContent?
        while end == nil {
            // Links of the current chain are marked as a loop until resolved: reaching one again proves the loop.
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
        // A link to its own path can only be a loop.
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
    /// The target of a hard link; nil for every other member, and for a hard link with content of its own.
    public func linkedContent(of member: Int) -> LinkedContent? { links[member] }
}
