import Catalog
import Glibc
import Model
import Pack
import Store
import Terminal
import Text

/// `salvage cat`: the bytes of one member.
struct Cat: Command {
    static var name: String { "cat" }
    static var abstract: String { "Print one member of a session." }
    static var discussion: String {
        """
        Bytes are printed unchanged. On a terminal, control characters are escaped, because a crashed or hostile \
        program may have written them; --raw turns that off.

        A hard link is printed as the file it shares its content with; a symbolic link is not followed.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .session { $0.session = $1 },
            .one("path", "The member's path, as bytes or as `salvage files` prints it, or a unique ending of it.") {
                $0.path = $1
            },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text("artifact", value: "path", "Only members of this artifact.") { $0.artifact = $1 },
            .toggle("raw", nil, "Print raw bytes, even to a terminal.") { $0.raw = true },
        ]
    }

    var session = ""
    var path = ""
    var artifact: String?
    var raw = false
    var options = GlobalOptions()

    func run() throws {
        let pack = try StoreAccess.store(options).pack(session)
        let match = try pack.member(MemberPath(argument: path), artifact: artifact)
        if match.anotherDisplaysAlike { noteAnotherPath() }
        let content = try pack.content(of: match.index)
        do {
            if var file = SparseOutput(descriptor: STDOUT_FILENO) {
                try write(content, of: pack.reader, to: &file)
            } else {
                try write(content, of: pack.reader)
            }
        } catch let error as PackError {
            throw Failure(
                "damaged", "the member is damaged: \(error)", session: pack.session.session, path: path,
                hint: "the output up to here is intact; salvage verify names what is damaged", status: .partial)
        }
    }

    private func noteAnotherPath() {
        let sink = BufferedOutput(descriptor: STDERR_FILENO)
        sink.write(
            "salvage: note: another member's path also displays as \(Escape.display(path)); to select that one, "
                + "pass its raw bytes\n")
        sink.flush()
    }

    /// Writes to a terminal or a pipe.
    private func write(_ index: Int, of reader: PackReader) throws {
        let sink = BufferedOutput(descriptor: STDOUT_FILENO, capacity: 256 * 1024)
        defer { sink.flush() }
        let escapes = !raw && isatty(STDOUT_FILENO) == 1
        let asciiOnly = Charset.locale == .ascii
        try reader.stream(member: index, using: try BlockDecoder()) { bytes in
            if escapes {
                var safe: [UInt8] = []
                Escape.append(bytes, to: &safe, keeping: .tabsAndLines, asciiOnly: asciiOnly)
                sink.write(safe)
            } else {
                sink.write(bytes)
            }
            if sink.isClosed { throw EndedWith(status: .success) }
        }
        sink.flush()
        if let failure = sink.failure { throw outputFailed(failure) }
    }

    /// Writes to a file, in which holes and zeros take no disk space.
    private func write(_ index: Int, of reader: PackReader, to file: inout SparseOutput) throws {
        // Keep what was read before the damage.
        defer { _ = file.finish() }
        try reader.streamExtents(member: index, using: try BlockDecoder()) { extent in
            switch extent {
            case .bytes(let bytes, _):
                let failure = file.write(bytes)
                if failure != 0 { throw outputFailed(failure) }
            case .hole(let hole): file.skip(hole.length)
            }
        }
        let failure = file.finish()
        if failure != 0 { throw outputFailed(failure) }
    }

    private func outputFailed(_ code: Int32) -> Failure {
        Failure("output_failed", "could not write to standard output: \(String(cString: strerror(code)))", path: path)
    }
}
