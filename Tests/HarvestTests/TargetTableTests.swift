import Foundation
import Testing

/// The documented targets and what each imports, compared with the code.
@Suite struct TargetTableTests {
    /// The repository's folder.
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private struct Row {
        var target: String
        var imports: String
    }

    /// The rows of the table in docs/architecture.md, in order. A row of several targets is one row for each.
    private static func rows() throws -> [Row] {
        let text = try String(contentsOf: root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        let lines = text.split(separator: "\n").drop { $0 != "| target | purpose | imports |" }
        return lines.prefix { $0.hasPrefix("|") }.flatMap { line -> [Row] in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return cells.count == 3 ? names(cells[0]).map { Row(target: $0, imports: cells[2]) } : []
        }
    }

    /// The names in backticks.
    private static func names(_ cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap { index, part in
            index % 2 == 1 ? String(part) : nil
        }
    }

    /// The folders of `Sources`.
    private static func targets() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("Sources").path))
    }

    /// The modules that the Swift files of a target import.
    private static func imports(_ target: String) throws -> Set<String> {
        let folder = root.appendingPathComponent("Sources/\(target)").path
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        var found: Set<String> = []
        for file in files where file.hasSuffix(".swift") {
            let source = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
            for line in source.split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                guard let word = words.prefix(3).firstIndex(of: "import"), words.count == word + 2 else { continue }
                found.insert(words[word + 1])
            }
        }
        return found
    }

    @Test func everyTargetHasItsRow() throws {
        let rows = Set(try Self.rows().map(\.target).filter { !$0.hasSuffix("-example") })
        let targets = try Self.targets()
        #expect(rows == targets)
    }

    @Test func aTargetImportsTargetsBelowItAsItsRowSays() throws {
        let rows = try Self.rows()
        let (targets, order) = (try Self.targets(), rows.map(\.target))
        let floor = try #require(order.firstIndex(of: "JSON"))
        for (place, row) in rows.enumerated() where targets.contains(row.target) {
            let imported = try Self.imports(row.target).intersection(targets)
            for name in imported {
                let below = try #require(order.firstIndex(of: name))
                #expect(below > place, "\(row.target) imports \(name), which is above it")
            }
            guard place < floor, row.target != "SalvageCommands" else { continue }
            let listed = Set(Self.names(row.imports))
            #expect(listed == imported.subtracting(order[floor...]), "\(row.target)")
        }
    }
}
