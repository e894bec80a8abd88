import Files
import Glibc
import Model
import Synchronization
import Testing

@testable import Pack
@testable import PackHome

/// What every home promises. A new one is added to `PackHomes.all`.
@Suite struct PackHomeContractTests {
    private static let path = "packs/2026/11/20/s-1.pack"
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func publish(_ session: String, lines: Int = 10, as path: String = path, in home: any PackHome) throws {
        try home.publish(try scratch.pack(session, lines: lines), as: path)
    }

    private func whole(_ bytes: PackBytes) throws -> [UInt8] { try bytes.read(at: 0, count: Int(bytes.size)) }

    @Test(arguments: PackHomes.all) func aPublishedPackIsReadBack(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        #expect(home.reusesPaths == kind.replacesPacks)
        #expect(home.list().packs.isEmpty && home.list().isEmpty)
        let file = try scratch.pack("s-1", lines: 20_000)
        let content = try whole(PackBytes(path: file))
        try home.prepare(Self.path)
        #expect(home.presence(of: Self.path) == .absent)
        try home.publish(file, as: Self.path)
        #expect(!scratch.exists("new"))
        guard case .present(let pack) = home.presence(of: Self.path) else {
            Issue.record("\(home.presence(of: Self.path))")
            return
        }
        #expect(pack.path == Self.path && pack.name == "s-1.pack" && pack.size == UInt64(content.count))
        let listing = home.list()
        #expect(listing.packs == [pack] && listing.aside.isEmpty && listing.troubles.isEmpty && !listing.isEmpty)
        #expect(try whole(home.bytes(of: Self.path)) == content)
        let reader = try home.reader(for: Self.path)
        #expect(try reader.session().session == "s-1")
        #expect(try reader.identity() == pack.identity)
        #expect(home.verify(Self.path).isSound)
        let copy = try home.localCopy(of: Self.path)
        #expect(try whole(PackBytes(descriptor: copy.descriptor)) == content && copy.identity == pack.identity)
        #expect(try home.paths(of: "s-1") == [Self.path] && home.paths(of: "s").isEmpty)
    }

    @Test(arguments: PackHomes.all) func aTakenPathGetsOtherBytesOrIsRefused(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        try publish("s-1", in: home)
        let old = try home.reader(for: Self.path)
        let oldCopy = try home.localCopy(of: Self.path)
        let content = try whole(home.bytes(of: Self.path))
        let file = try scratch.pack("s-1", lines: 30_000)
        if kind.replacesPacks {
            try home.publish(file, as: Self.path)
            #expect(try whole(home.bytes(of: Self.path)).count > content.count)
            #expect(try home.reader(for: Self.path).identity() != old.identity())
        } else {
            #expect(throws: PackError.self) { try home.publish(file, as: Self.path) }
            #expect(scratch.exists("new"))
            #expect(try whole(home.bytes(of: Self.path)) == content)
        }
        #expect(home.list().packs.map(\.path) == [Self.path])
        #expect(home.verify(Self.path).isSound)
        // What was open before keeps its bytes, also when the path is gone.
        try home.remove(Self.path)
        #expect(old.verify().isSound)
        #expect(try whole(PackBytes(descriptor: oldCopy.descriptor)) == content)
    }

    @Test(arguments: PackHomes.all) func aRemovalMayBeRepeated(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        #expect(try !home.remove(Self.path).isRemoved)
        try publish("s-1", in: home)
        let other = "packs/2026/11/20/s-2.pack"
        try publish("s-2", as: other, in: home)
        let wrong = try home.localCopy(of: other).identity
        #expect(try !home.remove(Self.path, ifStill: wrong).isRemoved)
        #expect(try home.reader(for: Self.path).session().session == "s-1")
        let right = try home.localCopy(of: Self.path).identity
        let removal = try home.remove(Self.path, ifStill: right)
        #expect(removal.isRemoved && !removal.emptiedDay)
        #expect(try !home.remove(Self.path).isRemoved)
        #expect(try !home.remove(Self.path, ifStill: right).isRemoved)
        #expect(home.presence(of: Self.path) == .absent)
        for _ in 0..<2 {
            let error = #expect(throws: PackError.self) { try home.bytes(of: Self.path) }
            #expect(error?.isAbsence == true)
            #expect(throws: PackError.self) { try home.reader(for: Self.path) }
        }
        let error = #expect(throws: PackError.self) { try home.localCopy(of: Self.path) }
        #expect(error?.isAbsence == true)
        #expect(home.list().packs.map(\.path) == [other])
        // The path may be used again once its pack is gone.
        if kind.replacesPacks {
            try publish("s-1", in: home)
            #expect(home.list().packs.count == 2)
        }
    }

