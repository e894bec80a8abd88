import Files
import Glibc
import JSON
import Model

/// `journal/decisions.jsonl`: the journal of decisions of an embedded store.
///
/// A writer locks the file (flock), appends one line with one write and syncs it. A power cut or a killed writer can leave
/// a last line without its end; the next writer begins a new line, and the torn one stays.
struct DecisionFile {
    /// The file's path in the store.
    static let file = folder + "/" + name

    private static let folder = "journal"
    private static let name = "decisions.jsonl"

    private let store: String

    init(store: String) { self.store = store }

    /// Reads all decisions; only a missing file has none.
    ///
    /// - Throws: ``StoreError`` with `unreadableNow` if the file cannot be read now.
    func read() throws(StoreError) -> DecisionJournal.Contents {
        do throws(FileFailure) {
            guard let folder = try OpenFolder(ifPresent: store + "/" + Self.folder) else {
                return DecisionJournal.Contents()
            }
            return Self.contents(try Self.bytes(folder))
        } catch {
            throw StoreError(
                .unreadableNow, "the journal of decisions cannot be read now: \(error.reason)",
                path: error.path.isEmpty ? store + "/" + Self.file : error.path,
                hint: "check the disk and who may read the file; without it, no state of a signature is known",
                kind: .tryAgain)
        }
    }

    /// Appends the decision that `make` returns for what the journal has, and syncs it. No other writer adds anything
    /// between the two. Nothing is written if `make` throws.
    ///
    /// - Returns: all decisions, the new one last.
    /// - Throws: ``StoreError`` with `decisionFailed`, or what the closure throws.
    func append(_ make: (DecisionJournal.Contents) throws -> Decision) throws -> [Decision] {
        let file: OpenFile
        let before: [UInt8]
        do throws(FileFailure) {
            try Folders.make(store + "/" + Self.folder, below: store) { (_) throws(FileFailure) in
                try Folders.sync(store)
            }
            file = try OpenFile(store + "/" + Self.file, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY)
            try file.lock(.exclusive)
            guard try file.size <= UInt64(DecisionJournal.largest) else {
                throw FileFailure("read", file.path, errno: EFBIG)
            }
            before = try file.rest(limit: DecisionJournal.largest)
        } catch {
            throw Self.refusal(error)
        }
        var contents = Self.contents(before)
        let decision = try make(contents)
        // A torn line stays as it is, and a new one begins.
        let start: [UInt8] = before.isEmpty || before.last == 0x0A ? [] : [0x0A]
        do throws(FileFailure) {
            try file.append(start + Shapes.decision.line(decision).utf8 + [0x0A], at: UInt64(before.count))
            try file.syncAll()
            // Always: whoever created the file may have been killed before its folder was synced.
            try Folders.sync(store + "/" + Self.folder)
        } catch {
            throw Self.refusal(error)
        }
        contents.decisions.append(decision)
        return contents.decisions
    }

    private static func refusal(_ error: FileFailure) -> StoreError {
        StoreError(
            .decisionFailed, "the decision cannot be written: \(error.reason)", path: error.path,
            hint: error.isFull ? "free space on the store's disk, then try again" : "check who may write to the store",
            kind: .failed)
    }

    private static func bytes(_ folder: OpenFolder) throws(FileFailure) -> [UInt8] {
        do throws(FileFailure) { return try folder.content(of: name, limit: DecisionJournal.largest) } catch {
            if error.errno == ENOENT { return [] }
            throw error
        }
    }

    private static func contents(_ bytes: [UInt8]) -> DecisionJournal.Contents {
        var contents = DecisionJournal.Contents()
        contents.isTorn = !bytes.isEmpty && bytes.last != 0x0A
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.isEmpty {
            contents.add(line, number: index + 1, isCut: contents.isTorn && index == lines.count - 1)
        }
        return contents
    }
}
