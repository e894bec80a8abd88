import Ingest
import Model
import Testing

/// One hostile archive: how it is made, and the expected result.
struct Attack: CustomTestStringConvertible, Sendable {
    let name: String
    let verdict: ArchiveVerdict
    var flags: Set<String> = []
    /// Members that must be kept whole; the content of each is its name.
    var kept = ["first", "last"]
    /// Members in the pack, where it matters.
    var members: Int?
    var limits = IngestLimits()
    let build: @Sendable (HostileArchive) -> Void

    var testDescription: String { name }

    /// Puts the body between two good entries and adds a valid end.
    static func between(
        _ name: String, _ verdict: ArchiveVerdict, _ flags: Set<String> = [], kept: [String] = ["first", "last"],
        members: Int? = nil, _ body: @escaping @Sendable (HostileArchive) -> Void
    ) -> Attack {
        Attack(name: name, verdict: verdict, flags: flags, kept: kept, members: members) { tar in
            tar.good("first")
            body(tar)
            tar.good("last")
            tar.end()
            tar.close()
        }
    }

    static let all = names + sizes + headers + sparse + streams + numbers

    // MARK: Names and kinds

    private static let names: [Attack] = [
        between(
            "names that lead out", "ok", kept: ["first", "../../evil", "/tmp/evil", "C:\\evil", "a/../../evil", "last"]
        ) {
            for name in ["../../evil", "/tmp/evil", "C:\\evil", "a/../../evil"] { $0.good(name) }
        },
        between("a link, and files written through it", "ok", kept: ["first", "out/evil", "last"], members: 6) {
            $0.link("out", to: "/tmp", type: "2")
            $0.good("out/evil")
            $0.link("up", to: "../..", type: "2")
            $0.link("out/again", to: "up/up", type: "2")
        },
        between("hard links to what is outside", "ok", members: 5) {
            $0.link("passwd", to: "/etc/passwd", type: "1")
            $0.link("up", to: "../../../etc/shadow", type: "1")
            $0.link("self", to: "self", type: "1")
        },
        between("a hard link with content", "corrupt", kept: ["first"]) {
            $0.header(Array("evil".utf8), size: HostileArchive.octal(4, width: 12), type: "1", link: "/etc/passwd")
            $0.raw(Array("evil".utf8))
            $0.pad()
        },
        between("devices, pipes and their like", "ok", members: 8) {
            for type in ["3", "4", "6"] as [Character] { $0.header([0x64], type: type, mode: 0o7777) }
            $0.file(Array("setuid".utf8), Array("setuid".utf8), mode: 0o6755)
            $0.header(Array("folder/".utf8), type: "5", mode: 0o1777)
            $0.pax([("SCHILY.xattr.security.capability", "x"), ("LIBARCHIVE.xattr.user.a", "eA==")])
            $0.good("attributes")
        },
        between("one name many times, as file, folder and link", "ok", members: 8) {
            $0.good("same")
            $0.good("same")
            $0.header(Array("same".utf8), type: "5")
            $0.link("same", to: "/tmp", type: "2")
            $0.good("SAME")
            $0.good("same/below")
        },
        between("names of any bytes", "ok", members: 9) {
            let odd: [[UInt8]] = [
                Array("evil\0.txt".utf8), [0xff, 0xfe, 0x80], Array("two\nlines".utf8), Array("\u{1b}[2J".utf8),
                Array("\u{202e}gpj.exe".utf8), Array("gro\u{308}ße".utf8),
            ]
            for name in odd {
                $0.pax(HostileArchive.record("path", name))
                $0.good("short")
            }
            $0.header([], size: HostileArchive.octal(0, width: 12))
        },
        between("names of any length", "incomplete", ["limit"], members: 6) {
            for length in [5000, 64 << 10, 200 << 10] {
                $0.pax(HostileArchive.record("path", [UInt8](repeating: 0x61, count: length)))
                $0.good("short")
            }
            $0.pax(HostileArchive.record("path", (0..<3000).flatMap { _ in [0x64, 0x2f] } + [0x64]))
            $0.good("short")
        },
    ]

    // MARK: Sizes

