import JSON
import SessionAPI
import Terminal

extension API {
    struct TagExists: APIOperationCommand {
        static var name: String { "api tag-exists" }
        static var abstract: String { "Check whether a version of an image is available in a region." }
        static var discussion: String {
            """
            Exits with 0 when it is, and with 1 when it is not or there is no such image.

              salvage api tag-exists europe shooter 1.4.0
              {"exists":true}
            """
        }
        static var arguments: [CommandArgument<Self>] {
            [
                .one("region", "The region.") { $0.region = $1 },
                .one("image", "Name of the image.") { $0.image = $1 },
                .one("tag", "The image's version.") { $0.tag = $1 },
            ]
        }
        static var flags: [CommandFlag<Self>] { APIOptions.flags.within(\.api) }

        var region = ""
        var image = ""
        var tag = ""
        var api = APIOptions()

        func run() async throws {
            let output = Output(options)
            let exists = try await withClient {
                try await $0.tagExists(region: region, image: image, version: tag)
            }
            var line = JSONLine()
            line.add("exists", exists)
            output.line(line)
            try output.finish()
            if !exists { throw EndedWith(status: .nothingFound) }
        }
    }
}