    @Test(arguments: PackHomes.all) func whatCannotBeReadIsNotAbsent(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        try publish("s-2", as: "packs/2026/11/21/s-2.pack", in: home)
        try kind.obstruct(Self.path, store: scratch.store)
        guard case .unknown(let reason) = home.presence(of: Self.path) else {
            Issue.record("\(home.presence(of: Self.path))")
            return
        }
        #expect(!reason.isAbsence && !reason.message.isEmpty)
        let calls: [() throws -> Void] = [
            { _ = try home.bytes(of: Self.path) }, { _ = try home.reader(for: Self.path) },
            { _ = try home.localCopy(of: Self.path) }, { _ = try home.remove(Self.path) },
            { _ = try home.paths(of: "s-1") },
        ]
        for (index, call) in calls.enumerated() {
            let error = #expect(throws: PackError.self, "call \(index)") { try call() }
            #expect(error?.isAbsence == false && error?.isLocalFault == true, "call \(index)")
        }
        let file = try scratch.pack("s-1", lines: 1)
        #expect(throws: PackError.self) { try home.publish(file, as: Self.path) }
        #expect(scratch.exists("new"))
        #expect(home.verify(Self.path).isUnreadable)
        let listing = home.list()
        #expect(listing.packs.map(\.name) == (kind.listsPartially ? ["s-2.pack"] : []))
        #expect(listing.troubles.count == 1 && listing.isEmpty == !kind.listsPartially)
        // A day before the session was created holds none of its packs.
        #expect(try home.paths(of: "s-2", from: "packs/2026/11/21/s-2.pack") == ["packs/2026/11/21/s-2.pack"])
    }

    @Test(arguments: PackHomes.all) func pathsThatAreNoPacksAreRefused(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        try publish("s-1", in: home)
        let local = try home.localCopy(of: Self.path)
        let file = try scratch.pack("s-2", lines: 1)
        let hostile = [
            "", "packs", "packs/", "/etc/passwd", "/packs/a.pack", "other/a.pack", "packs/../x.pack", "packs/./x.pack",
            "packs//a.pack", "packs/2026/11/20/s-1.pack/", "packs/2026/11/20/s-1.pack\0", "packs/a\0/../b.pack",
            "packs/2026/11/20/s-1.txt", "packs/2026/../2026/11/20/s-1.pack", "packs/1/2/3/4/5/6/7/8/9.pack", "../new",
            "PACKS/a.pack", "packs/a.packe\u{301}",
        ]
        for path in hostile {
            guard case .unknown(let reason) = home.presence(of: path) else {
                Issue.record("\(path.debugDescription): \(home.presence(of: path))")
                continue
            }
            #expect(!reason.isAbsence)
            let calls: [() throws -> Void] = [
                { _ = try home.bytes(of: path) }, { _ = try home.localCopy(of: path) }, { try home.prepare(path) },
                { try home.publish(file, as: path) }, { try home.remove(path) },
                { _ = try home.setAside(local, at: path, keepsPath: false) },
            ]
            for (index, call) in calls.enumerated() {
                let error = #expect(throws: PackError.self, "\(path.debugDescription), call \(index)") { try call() }
                #expect(error?.code == .outOfRange && error?.isAbsence == false)
            }
        }
        #expect(scratch.exists("new"))
        #expect(home.list().packs.map(\.path) == [Self.path])
    }

    @Test(arguments: PackHomes.all) func strangeNamesAreKeptToTheByte(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        let long = String(repeating: "n", count: 195)
        let names = ["%", "a%2Fb~1", "e\u{301}", "\u{e9}", "a b\n\t\"*?[", "-rf", long, "packs", "😀"]
        let paths = names.map { "packs/2026/11/20/\($0).pack" }
        for (number, path) in paths.enumerated() { try publish("s-\(number)", as: path, in: home) }
        #expect(Set(home.list().packs.map { Array($0.path.utf8) }) == Set(paths.map { Array($0.utf8) }))
        for (number, path) in paths.enumerated() {
            #expect(try home.reader(for: path).session().session == "s-\(number)")
        }
        // Hidden names are nobody's packs, but can be read.
        try publish("hidden", as: "packs/2026/11/20/.pack", in: home)
        #expect(home.list().packs.count == paths.count)
        #expect(try home.reader(for: "packs/2026/11/20/.pack").session().session == "hidden")
    }

