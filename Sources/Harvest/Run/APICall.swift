public import SalvageConfiguration
public import SessionAPI
import Synchronization

/// Calls of the Session API outside a harvest.
public enum APICall {
    /// Creates a client by the configuration, calls `body` with it and closes it.
    ///
    /// - Parameters:
    ///   - configuration: has the address, the file with the token and the time that a body may stall.
    ///   - address: another address; nil for the configured one.
    ///   - environment: may have the token or the folder of systemd credentials.
    ///   - userAgent: how the program names itself to the server.
    ///   - body: makes the calls. The token is looked up at each, after its arguments were checked.
    /// - Throws: ``HarvestError`` with `invalidAddress` before `body` is called; `ConfigurationError` if there is no
    ///   usable token; what `body` throws, such as `APIError`.
    public static func run<Answer>(
        _ configuration: SalvageConfiguration.Configuration, at address: String? = nil, environment: [String: String],
        userAgent: String, _ body: (SessionAPIClient) async throws -> Answer
    ) async throws -> Answer {
        // The lookup's own error says more than the client's, so it is kept.
        let missing = Mutex<ConfigurationError?>(nil)
        let address = address ?? configuration.api.url
        var settings = SessionAPIClient.Configuration(baseURL: address) {
            do throws(ConfigurationError) {
                return try APIToken.find(configuration, environment: environment).value
            } catch {
                missing.withLock { $0 = error }
                throw error
            }
        }
        settings.userAgent = userAgent
        settings.stallTimeout = .milliseconds(configuration.limits.stall)
        let client: SessionAPIClient
        do throws(APIError) {
            client = try SessionAPIClient(settings)
        } catch {
            throw HarvestError(.invalidAddress, error.message, hint: "the address is '\(address)'")
        }
        do {
            let answer = try await body(client)
            await client.shutdown()
            return answer
        } catch {
            await client.shutdown()
            if let refused = error as? APIError, refused.kind == .noToken, let cause = missing.withLock({ $0 }) {
                throw cause
            }
            throw error
        }
    }
}
