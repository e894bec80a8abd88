import Foundation
import Testing

/// The documented way of a session from the list to its committed pack, compared with the code.
@Suite struct RoadTests {
    /// The repository's folder.
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private struct Hop {
        var target: String
        var file: String
        var function: String
    }

    /// The rows of the table in docs/architecture.md.
    private static func hops() throws -> [Hop] {
        let text = try String(contentsOf: root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, Int(cells[0]) != nil else { return nil }
            let place = cells[1].trimmingCharacters(in: ["`"]).split(separator: "/").map(String.init)
            guard place.count == 2 else { return nil }
            return Hop(target: place[0], file: place[1], function: cells[2].trimmingCharacters(in: ["`"]))
        }
    }

    @Test func theWayHasAtMost25HopsAndEachIsAFunctionOfItsFile() throws {
        let hops = try Self.hops()
        #expect((15...25).contains(hops.count), "\(hops.count) hops")
        for hop in hops {
            let folder = Self.root.appendingPathComponent("Sources/\(hop.target)").path
            let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
            let found = names.filter { $0 == hop.file || $0.hasSuffix("/" + hop.file) }
            try #require(found.count == 1, "\(hop.target)/\(hop.file): \(found)")
            let source = try String(contentsOfFile: folder + "/" + found[0], encoding: .utf8)
            #expect(source.contains("func \(hop.function)("), "\(hop.file) has no \(hop.function)")
        }
    }
}
