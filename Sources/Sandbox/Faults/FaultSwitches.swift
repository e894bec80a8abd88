import Bytes
import FoundationEssentials
import JSON

extension Faults {
    /// The JSON names.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case archive
        case contentLength = "content_length"
        case contentType = "content_type"
        case cutAt = "cut_at"
        case cutEnding = "cut_ending"
        case stallAt = "stall_at"
        case stallSeconds = "stall_seconds"
        case bytesPerSecond = "bytes_per_second"
        case delaySeconds = "delay_seconds"
        case bodyOperations = "body_operations"
        case artifact404 = "artifact_404"
        case absentPath = "absent_path"
        case whileRunning = "while_running"
        case paddingBytes = "padding_bytes"
        case oversize
        case sparse
        case bareNames = "bare_names"
        case omitStatus = "omit_status"
        case omitTag = "omit_tag"
        case omitLabels = "omit_labels"
        case legacyFields = "legacy_fields"
        case createdInSeconds = "created_in_seconds"
        case labels
        case status
        case statusSeconds = "status_seconds"
        case deadOnCrash = "dead_on_crash"
        case hidden
        case hiddenAfterExitSeconds = "hidden_after_exit_seconds"
        case listedAfterRemovalSeconds = "listed_after_removal_seconds"
        case describe404 = "describe_404"
        case dockerFrames = "docker_frames"
        case followHangs = "follow_hangs"
        case logsAfterExit = "logs_after_exit"
        case failures
    }

    /// Returns these faults, with switches that are nil taken from `base`.
    public func over(_ base: Faults) -> Faults {
        var merged = self
        merged.archive = archive ?? base.archive
        merged.contentLength = contentLength ?? base.contentLength
        merged.contentType = contentType ?? base.contentType
        merged.cutAt = cutAt ?? base.cutAt
        merged.cutEnding = cutEnding ?? base.cutEnding
        merged.stallAt = stallAt ?? base.stallAt
        merged.stallSeconds = stallSeconds ?? base.stallSeconds
        merged.bytesPerSecond = bytesPerSecond ?? base.bytesPerSecond
        merged.delaySeconds = delaySeconds ?? base.delaySeconds
        merged.bodyOperations = bodyOperations ?? base.bodyOperations
        merged.artifact404 = artifact404 ?? base.artifact404
        merged.absentPath = absentPath ?? base.absentPath
        merged.whileRunning = whileRunning ?? base.whileRunning
        merged.paddingBytes = paddingBytes ?? base.paddingBytes
        merged.oversize = oversize ?? base.oversize
        merged.sparse = sparse ?? base.sparse
        merged.bareNames = bareNames ?? base.bareNames
        merged.omitStatus = omitStatus ?? base.omitStatus
        merged.omitTag = omitTag ?? base.omitTag
        merged.omitLabels = omitLabels ?? base.omitLabels
        merged.legacyFields = legacyFields ?? base.legacyFields
        merged.createdInSeconds = createdInSeconds ?? base.createdInSeconds
        merged.labels = labels ?? base.labels
        merged.status = status ?? base.status
        merged.statusSeconds = statusSeconds ?? base.statusSeconds
        merged.deadOnCrash = deadOnCrash ?? base.deadOnCrash
        merged.hidden = hidden ?? base.hidden
        merged.hiddenAfterExitSeconds = hiddenAfterExitSeconds ?? base.hiddenAfterExitSeconds
        merged.listedAfterRemovalSeconds = listedAfterRemovalSeconds ?? base.listedAfterRemovalSeconds
        merged.describe404 = describe404 ?? base.describe404
        merged.dockerFrames = dockerFrames ?? base.dockerFrames
        merged.followHangs = followHangs ?? base.followHangs
        merged.logsAfterExit = logsAfterExit ?? base.logsAfterExit
        merged.failures = failures ?? base.failures
        return merged
    }

    /// Reads faults from JSON text.
    /// - Throws: `SandboxError` that names the key that is unknown or has an invalid value.
    public init(json: String) throws {
        let bytes = Array(json.utf8)
        guard let value = try? JSONValue(parsing: bytes), let members = value.members else {
            throw SandboxError("faults must be a JSON object")
        }
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        if let stranger = members.first(where: { !known.contains($0.name) }) {
            throw SandboxError(
                "unknown fault \(stranger.name); known faults: \(known.sorted().joined(separator: ", "))")
        }
        do {
            self = try JSONDecoder().decode(Faults.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw SandboxError("faults: \(Self.explain(error))")
        }
    }

    /// The switches that are set, as JSON text.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    private static func explain(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
        @unknown default: "not readable"
        }
    }

    /// Whether these faults change a session's list entry.
    var touchesLists: Bool {
        omitStatus != nil || omitTag != nil || omitLabels != nil || legacyFields != nil || createdInSeconds != nil
            || labels != nil || status != nil || deadOnCrash != nil || hidden != nil || hiddenAfterExitSeconds != nil
            || listedAfterRemovalSeconds != nil
    }
}

