import Foundation

/// A suite about the packs of one session, `s`, in a store of its own.
protocol OneSessionSuite {
    var scratch: Scratch { get }
}

extension OneSessionSuite {
    var store: String { scratch.path("store") }

    /// A folder with a log of one line under each name.
    static func logs(_ names: String...) throws -> Scratch {
        let scratch = try Scratch()
        for name in names {
            try Data("\(name) line\n".utf8).write(to: scratch.url.appendingPathComponent("\(name).log"))
        }
        return scratch
    }

    func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments + ["--store", store])
    }

    func ingest(_ file: String, _ more: String...) throws -> Program.Outcome {
        try Program.run(["ingest", "--store", store, "--session", "s"] + more + [scratch.path(file)])
    }
}
