import Files
import Glibc
import Model
import Pack
import PackHome
import Testing

@testable import S3

/// What concerns only packs in a bucket. The server is real; a proxy before it spoils requests.
@Suite(.enabled(if: S3UnderTest.endpoint != nil, "SALVAGE_TEST_S3 names no server"))
struct S3PackHomeTests {
    private static let path = "packs/2026/11/20/s-1.1.deadbeef.pack"
    let scratch: Scratch
    let place: S3UnderTest.Place
    let home: S3PackHome

    init() throws {
        scratch = try Scratch()
        place = try S3UnderTest.place(of: scratch.store)
        home = S3PackHome(place.client, local: scratch.store)
    }

    private func content(_ file: String) throws -> [UInt8] {
        try OpenFile(file, O_RDONLY).rest(limit: 1 << 30)
    }

    private func publish(lines: Int = 60_000, as path: String = path) throws -> [UInt8] {
        let file = try scratch.pack("s-1", lines: lines)
        let content = try content(file)
        try home.publish(file, as: path)
        return content
    }

    private func requests(_ body: () throws -> Void) rethrows -> [String] {
        _ = place.proxy.requests()
        try body()
        return place.proxy.requests()
    }

    // MARK: Absent or not

    @Test func onlyTheBucketsAnswerIsAbsence() throws {
        #expect(home.presence(of: Self.path) == .absent)
        for calls in [{ _ = try home.bytes(of: Self.path) }, { _ = try home.localCopy(of: Self.path) }]
            as [() throws -> Void]
        {
            let error = #expect(throws: PackError.self) { try calls() }
            #expect(error?.isAbsence == true)
        }
        let faults: [FaultProxy.Fault] = [
            .status(403, code: "AccessDenied"), .status(503, code: "SlowDown"), .status(500, code: "InternalError"),
            .status(404, code: "NoSuchBucket"), .cut(after: 0), .cut(after: 20),
        ]
        for fault in faults {
            place.proxy.spoil { _ in fault }
            guard case .unknown(let reason) = home.presence(of: Self.path) else {
                Issue.record("\(fault): \(home.presence(of: Self.path))")
                continue
            }
            #expect(!reason.isAbsence && !reason.message.isEmpty, "\(fault)")
            let calls: [() throws -> Void] = [
                { _ = try home.bytes(of: Self.path) }, { _ = try home.localCopy(of: Self.path) },
                { _ = try home.paths(of: "s-1", from: Self.path) }, { try home.prepare(Self.path) },
                { try home.remove(Self.path) },
                { _ = try home.ranges(of: Self.path, size: 10, identity: nil).read([0..<1]) },
            ]
            for (index, call) in calls.enumerated() {
                let error = #expect(throws: PackError.self, "\(fault), call \(index)") { try call() }
                #expect(error?.isAbsence == false && error?.isLocalFault == true, "\(fault), call \(index)")
            }
            let listing = home.list()
            #expect(listing.packs.isEmpty && listing.troubles.count == 1, "\(fault)")
            #expect(home.remove([Self.path]).map(\.path) == [Self.path], "\(fault)")
        }
        place.proxy.spoil { _ in nil }
        #expect(home.presence(of: Self.path) == .absent)
    }

    @Test func aLocalFolderThatIsGoneIsNotAnAbsentPack() throws {
        _ = try publish(lines: 10)
        let other = S3PackHome(place.client, local: scratch.file("unmounted"))
        let error = #expect(throws: PackError.self) { try other.localCopy(of: Self.path) }
        #expect(error?.isAbsence == false)
        #expect(!scratch.exists("unmounted"))
    }

    // MARK: Never replaced

    @Test func aTakenKeyIsNeverWritten() throws {
        let content = try publish(lines: 1000)
        let file = try scratch.pack("s-2", lines: 10)
        let error = #expect(throws: PackError.self) { try home.publish(file, as: Self.path) }
        #expect(error?.errno == EEXIST && scratch.exists("new"))
        let prepared = #expect(throws: PackError.self) { try home.prepare(Self.path) }
        #expect(prepared?.errno == EEXIST)
        #expect(try home.bytes(of: Self.path).read([0..<UInt64(content.count)])[0] == content)
    }

    @Test func anOpenPackNeverReturnsBytesOfAnother() throws {
        let content = try publish()
        let opened = try home.bytes(of: Self.path)
        let known = try home.ranges(of: Self.path, size: opened.size, identity: opened.identity())
        #expect(try opened.read([0..<9])[0] == Array(content[0..<9]))
        // What salvage never does.
        _ = try place.client.put(Self.path, Array(repeating: 1, count: content.count), replaces: true)
        for call in [{ try opened.read([0..<9]) }, { try known.read([0..<9, 200_000..<200_009]) }] {
            let error = #expect(throws: PackError.self) { try call() }
            #expect(error?.errno == ESTALE && error?.isAbsence == false)
        }
        try home.remove(Self.path)
        let gone = #expect(throws: PackError.self) { try opened.read([0..<9]) }
        #expect(gone?.isAbsence == true)
    }

    // MARK: Publishing