    @Test(arguments: PackHomes.all) func whatAKilledPublicationLeftIsNoPack(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        let folder = try OpenFolder(path: scratch.store)
        try kind.leaveUnfinished(Self.path, store: scratch.store)
        #expect(home.presence(of: Self.path) == .absent)
        #expect(try home.paths(of: "s-1").isEmpty)
        let listing = home.list()
        #expect(listing.packs.isEmpty && listing.aside.isEmpty && listing.troubles.isEmpty)
        try publish("s-1", in: home)
        home.removeUnfinished(writtenIn: folder)
        #expect(home.list().packs.map(\.path) == [Self.path])
        #expect(home.verify(Self.path).isSound)
    }

    @Test(arguments: PackHomes.all) func aDamagedPackIsSetAside(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        try publish("s-1", in: home)
        let damaged = try home.localCopy(of: Self.path)
        let content = try whole(home.bytes(of: Self.path))
        let place = try home.setAside(damaged, at: Self.path, keepsPath: true)
        #expect(place != Self.path)
        #expect(try home.setAside(damaged, at: Self.path, keepsPath: true) == place, "an interrupted call is repeated")
        #expect(home.list().aside.map(\.path) == [place])
        if kind.replacesPacks {
            try publish("s-1", lines: 20, in: home)
            #expect(home.list().packs.map(\.path) == [Self.path] && home.list().aside.map(\.path) == [place])
            // Another one of the same path gets another name, and its path is free.
            let second = try home.setAside(home.localCopy(of: Self.path), at: Self.path, keepsPath: false)
            #expect(Set(home.list().aside.map(\.path)) == [place, second] && second != place)
            #expect(home.list().packs.isEmpty && home.presence(of: Self.path) == .absent)
        }
        #expect(try whole(PackBytes(descriptor: damaged.descriptor)) == content)
    }

