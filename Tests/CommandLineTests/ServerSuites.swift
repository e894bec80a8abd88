import Testing

/// Suites whose tests wait, on a thread of the concurrency pool, for programs that talk to a server in this process. The
/// server answers on the same pool, which has as many threads as there are cores: two such tests at once would wait for
/// each other.
@Suite(.serialized) enum ServerSuites {}