    @Test func anEndThatDoesNotComeBackIsNoPublication() throws {
        let file = try scratch.pack("s-1", lines: 1000)
        let content = try content(file)
        for fault in [
            FaultProxy.Fault.cut(after: 200), .status(503, code: "SlowDown"), .status(403, code: "AccessDenied"),
        ] {
            let path = PackPath.generation("packs/2026/11/20/s-1.pack", epoch: 1, nonce: .random(in: 0 ... .max))
            // The probe before the upload reads the first byte, the check after it the end.
            let isWritten = Flag()
            place.proxy.spoil { line in
                if line.hasPrefix("PUT ") { isWritten.set() }
                return line.hasPrefix("GET ") && isWritten.isSet ? fault : nil
            }
            #expect(throws: PackError.self, "\(fault)") { try home.publish(file, as: path) }
            #expect(try self.content(file) == content, "the file stays")
        }
        place.proxy.spoil { _ in nil }
        try home.publish(file, as: "packs/2026/11/20/s-1.2.00000000.pack")
        #expect(!scratch.exists("new"))
    }

    @Test func cutBodiesAreNeverContent() throws {
        let content = try publish()
        for after in [300, 1000, 20_000, 70_000] {
            place.proxy.spoil { $0.hasPrefix("GET ") ? .cut(after: after) : nil }
            for call in [
                { _ = try home.bytes(of: Self.path).read([0..<UInt64(content.count)]) },
                { _ = try home.localCopy(of: Self.path) },
            ] as [() throws -> Void] {
                let error = #expect(throws: PackError.self, "\(after)") { try call() }
                #expect(error?.isAbsence == false && error?.isLocalFault == true)
            }
        }
        place.proxy.spoil { _ in nil }
        let copy = try home.localCopy(of: Self.path)
        let copied = try withExtendedLifetime(copy) {
            try Descriptor.read(copy.descriptor, at: 0, count: content.count + 1)
        }
        #expect(copied == content)
        withExtendedLifetime(copy) {
            #expect(write(copy.descriptor, "x", 1) == -1 && errno == EBADF, "whoever gets it cannot change it")
        }
        #expect(try OpenFolder(path: scratch.file("cache")).names().isEmpty, "copies have no names")
    }

    @Test func aDamagedPackIsMovedAside() throws {
        _ = try publish(lines: 1000)
        let damaged = try home.localCopy(of: Self.path)
        let aside = try home.setAside(damaged, at: Self.path, keepsPath: true)
        #expect(aside == Self.path + ".damaged-1")
        #expect(home.list().packs.map(\.path) == [Self.path])
        #expect(try home.setAside(damaged, at: Self.path, keepsPath: false) == aside)
        #expect(home.presence(of: Self.path) == .absent && home.list().aside.map(\.path) == [aside])
        #expect(try home.setAside(damaged, at: Self.path, keepsPath: false) == aside, "repeated after it was removed")
    }

    // MARK: Requests

    @Test func requestsAreFew() throws {
        let content = try publish()
        let size = UInt64(content.count)
        try #require(size > 400_000)
        var reader: PackReader?
        #expect(try requests { reader = try home.reader(for: Self.path) }.count == 1)
        let identity = try #require(try reader?.identity())
        let bytes = try home.bytes(of: Self.path)
        let near = (0..<50).map { UInt64($0) * 2000..<UInt64($0) * 2000 + 100 }
        #expect(try requests { _ = try bytes.read(near) }.count == 1)
        #expect(try requests { _ = try bytes.read([0..<10, 140_000..<140_010, 10..<20]) }.count == 2)
        #expect(try requests { _ = try bytes.read([size - 100..<size, 5..<5]) }.isEmpty)
        var ranges: (any RangeReader)?
        #expect(try requests { ranges = try home.ranges(of: Self.path, size: size, identity: identity) }.isEmpty)
        var found: [[UInt8]]?
        #expect(try requests { found = try ranges?.read([7..<9]) }.count == 1)
        #expect(found == [Array(content[7..<9])])
        let lines = try requests { _ = try home.paths(of: "s-1", from: "packs/2026/11/20/s-1.pack") }
        #expect(lines.count == 1 && lines[0].contains("prefix=") && lines[0].contains("s-1."))
        var presence = PackPresence.absent
        #expect(requests { presence = home.presence(of: Self.path) }.count == 1)
        #expect(presence != .absent)
        for number in 0..<3 { _ = try publish(lines: 1, as: "packs/2026/11/20/s-1.2.0000000\(number).pack") }
        let paths = (0..<3).map { "packs/2026/11/20/s-1.2.0000000\($0).pack" }
        var failures: [(path: String, error: PackError)] = []
        #expect(requests { failures = home.remove(paths) }.count == 1)
        #expect(failures.isEmpty)
    }

    @Test func aCachedPackIsOpenedAndReadWithoutRequests() throws {
        let content = try publish()
        func cached() -> CachedPackHome { CachedPackHome(home, local: scratch.store, most: 64 << 20, reserve: 0) }
        let ranges = [10..<20, 150_000..<150_100, UInt64(content.count) - 5..<UInt64(content.count)]
        let expected = ranges.map { Array(content[Int($0.lowerBound)..<Int($0.upperBound)]) }
        #expect(try cached().bytes(of: Self.path).read(ranges) == expected)
        var found: [[UInt8]] = []
        #expect(try requests { found = try cached().bytes(of: Self.path).read(ranges) }.isEmpty)
        #expect(found == expected)
        // A part that is missing is one more request, without opening the pack again.
        #expect(try requests { _ = try cached().bytes(of: Self.path).read([70_000..<70_001]) }.count == 1)
    }

    @Test func youngUploadsOfOthersStay() throws {
        _ = try place.client.begin(Self.path, S3Client.newOwner())
        home.removeUnfinished(writtenIn: try OpenFolder(path: scratch.store))
        #expect(try place.client.unfinishedUploads("packs/").map(\.key) == [Self.path])
    }
}