extension Faults.Failure {
    enum CodingKeys: String, CodingKey {
        case operation
        case status
        case count
        case probability
        case retryAfter = "retry_after"
        case body
    }
}

/// Faults chosen for sessions by id only, so that a test can predict them.
public struct FaultMix: Sendable, Equatable {
    /// Seed of the choice.
    public var seed: UInt64
    /// The share of sessions that get a fault, from 0 to 1.
    public var share: Double
    /// The faults to choose from, all equally likely.
    public var choices: [Faults]

    /// Creates a mix of `choices`.
    public init(seed: UInt64, share: Double, choices: [Faults] = FaultMix.standard) {
        self.seed = seed
        self.share = share
        self.choices = choices
    }

    /// Returns the faults of one session; nil for none.
    public func faults(of session: String) -> Faults? {
        var generator = SplitMix64.of(session, seed: seed)
        guard !choices.isEmpty, generator.unit() < share else { return nil }
        return choices[Int(generator.next() % UInt64(choices.count))]
    }

    /// Examples of the switches that act on single sessions.
    public static let standard: [Faults] = [
        Faults { $0.archive = .tar },
        Faults { $0.archive = .members },
        Faults { $0.archive = .garbage },
        Faults { $0.contentLength = true },
        Faults {
            $0.cutAt = 20_000
            $0.cutEnding = .clean
        },
        Faults {
            $0.cutAt = 20_000
            $0.cutEnding = .close
        },
        Faults {
            $0.cutAt = 20_000
            $0.cutEnding = .reset
        },
        Faults {
            $0.cutAt = 20_000
            $0.contentLength = true
        },
        Faults {
            $0.stallAt = 10_000
            $0.stallSeconds = 5
        },
        Faults { $0.delaySeconds = 2 },
        Faults { $0.artifact404 = .neverExisted },
        Faults { $0.artifact404 = .containerGone },
        Faults { $0.artifact404 = .pathAbsent },
        Faults { $0.absentPath = .emptyArchive },
        Faults { $0.omitStatus = true },
        Faults { $0.legacyFields = true },
        Faults { $0.createdInSeconds = true },
        Faults { $0.labels = .notJSON },
        Faults { $0.hiddenAfterExitSeconds = 0 },
        Faults {
            $0.status = "server_unreachable"
            $0.statusSeconds = 20
        },
        Faults { $0.dockerFrames = true },
        Faults { $0.followHangs = true },
        Faults { $0.logsAfterExit = .notFound },
        Faults { $0.failures = [Failure(operation: "artifacts", status: 502, count: 2, body: .html)] },
        Faults { $0.failures = [Failure(operation: "artifacts", status: 429, count: 2, retryAfter: "1")] },
        Faults { $0.failures = [Failure(operation: "artifacts", status: 500, count: 1, body: .bare)] },
        Faults { $0.failures = [Failure(operation: "stream-logs", status: 503, count: 1, body: .empty)] },
    ]

    private typealias Failure = Faults.Failure
}
