public import AsyncHTTPClient
public func probe() -> HTTPClient { HTTPClient.shared }
