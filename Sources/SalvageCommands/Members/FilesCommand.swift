import Bytes
import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// `salvage files`: the members of one session.
struct ListFiles: Command {
    static var name: String { "files" }
    static var abstract: String { "List the members of a session." }
    static var discussion: String {
        """
        A glob without `/` is compared with the last part of the path, one with `/` with all of it; `**` matches \
        any number of folders. Paths are printed escaped, with backslashes \
        doubled, so that no two paths look the same; `salvage cat` takes a path as it is printed here or as raw \
        bytes.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .session { $0.session = $1 },
            .optional("glob", "Only members whose path matches this glob.") { $0.glob = $1 },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .choice("kind", value: "kind", "Only members of this kind. May be repeated.", occurrence: .collects) {
                $0.kind.append($1)
            }
        ]
    }

    var session = ""
    var glob: String?
    var kind: [MemberKindFlag] = []
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options)
        let record = try store.session(named: session)
        let kinds = Set(kind.map(\.rawValue))
        let wanted = glob.map { MemberGlob(MemberPath(argument: $0)) }
        let output = Output(options)
        var listing = MemberListing(output)
        try store.forEachMember(of: record) { member in
            guard wanted?.matches(member.path) ?? true, kinds.isEmpty || kinds.contains(member.kind.name) else {
                return
            }
            try listing.add(MemberRow(session: record.session, member: member))
        }
        let pruned = StoreError.pruned(record)
        if listing.count == 0 {
            if let pruned { throw pruned }
            try output.nothing(
                glob == nil && kinds.isEmpty ? "session \(record.session) has no members" : "no member matches",
                options)
        }
        listing.finish()
        try output.finish()
        if let pruned, !options.quiet { Failure(pruned).report(json: options.json, style: options.errorStyle) }
    }
}

/// Prints members, in text as one table for each artifact.
private struct MemberListing {
    private let output: Output
    private var listing: Listing<MemberRow>
    private var artifact: String?
    private(set) var count = 0

    init(_ output: Output) {
        self.output = output
        listing = Listing(output)
    }

    mutating func add(_ row: MemberRow) throws {
        count += 1
        if !output.json, artifact?.hasSameBytes(as: row.member.artifact) != true {
            finish()
            if artifact != nil { output.text("") }
            artifact = row.member.artifact
            let name = output.style.charset.text(Escape.display(row.member.artifact))
            let fitting = output.style.width.map { DisplayWidth.cut(name, to: $0, .middle, output.style.charset) }
            output.text(output.style.bold(fitting ?? name))
        }
        try listing.add(row)
    }

    /// Writes the table of the last artifact.
    mutating func finish() {
        if listing.count > 0 { listing.finish() }
        listing = Listing(output)
    }
}

/// The values of `--kind`.
enum MemberKindFlag: String, CaseIterable {
    case log, text, binary, directory, symlink, hardlink, device, fifo
    case crashDump = "crash_dump"
}
