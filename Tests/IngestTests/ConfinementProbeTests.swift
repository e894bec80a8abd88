import CConfinement
import Foundation
import Ingest
import Testing

/// The child of the real program tries everything that it must not be able to do.
@Suite struct ConfinementProbeTests {
    static let salvage: String = {
        if let named = ProcessInfo.processInfo.environment["SALVAGE_BIN"] { return named + "/salvage" }
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("salvage").path
    }()

    @Test func everyBarrierThatThisMachineOffersBites() throws {
        let (barriers, refused) = try IngestProcess(executable: Self.salvage).probe()
        let available = salvage_available_barriers()
        for bit in 0..<9 where available & (1 << bit) != 0 {
            let name = try #require(salvage_barrier_name(1 << bit).map { String(cString: $0) })
            #expect(barriers.contains(name), "\(name)")
        }
        let acts: Set<String> = [
            "open_file", "create_file", "remove_file", "stat_path", "stat_path_as_empty", "connect", "connect_local",
            "fork", "execute", "signal_parent",
            "executable_memory", "memory", "descriptor", "file_size", "lift_limit", "core_dump",
        ]
        #expect(Set(refused.keys) == acts)
        for (act, isRefused) in refused.sorted(by: { $0.key < $1.key }) { #expect(isRefused, "\(act)") }
        #expect(!FileManager.default.fileExists(atPath: "/tmp/salvage-probe"))
    }
}
