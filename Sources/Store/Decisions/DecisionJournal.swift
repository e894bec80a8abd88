import Catalog
import JSON
import Model

/// Every decision, one JSON object per line in the order in which they were made. It is only ever added to, so that
/// decisions outlive the rest of the catalog.
///
/// An embedded store has them in a file, a shared one in its catalog. Lines that cannot be read are skipped, kept and
/// reported by `verify`: another version may have written them.
struct DecisionJournal {
    /// What is in the journal.
    struct Contents {
        /// The decisions, in order.
        var decisions: [Decision] = []
        /// Lines that are not decisions: their number, from 1, and what is wrong with each.
        var unreadable: [(line: Int, why: String)] = []
        /// Whether the last line has no end.
        var isTorn = false

        /// Adds a line, without its newline.
        mutating func add(_ line: some Sequence<UInt8>, number: Int, isCut: Bool = false) {
            do throws(DecisionLine.Unreadable) {
                decisions.append(try DecisionLine.read(line))
            } catch {
                unreadable.append((number, isCut ? "was cut off while it was written" : error.why))
            }
        }
    }

    private enum Place {
        case file(DecisionFile)
        case catalog(Catalog)
    }

    /// What the journal is called in messages: the file's path in the store, or the table's name.
    let name: String
    private let place: Place
    /// The largest journal, in bytes: more than a million decisions.
    static let largest = 1 << 29
    /// How often a decision is made again because others were added meanwhile.
    private static let mostTries = 100

    /// The journal of an embedded store.
    init(store: String) {
        place = .file(DecisionFile(store: store))
        name = DecisionFile.file
    }

    /// The journal of the store that a catalog belongs to.
    init(_ catalog: Catalog) {
        place = catalog.isShared ? .catalog(catalog) : .file(DecisionFile(store: catalog.store))
        name = catalog.isShared ? "journal" : DecisionFile.file
    }

    /// Reads all decisions.
    ///
    /// - Throws: ``StoreError`` with `unreadableNow` if the journal cannot be read now.
    func read() throws(StoreError) -> Contents {
        switch place {
        case .file(let file): try file.read()
        case .catalog(let catalog): try Self.read(catalog).contents
        }
    }

    /// Appends the decision that `make` returns for what the journal has, durably. No other writer adds anything between
    /// the two. Nothing is written if `make` throws.
    ///
    /// - Parameter make: called again if another decision was added meanwhile.
    /// - Returns: all decisions, the new one last.
    /// - Throws: ``StoreError`` with `decisionFailed` or `unreadableNow`, or what the closure throws.
    func append(_ make: (Contents) throws -> Decision) throws -> [Decision] {
        switch place {
        case .file(let file): return try file.append(make)
        case .catalog(let catalog):
            for _ in 0..<Self.mostTries {
                var (contents, last) = try Self.read(catalog)
                // Outside a transaction: it asks the catalog.
                let decision = try make(contents)
                guard try Self.append(decision, after: last, to: catalog) else { continue }
                contents.decisions.append(decision)
                return contents.decisions
            }
            throw StoreError(
                .decisionFailed, "the decision was not written: others were made all the time",
                hint: "run the command again", kind: .tryAgain)
        }
    }

    private static func read(_ catalog: Catalog) throws(StoreError) -> (contents: Contents, last: Int64) {
        do throws(CatalogError) {
            var contents = Contents()
            let lines = try catalog.lines(of: .decisions, largest: largest)
            for line in lines { contents.add(line.bytes, number: Int(clamping: line.number)) }
            return (contents, lines.last?.number ?? 0)
        } catch {
            throw StoreError(
                .unreadableNow, "the journal of decisions cannot be read now: \(error.message)", path: error.path,
                hint: error.hint ?? "without it, no state of a signature is known; run the command again",
                kind: .tryAgain)
        }
    }

    private static func append(
        _ decision: Decision, after last: Int64, to catalog: Catalog
    ) throws(StoreError) -> Bool {
        do throws(CatalogError) {
            let line = Array(Shapes.decision.line(decision).utf8)
            return try catalog.append(line, to: .decisions, after: last, at: decision.time)
        } catch {
            throw StoreError(
                .decisionFailed, "the decision cannot be written: \(error.message)", path: error.path,
                hint: error.hint ?? "salvage crashes decisions shows whether it was written all the same",
                kind: error.code == .busy ? .tryAgain : .failed)
        }
    }
}

extension StoreError.Code {
    /// A decision could not be written to the journal.
    public static let decisionFailed = StoreError.Code(rawValue: "decision_failed")
    /// No signature has the name.
    public static let signatureNotFound = StoreError.Code(rawValue: "signature_not_found")
    /// The name means several signatures.
    public static let ambiguousSignature = StoreError.Code(rawValue: "ambiguous_signature")
}
