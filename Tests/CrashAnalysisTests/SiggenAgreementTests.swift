import Foundation
import Testing

@testable import CrashAnalysis

/// Agreement with Mozilla's siggen: `SALVAGE_SIGGEN_CASES` names a JSON list of function names as siggen normalizes them;
/// `scripts/siggen-agreement` makes it.
@Suite struct SiggenAgreementTests {
    private struct Case: Decodable {
        /// `c`, `cpp` or `rust`: the rules that siggen applied.
        var kind: String
        /// `real` or `made`.
        var origin: String
        var raw: String
        var expected: String
    }

    /// Why a name may differ from siggen's.
    private enum Deviation: String, CaseIterable {
        case counts = "the number of a lambda in its function, which siggen keeps"
        case operators = "brackets of an operator, which siggen takes for a template's, and the type before it"
        case clone = "the mark of a cloned function, with which siggen keeps what stands before it"
        case typeBefore = "a type before an unnamed namespace, which siggen keeps"
        case parameters = "parameters that name an unnamed namespace or an operator, which siggen keeps"
        case arrow = "an arrow between brackets, which siggen takes for the end of one"
        case traits = "Rust's type arguments that name a trait, which siggen keeps"
        case local = "the function around a local type, of which siggen leaves const"
        case constant = "a C name that ends in const, which siggen cuts off"

        static func of(_ item: Case, ours: String) -> Deviation? {
            allCases.first { $0.explains(item, ours) }
        }

        private func explains(_ item: Case, _ ours: String) -> Bool {
            let theirs = item.expected
            switch self {
            case .operators:
                return ours.contains("operator")
                    || item.raw.contains("::operator") && theirs.hasSuffix(" " + ours)
            case .clone: return item.kind != "rust" && item.raw.contains("[clone ")
            case .typeBefore: return ours.contains("(anonymous namespace)") && theirs.hasSuffix(" " + ours)
            case .parameters:
                return ["(anonymous namespace)", "operator"].contains { item.raw.contains($0) }
                    && theirs.contains(ours + "(")
            case .arrow: return item.raw.contains("->") && ours.contains("<T>")
            case .traits: return item.kind == "rust" && ours.contains("<T>") && theirs.contains(" as ")
            case .local: return ours.contains(" const::") && theirs.hasPrefix("const::")
            case .counts:
                let counted = theirs.replacing(/#\d+}/, with: "}").replacing(/'lambda\d+'/, with: "'lambda'")
                return theirs != counted && ours == counted
            case .constant: return item.kind == "c" && ours == item.raw && ours == theirs + "const"
            }
        }
    }

    static let path = ProcessInfo.processInfo.environment["SALVAGE_SIGGEN_CASES"]

    @Test(.enabled(if: path != nil, "no cases of siggen are given")) func normalisedNamesAgree() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: try #require(Self.path)))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        var counts: [String: (equal: Int, all: Int)] = [:]
        var explained: [Deviation: (count: Int, example: String)] = [:]
        var unexplained: [String] = []
        for item in cases {
            let ours = SignatureNames.normalise(item.raw)
            let isEqual = ours == item.expected
            for key in ["all", item.kind, item.kind + ", " + item.origin] {
                let before = counts[key] ?? (0, 0)
                counts[key] = (before.equal + (isEqual ? 1 : 0), before.all + 1)
            }
            guard !isEqual else { continue }
            let line = "\(item.kind): \(item.raw)\n    ours   \(ours)\n    siggen \(item.expected)"
            if let why = Deviation.of(item, ours: ours) {
                explained[why] = ((explained[why]?.count ?? 0) + 1, explained[why]?.example ?? line)
            } else {
                unexplained.append(line)
            }
        }
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
            let share = (Double(count.equal) * 1000 / Double(count.all)).rounded() / 10
            print("siggen agreement: \(key): \(count.equal) of \(count.all), \(share) %")
        }
        for (why, found) in explained { print("\(found.count) times \(why.rawValue):\n  \(found.example)") }
        for line in unexplained.prefix(60) { print("not explained: \(line)") }
        let all = try #require(counts["all"])
        #expect(all.equal * 100 >= all.all * 95)
        #expect(unexplained.isEmpty, "\(unexplained.count) names differ in a way that is not explained")
    }
}
