import Glibc
import SessionAPI
import Terminal
import Text

extension API {
    struct Artifacts: APIOperationCommand {
        static var name: String { "api artifacts" }
        static var abstract: String { "Download a file or folder of an ended session's container." }
        static var discussion: String {
            """
            The archive is a .tar.gz, or a plain tar from some servers; `salvage verify FILE` checks that it is \
            complete. An interrupted download stays in FILE.part. \
            The API asks that downloads stay below 100 MB: name the folder that you need rather than its parent. \
            Exits with 1 when there is no such session or path, or the container is gone.

              salvage api artifacts raid-4d10 /game/Saved/Crashes -o crashes.tar.gz
            """
        }

        /// The limit that the API's description asks for: "Please limit your download in size to a maximum of 100mb."
        static let advisedBytes: Int64 = 100_000_000

        static var arguments: [CommandArgument<Self>] {
            [
                .one("id", "The session's full id.") { $0.id = $1 },
                .one("path", "An absolute path in the container.") { $0.path = $1 },
            ]
        }
        static var flags: [CommandFlag<Self>] {
            let own: [CommandFlag<Self>] = [
                .text("output", "o", value: "file", "Write the archive to this file.", completion: .file) {
                    $0.output = $1
                }
            ]
            return own + APIOptions.flags.within(\.api)
        }

        var id = ""
        var path = ""
        var output: String?
        var api = APIOptions()

        func validate() throws {
            if output == "" { throw Failure.usage("--output needs a file name", hint: "write -o FILE") }
            if output == nil, isatty(STDOUT_FILENO) != 0 {
                throw Failure.usage("refusing to write an archive to a terminal", hint: "name a file with --output")
            }
        }

        func run() async throws {
            let target = try DownloadTarget(output)
            let progress = Progress(quiet: options.quiet)
            var bytes: Int64 = 0
            try await withClient { client in
                // Create the file only once the server sends the archive.
                let download = try await client.artifacts(session: id, path: path)
                try target.begin()
                for try await chunk in download.body {
                    try chunk.withUnsafeBytes { piece in
                        try target.write(piece)
                        bytes += Int64(piece.count)
                    }
                    progress.update("\(SizeText.binary(bytes)) of \(Escape.display(path))")
                }
            }
            try target.finish()
            progress.finish()
            if bytes > Self.advisedBytes { adviseLess(bytes) }
        }

        private func adviseLess(_ bytes: Int64) {
            guard !options.quiet else { return }
            Failure(
                "large_download",
                "warning: the archive has \(bytes) bytes; the API asks that downloads stay below 100 MB",
                session: id, path: path, hint: "download the folders that you need, one at a time"
            ).report(json: options.json, style: options.errorStyle)
        }
    }
}
