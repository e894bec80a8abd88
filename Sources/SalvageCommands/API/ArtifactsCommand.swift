import ArgumentParser
import Glibc
import SessionAPI
import Terminal

extension API {
    struct Artifacts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "artifacts", abstract: "Download a file or folder of an ended session's container.",
            discussion: """
                The archive is a .tar.gz, or a plain tar from some servers; `salvage verify FILE` checks that it is \
                complete. An interrupted download stays in FILE.part. \
                The API asks that downloads stay below 100 MB: name the folder that you need rather than its parent. \
                Exits with 1 when there is no such session or path, or the container is gone.

                  salvage api artifacts raid-4d10 /game/Saved/Crashes -o crashes.tar.gz
                """)

        /// The limit that the API's description asks for: "Please limit your download in size to a maximum of 100mb."
        static let advisedBytes: Int64 = 100_000_000

        @Argument(help: "The session's full id.") var id: String
        @Argument(help: "An absolute path in the container.") var path: String
        @Option(name: .shortAndLong, help: ArgumentHelp("Write the archive to this file.", valueName: "file"))
        var output: String?
        @OptionGroup var options: APIOptions

        func validate() throws {
            if output == "" { throw ValidationError("--output needs a file name") }
            if output == nil, isatty(STDOUT_FILENO) != 0 {
                throw ValidationError("refusing to write an archive to a terminal; name a file with --output")
            }
        }

        func run() async throws {
            let target = try DownloadTarget(output)
            let progress = Progress(quiet: options.global.quiet)
            var bytes: Int64 = 0
            try await options.withClient { client in
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
            guard !options.global.quiet else { return }
            Failure(
                "large_download",
                "warning: the archive has \(bytes) bytes; the API asks that downloads stay below 100 MB",
                session: id, path: path, hint: "download the folders that you need, one at a time"
            ).report(json: options.global.json, style: options.global.errorStyle)
        }
    }
}
