import SessionAPI

/// get-available-locations: where an image can run now, with addresses to ping. Do not cache the list: it changes.
func listLocations(_ api: some SessionOperations, image: String) async throws(APIError) -> [AvailableLocation] {
    let locations = try await api.availableLocations(image: image)
    for location in locations {
        print("get-available-locations: \(location.id) \(location.ips.joined(separator: " "))")
    }
    return locations
}
