/// The version that `salvage --version` prints and the User-Agent header of requests contains.
public let salvageVersion = "0.1.0"
