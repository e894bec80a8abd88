import Foundation
import Testing

@testable import CrashAnalysis

/// Agreement with Mozilla's siggen: `SALVAGE_SIGGEN_CASES` names a JSON list of `kind`, `raw` and what siggen made of
/// it as `expected`.
@Suite struct SiggenAgreementTests {
    private struct Case: Decodable {
        var kind: String
        var raw: String
        var expected: String
    }

    static let path = ProcessInfo.processInfo.environment["SALVAGE_SIGGEN_CASES"]

    @Test(.enabled(if: path != nil, "no cases of siggen are given")) func normalisedNamesAgree() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: try #require(Self.path)))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        var different: [String] = []
        for item in cases {
            let ours = SignatureNames.normalise(item.raw)
            if ours != item.expected {
                different.append("\(item.kind): \(item.raw) -> \(ours), siggen \(item.expected)")
            }
        }
        print("siggen agreement: \(cases.count - different.count) of \(cases.count)")
        for line in different.prefix(80) { print(line) }
        #expect((cases.count - different.count) * 100 >= cases.count * 95)
    }
}