    @Test(arguments: PackHomes.all) func generationsOfASessionAreFoundAndNoOthers(
        _ kind: any PackHomeUnderTest
    ) throws {
        let home = try kind.make(store: scratch.store)
        let day = "packs/2026/11/20/"
        for name in ["s-1.1.deadbeef", "s-1.22.0badcafe", "s-1.b", "s-1.1%2Edeadbeef.3.cafebabe", "s-10.1.00000000"] {
            try publish("s-1", as: day + name + ".pack", in: home)
        }
        try publish("s-1", as: "packs/2026/11/21/s-1.3.00000003.pack", in: home)
        #expect(home.list().packs.count == 6)
        // A folder has one pack of a session under its name.
        guard !kind.replacesPacks else { return }
        let own = [day + "s-1.1.deadbeef.pack", day + "s-1.22.0badcafe.pack"]
        #expect(try home.paths(of: "s-1", from: day + "s-1.pack").sorted() == own)
        #expect(try home.paths(of: "s-1").sorted() == own + ["packs/2026/11/21/s-1.3.00000003.pack"])
        #expect(
            try home.paths(of: "s-1.1.deadbeef", from: day + "x.pack") == [day + "s-1.1%2Edeadbeef.3.cafebabe.pack"])
    }

    @Test(arguments: PackHomes.all) func manyPacksAreRemovedAtOnce(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        let paths = (0..<5).map { "packs/2026/11/20/s-\($0).pack" }
        for path in paths { try publish("s", as: path, in: home) }
        let failures = home.remove(paths.dropLast() + ["packs/2026/11/20/none.pack", "other/a.pack"])
        #expect(failures.map(\.path) == ["other/a.pack"] && failures.first?.error.code == .outOfRange)
        #expect(home.list().packs.map(\.path) == [paths[4]])
        #expect(home.presence(of: paths[0]) == .absent)
    }

    @Test(arguments: PackHomes.all) func rangesOfAKnownPackAreThoseOfThePack(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        try publish("s-1", lines: 60_000, in: home)
        let content = try whole(home.bytes(of: Self.path))
        let size = UInt64(content.count)
        let identity = try home.bytes(of: Self.path).identity()
        let wanted = [size - 10..<size, 0..<9, 70_000..<140_001, 100_000..<100_001, 5..<5]
        let expected = wanted.map { Array(content[Int($0.lowerBound)..<Int($0.upperBound)]) }
        for known in [identity, nil] {
            let ranges = try home.ranges(of: Self.path, size: size, identity: known)
            #expect(try ranges.read(wanted) == expected)
            #expect(ranges.identity == identity)
            #expect(throws: PackError.self) { try ranges.read([0..<1, size..<size + 1]) }
        }
        #expect(try home.bytes(of: Self.path).read(wanted) == expected)
        let other = PackIdentity(high: 1, low: 2)
        #expect(throws: PackError.self) {
            try home.ranges(of: Self.path, size: size, identity: other).read([0..<9])
        }
        let error = #expect(throws: PackError.self) {
            try home.ranges(of: "packs/2026/11/20/none.pack", size: size, identity: identity).read([0..<9])
        }
        #expect(error?.isAbsence == true)
    }

    @Test(arguments: PackHomes.all) func secondNamesAndOtherDaysAreFound(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        #expect(try home.paths(of: "s-1").isEmpty)
        let paths = [
            "packs/2026/11/20/s-1.pack", "packs/2026/11/20/s-1~1.pack", "packs/2026/11/20/s-1~2.pack",
            "packs/2027/01/01/s-1.pack",
        ]
        for path in paths { try publish("s-1", as: path, in: home) }
        for path in ["packs/2026/11/20/s-11.pack", "packs/2026/11/20/s-1~4.pack", "packs/2026/11/s-1.pack"] {
            try publish("other", as: path, in: home)
        }
        // A folder looks for second names only until one is missing.
        let found = try home.paths(of: "s-1").filter { !$0.hasSuffix("/s-1~4.pack") }
        #expect(found.sorted() == paths)
        #expect(try home.paths(of: "s-1", from: paths[3]).contains(paths[3]))
    }

    @Test(arguments: PackHomes.all) func rangesAtTheEndsAreExact(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        let file = try scratch.pack("s-1", lines: 60_000)
        let content = try whole(PackBytes(path: file))
        try #require(content.count > 3 * PackBytes.endSize)
        try home.publish(file, as: Self.path)
        let bytes = try home.bytes(of: Self.path)
        let size = bytes.size
        #expect(size == UInt64(content.count))
        let kept = content.count - PackBytes.endSize
        let ranges = [
            0..<0, 0..<1, 0..<content.count, content.count - 1..<content.count, content.count..<content.count,
            kept..<content.count, kept - 1..<content.count, kept - 1..<kept, kept - 5..<kept + 5, kept..<kept + 1,
        ]
        for range in ranges {
            let read = try bytes.read(at: UInt64(range.lowerBound), count: range.count)
            #expect(read == Array(content[range]), "\(range)")
        }
        for (offset, count) in [(size, 1), (size - 1, 2), (size + 1, 0), (UInt64.max, 1), (0, Int(size) + 1)] {
            let error = #expect(throws: PackError.self) { try bytes.read(at: offset, count: count) }
            #expect(error?.code == .damagedFooter)
        }
        // Past the size that was announced: short, and said so.
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(throws: PackError.self) {
            try buffer.withUnsafeMutableBytes { try bytes.read(at: size - 8, into: $0) }
        }
    }

    @Test(arguments: PackHomes.all) func aListingMeanwhileHasWholePacksOnly(_ kind: any PackHomeUnderTest) throws {
        let home = try kind.make(store: scratch.store)
        let scratch = scratch
        let total = 120
        let published = Atomic(0)
        let failure = Mutex<(any Error)?>(nil)
        let thread = ThreadOfTest {
            do {
                for number in 0..<total {
                    let file = try scratch.pack("s-\(number)", lines: 40, name: "new-\(number)")
                    try home.publish(file, as: "packs/2026/11/\(10 + number % 7)/s-\(number).pack")
                    published.store(number + 1, ordering: .releasing)
                }
            } catch {
                failure.withLock { $0 = error }
                published.store(total, ordering: .releasing)
            }
        }
        var looks = 0
        var before = 0
        repeat {
            before = published.load(ordering: .acquiring)
            let listing = home.list()
            #expect(listing.troubles.isEmpty && listing.aside.isEmpty)
            #expect(listing.packs.count >= before, "a pack that was published is listed")
            for pack in listing.packs where looks % 4 == 0 {
                let reader = try home.reader(for: pack.path)
                #expect(reader.fileSize == pack.size)
                #expect(try reader.session().session + ".pack" == pack.name)
            }
            looks += 1
        } while before < total
        thread.join()
        try failure.withLock { if let error = $0 { throw error } }
        #expect(home.list().packs.count == total)
    }
}

/// A thread of its own: publishing blocks.
final class ThreadOfTest {
    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let box = Unmanaged.passRetained(Box(body)).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box)
    }

    func join() { pthread_join(thread, nil) }
}
