import ArgumentParser
import SessionAPI

extension API {
    struct GetAvailableLocations: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get-available-locations", abstract: "List locations that can host an image, one per line.",
            discussion: """
                `ips` are addresses to ping when measuring the latency to a location. The API asks clients not to \
                cache this list, as it may change. Exits with 1 when there is no such image, or no location for it.

                  salvage api get-available-locations shooter
                  {"id":"europe","ips":["203.0.113.7"]}
                """)

        @Argument(help: "Name of the image.") var image: String
        @OptionGroup var options: APIOptions

        func run() async throws {
            let output = Output(options.global)
            let locations = try await options.withClient { try await $0.availableLocations(image: image) }
            for location in locations { output.line(APIObject.line(location)) }
            try output.finish()
            if locations.isEmpty { throw EndedWith(status: .nothingFound) }
        }
    }
}