    private static let sizes: [Attack] = [
        between("a size that is negative", "corrupt", kept: ["first"]) {
            $0.header(Array("evil".utf8), size: [UInt8](repeating: 0xff, count: 12))
        },
        between("a size of 2^63 - 1", "corrupt", kept: ["first"]) {
            $0.header(
                Array("evil".utf8), size: [0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7))
        },
        between("a size of 2^64", "corrupt", kept: ["first"]) {
            $0.header(Array("evil".utf8), size: [0x80, 0, 0, 1] + [UInt8](repeating: 0, count: 8))
        },
        between("eight gigabytes announced and one block there", "incomplete", ["truncated"], kept: ["first"]) {
            $0.header(Array("evil".utf8), size: Array("77777777777\0".utf8))
            $0.zeros(512)
        },
        between("a size of 2^63 in a pax record", "corrupt", kept: ["first"]) {
            $0.pax([("size", "9223372036854775808")])
            $0.good("evil")
        },
        between("a size smuggled past the header's", "ok", members: 3) {
            $0.pax([("size", "1024")])
            $0.header(Array("outer".utf8))
            $0.good("hidden")
        },
    ]

    // MARK: Headers

    private static let headers: [Attack] = [
        between("a header of 64 MiB", "corrupt") {
            $0.header(Array("PaxHeaders/x".utf8), size: HostileArchive.octal(64 << 20, width: 12), type: "x")
            $0.zeros(64 << 20)
            $0.good("evil")
        },
        between("a long name of 64 MiB", "corrupt") {
            $0.header(Array("././@LongLink".utf8), size: HostileArchive.octal(64 << 20, width: 12), type: "L")
            $0.zeros(64 << 20)
            $0.good("evil")
        },
        between("300,000 pax records", "corrupt") {
            $0.pax((0..<300_000).flatMap { HostileArchive.record("k\($0)", [0x76]) })
            $0.good("evil")
        },
        between("a million pax records in a row of headers", "corrupt", ["tar_damaged"]) { tar in
            let records = (0..<20_000).flatMap { HostileArchive.record("key\($0)", [0x76]) }
            for _ in 0..<50 { tar.pax(records) }
            tar.good("evil")
        },
        between("200,000 global headers", "corrupt", ["limit"], kept: ["first"]) { tar in
            for _ in 0..<200_000 { tar.pax([("comment", "x")], type: "g") }
        },
        between("access control lists of a megabyte", "ok", members: 7) { tar in
            let list = (0..<50_000).flatMap { Array("user:a\($0):rwx,".utf8) }
            for _ in 0..<5 {
                tar.pax(HostileArchive.record("SCHILY.acl.access", list))
                tar.good("listed")
            }
        },
        between("blocks that are no headers", "corrupt") { tar in
            for index in 0..<20_000 { tar.raw((0..<512).map { UInt8(truncatingIfNeeded: ($0 + index) &* 37 | 1) }) }
        },
    ]

    // MARK: Holes

