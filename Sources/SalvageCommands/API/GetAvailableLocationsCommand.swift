import JSON
import SessionAPI

extension API {
    struct GetAvailableLocations: APIOperationCommand {
        static var name: String { "api get-available-locations" }
        static var abstract: String { "List locations that can host an image, one per line." }
        static var discussion: String {
            """
            `ips` are addresses to ping when measuring the latency to a location. The API asks clients not to \
            cache this list, as it may change. Exits with 1 when there is no such image, or no location for it.

              salvage api get-available-locations shooter
              {"id":"europe","ips":["203.0.113.7"]}
            """
        }
        static var arguments: [CommandArgument<Self>] { [.one("image", "Name of the image.") { $0.image = $1 }] }
        static var flags: [CommandFlag<Self>] { APIOptions.flags.within(\.api) }

        var image = ""
        var api = APIOptions()

        func run() async throws {
            let output = Output(options)
            let locations = try await withClient { try await $0.availableLocations(image: image) }
            for location in locations { output.line(APIObject.line(location)) }
            try output.finish()
            if locations.isEmpty { throw EndedWith(status: .nothingFound) }
        }
    }
}
