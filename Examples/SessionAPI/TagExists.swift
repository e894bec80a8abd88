import SessionAPI

/// tag-exists: whether a version of an image can run in a region.
func checkTag(
    _ api: some SessionOperations, region: String, image: String, version: String
) async throws(APIError) {
    let exists = try await api.tagExists(region: region, image: image, version: version)
    print("tag-exists: \(image) \(version) \(exists ? "can" : "cannot") run in \(region)")
}
