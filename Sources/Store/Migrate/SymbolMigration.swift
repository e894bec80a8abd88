import Catalog
import CrashAnalysis
import Files
import Glibc
import Text

/// Copies the symbols of a store to another one. Symbols are only added, and crashes are not signed again: they bring what
/// the symbols gave them.
struct SymbolMigration {
    let source: Store
    let target: Store
    /// Called before each file.
    let progress: (StoreProgress) -> Void

    private static let folder = "symbols"
    /// The most files that are added to a bucket in one step: they are staged on this machine first.
    private static let batch = 16

    /// Adds to the report what was copied, and as gaps what could not be read.
    func copy(_ report: inout MigrationReport) throws {
        if let cache = try source.symbolCache() {
            for row in try source.catalog().symbols() {
                do {
                    guard let file = try cache.hold(row) else { continue }
                    progress(.addingSymbols(path: row.key))
                    try add([file.path], &report)
                    withExtendedLifetime(file) {}
                } catch let error as SymbolFault {
                    report.gaps.append(.init("symbols were not copied: \(error.reason)", path: row.key))
                }
            }
            return
        }
        var tree = StoreTree(source.path, followsLinks: true)
        // The earlier signatures of crashes are rows of the catalog as well.
        let files = tree.files(in: Self.folder).filter {
            !$0.path.hasSameBytes(as: Self.folder + "/aliases.jsonl") && !$0.path.hasSuffix(".part~")
        }
        report.gaps += tree.gaps.map { .init($0.words, path: $0.path) }
        for start in stride(from: 0, to: files.count, by: Self.batch) {
            let batch = files[start..<min(start + Self.batch, files.count)]
            progress(.addingSymbols(path: batch[start].path))
            if try target.symbolCache() == nil {
                for file in batch where try copy(file) { report.symbols += 1 }
            } else {
                try add(batch.map { "\(source.path)/\($0.path)" }, &report)
            }
        }
    }

    /// Adds files under the names that their content gives them.
    private func add(_ paths: [String], _ report: inout MigrationReport) throws {
        var addition = SymbolStore.Addition()
        if let cache = try target.symbolCache() {
            let uploads = SymbolUploads(catalog: try target.catalog(), cache: cache)
            addition = try uploads.add(paths) { _ in }
        } else {
            for path in paths { addition.join(try target.symbols.add(path: path)) }
        }
        report.symbols += addition.added.count
        report.gaps += addition.unread.map { .init("symbols were not copied: \($0.message)", path: $0.path) }
    }

    /// Copies a file of a folder into a folder, under the same name; false if it is there.
    private func copy(_ file: StoreFile) throws -> Bool {
        let (from, to) = ("\(source.path)/\(file.path)", "\(target.path)/\(file.path)")
        do {
            var facts = stat()
            if lstat(to, &facts) == 0, UInt64(max(0, facts.st_size)) == file.size,
                try FileCopy.digest(to) == FileCopy.digest(from)
            {
                return false
            }
            try FileCopy.makeFolders(of: file.path, below: target.path)
            _ = try FileCopy.copy(from, to: to, modified: file.modified)
            return true
        } catch let trouble as FileCopy.Trouble {
            throw trouble.failure
        }
    }
}