    /// A pax sparse map in front of the content, format 1.0.
    private static func map(_ extents: some Collection<(Int, Int)>, size: String, _ tar: HostileArchive, data: Int) {
        var text = Array("\(extents.count)\n".utf8)
        for (offset, length) in extents { text += Array("\(offset)\n\(length)\n".utf8) }
        text += [UInt8](repeating: 0, count: (512 - text.count % 512) % 512)
        tar.pax([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "sparse"),
            ("GNU.sparse.realsize", size),
        ])
        tar.header(
            Array("GNUSparseFile.0/sparse".utf8), size: HostileArchive.octal(text.count + data, width: 12))
        tar.raw(text)
        tar.raw([UInt8](repeating: 0x78, count: data))
        tar.pad()
    }

    private static let sparse: [Attack] = [
        between("a hole of a pebibyte", "incomplete", ["limit"]) {
            map([(1 << 50, 4)], size: String((1 << 50) + 4), $0, data: 4)
        },
        between("a map of a million extents", "incomplete", ["limit"]) {
            map((0..<1_000_000).map { ($0 * 2, 1) }, size: "2000000", $0, data: 1_000_000)
        },
        between("a map of 90,000 extents of one byte", "ok", members: 3) {
            map((0..<90_000).map { ($0 * 2, 1) }, size: "180000", $0, data: 90_000)
        },
        between("an old map of a million extents", "incomplete", ["limit"]) { tar in
            func number(_ value: Int) -> [UInt8] { HostileArchive.octal(value, width: 12) }
            tar.header(
                Array("sparse".utf8), size: number(0), type: "S", magic: "ustar  \0",
                patches: [(386, number(0) + number(0)), (482, [1]), (483, number(2_000_000))])
            for block in 0..<47_619 {
                var continued: [UInt8] = []
                for entry in 0..<21 { continued += number((block * 21 + entry) * 2) + number(0) }
                tar.raw(continued + [block == 47_618 ? 0 : 1] + [UInt8](repeating: 0, count: 7))
            }
        },
        between("extents that overlap and go backwards", "corrupt") {
            map([(1000, 512), (500, 512), (0, 512)], size: "2000", $0, data: 1536)
        },
        between("many files of holes", "incomplete", ["limit"], kept: ["first"]) { tar in
            for _ in 0..<100 { map([(1 << 30, 4)], size: String((1 << 30) + 4), tar, data: 4) }
        },
    ]

    // MARK: The stream

    private static let streams: [Attack] = [
        Attack(
            name: "a bomb of a gigabyte", verdict: "incomplete", flags: ["limit"], kept: ["first"],
            limits: {
                var limits = IngestLimits()
                limits.unpack.totalSize = 256 << 20
                return limits
            }()
        ) { tar in
            tar.good("first")
            tar.header(Array("zeros".utf8), size: HostileArchive.octal(1 << 30, width: 12))
            tar.zeros(1 << 30)
            tar.close()
        },
        between("a gigabyte of zeros within the limits", "ok", members: 3) {
            $0.header(Array("zeros".utf8), size: HostileArchive.octal(1 << 30, width: 12))
            $0.zeros(1 << 30)
        },
        Attack(name: "no end", verdict: "incomplete", flags: ["missing_end"]) {
            $0.good("first")
            $0.good("last")
            $0.close()
        },
        Attack(name: "one zero block for an end", verdict: "incomplete", flags: ["missing_end", "lone_zero_block"]) {
            $0.good("first")
            $0.good("last")
            $0.end(blocks: 1)
            $0.close()
        },
        Attack(name: "rubbish behind the end", verdict: "ok", flags: ["trailing_data"]) {
            $0.good("first")
            $0.good("last")
            $0.end()
            $0.close(Array("rubbish".utf8))
        },
        Attack(name: "a second archive behind the end", verdict: "ok", flags: ["data_after_end"]) {
            $0.good("first")
            $0.end()
            $0.good("last")
            $0.end()
            $0.close()
        },
        Attack(name: "nothing in it", verdict: "incomplete", kept: [], members: 0) { $0.close() },
        Attack(name: "an end and nothing else", verdict: "ok", kept: [], members: 0) {
            $0.end()
            $0.close()
        },
        Attack(name: "an error page", verdict: "not_an_archive", kept: [], members: 0) {
            $0.raw(Array(#"{"statusCode":404,"code":"not_found"}"#.utf8))
            $0.close()
        },
    ]

    // MARK: Numbers

    private static let numbers: [Attack] = [
        between("a million empty entries", "incomplete", ["limit"], kept: ["first"], members: 1_000_000) { tar in
            for index in 0..<1_000_000 { tar.header(Array("e\(index)".utf8)) }
        },
        between("300,000 entries of one byte", "ok", members: 300_002) { tar in
            for index in 0..<300_000 { tar.file(Array("folder/file-\(index).log".utf8), [0x78]) }
        },
        between("names of a hundred bytes, as many as may be", "incomplete", ["limit"], kept: ["first"]) { tar in
            let long = [UInt8](repeating: 0x6e, count: 90)
            for index in 0..<400_000 { tar.header(long + Array("\(index)".utf8)) }
        },
        between("100,000 dumps of nothing", "ok", members: 100_002) { tar in
            for index in 0..<100_000 { tar.file(Array("\(index).dmp".utf8), Array("MDMP".utf8)) }
        },
        between("20,000 compressed logs", "ok", ["expansion_limited"]) { tar in
            let log =
                [
                    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xe4, 0x02, 0x00, 0x07, 0xa1, 0xea, 0xdd, 2, 0, 0, 0,
                ] as [UInt8]
            for index in 0..<20_000 { tar.file(Array("\(index).log.gz".utf8), log) }
        },
        between("ninety megabytes that do not shrink", "ok", members: 3) { tar in
            tar.header(Array("random".utf8), size: HostileArchive.octal(90 << 20, width: 12))
            var state: UInt64 = 1
            for _ in 0..<90 {
                var piece = [UInt8](repeating: 0, count: 1 << 20)
                piece.withUnsafeMutableBytes { raw in
                    for index in 0..<(raw.count / 8) {
                        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        raw.storeBytes(of: state ^ state >> 29, toByteOffset: index * 8, as: UInt64.self)
                    }
                }
                tar.raw(piece)
            }
        },
        between("bombs in logs in an archive", "ok", ["expansion_limited"]) { tar in
            let inner = bomb(bytes: 1 << 30)
            for index in 0..<2 { tar.file(Array("rotated-\(index).log.gz".utf8), inner) }
        },
    ]
}
