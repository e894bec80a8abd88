import Files
import Glibc
import Text

/// The symbols of a store as files, to be copied to another store.
protocol SymbolPlace {
    /// Calls `body` with the path of each file, below the folder of symbols, in a fixed order.
    func forEachFile(_ body: (String) throws -> Void) throws

    /// Opens a file; one in a bucket is downloaded first.
    func open(_ path: String) throws -> OpenFile

    /// Takes a file under a path that ``forEachFile(_:)`` of another place gave.
    ///
    /// - Returns: false if the place has the same bytes there already.
    func take(_ file: OpenFile, as path: String) throws -> Bool
}

/// The folder of symbols of an embedded store.
struct SymbolFolder: SymbolPlace {
    let store: String

    private static let folder = "symbols"

    func forEachFile(_ body: (String) throws -> Void) throws {
        var tree = StoreTree(store, followsLinks: true)
        let files = tree.files(in: Self.folder)
        if let gap = tree.gaps.first {
            throw StoreError(.unreadableNow, "the symbols cannot be read: \(gap.words)", path: store, kind: .tryAgain)
        }
        for file in files {
            let path = String(file.path.dropFirst(Self.folder.count + 1))
            // The earlier signatures of crashes are rows of the catalog as well.
            if !path.hasSameBytes(as: "aliases.jsonl"), !path.hasSuffix(".part~") { try body(path) }
        }
    }

    func open(_ path: String) throws -> OpenFile {
        do throws(FileFailure) { return try OpenFile("\(store)/\(Self.folder)/\(path)", O_RDONLY | O_NONBLOCK) } catch {
            throw FileCopy.Trouble(.source, error).failure
        }
    }

    func take(_ file: OpenFile, as path: String) throws -> Bool {
        let own = "\(Self.folder)/\(path)"
        let target = "\(store)/\(own)"
        do {
            var facts = stat()
            if lstat(target, &facts) == 0, UInt64(max(0, facts.st_size)) == (try? file.size),
                try FileCopy.digest(target) == FileCopy.digest(file.path)
            {
                return false
            }
            try FileCopy.makeFolders(of: own, below: store)
            _ = try FileCopy.copy(file.path, to: target, modified: (try? file.modified) ?? 0)
            return true
        } catch let trouble as FileCopy.Trouble {
            throw trouble.failure
        }
    }
}
