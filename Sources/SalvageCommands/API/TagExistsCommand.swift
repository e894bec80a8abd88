import ArgumentParser
import SessionAPI
import Terminal

extension API {
    struct TagExists: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tag-exists", abstract: "Check whether a version of an image is available in a region.",
            discussion: """
                Exits with 0 when it is, and with 1 when it is not or there is no such image.

                  salvage api tag-exists europe shooter 1.4.0
                  {"exists":true}
                """)

        @Argument(help: "The region.") var region: String
        @Argument(help: "Name of the image.") var image: String
        @Argument(help: "The image's version.") var tag: String
        @OptionGroup var options: APIOptions

        func run() async throws {
            let output = Output(options.global)
            let exists = try await options.withClient {
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
