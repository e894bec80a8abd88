import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Two runs of one bug have one signature, two bugs have two: every case of the corpora, mutated as runs differ.
/// Seeded, so a failure can be repeated; `SALVAGE_MUTATIONS` sets the runs of each case.
@Suite(.needsCorpora) struct SignatureMutatorTests {
    private static let runs = Int(ProcessInfo.processInfo.environment["SALVAGE_MUTATIONS"] ?? "") ?? 4
    /// Megabytes of clean log around a crash take long to mutate and add nothing.
    private static let longest = 2 << 20

    private static let texts: [String] = {
        let plain = Corpora.names("text").filter { $0.hasSuffix(".txt") }.map { "text/" + $0 }
        let field = Corpora.names("field/text").filter { $0.hasSuffix(".log") }.map { "field/text/" + $0 }
        return plain + field
    }()

    private static let dumps: [String] = {
        let field = ((try? FileManager.default.contentsOfDirectory(atPath: Corpora.root + "/field/binary")) ?? [])
            .sorted()
            .flatMap { folder in Corpora.names("field/binary/" + folder).map { "field/binary/\(folder)/\($0)" } }
            .filter { $0.hasSuffix(".log") || $0.hasSuffix("core.gz") }
        let folders = ["core", "minidump", "microdump", "unreal"]
        return folders.flatMap { folder in Corpora.names(folder).map { folder + "/" + $0 } } + field
    }()

    private func keys(_ records: [CrashRecord]) -> [String] {
        records.map { ($0.isCrash ? "crash " : "error ") + $0.signature }.sorted()
    }

    @Test func textsOfOtherRunsHaveTheSameSignatures() throws {
        var cases = 0
        var runs = 0
        var changes = 0
        var crashes = 0
        for path in Self.texts {
            let bytes = try Corpora.bytes(path)
            // No pattern matches UTF-16.
            guard bytes.count <= Self.longest, let text = String(validating: bytes, as: UTF8.self) else { continue }
            cases += 1
            let before = CrashAnalyzer().analyze(source: MemoryByteSource(bytes), name: path)
            crashes += before.count
            for run in 0..<Self.runs {
                var mutator = SignatureMutator(seed: UInt64(cases * 1000 + run))
                let other = Array(mutator.text(text).utf8)
                let after = CrashAnalyzer().analyze(source: MemoryByteSource(other), name: path)
                runs += 1
                changes += mutator.changes
                #expect(keys(after) == keys(before), "\(path), run \(run)")
            }
        }
        print("mutator: \(runs) runs of \(cases) texts with \(crashes) records, \(changes) changes")
        #expect(cases > 40 && changes > runs)
    }

    @Test func dumpsOfOtherRunsHaveTheSameSignatures() throws {
        var records = 0
        for path in Self.dumps {
            let found = try Corpora.analyze(path)
            for (index, record) in found.enumerated() {
                for run in 0..<Self.runs {
                    var mutator = SignatureMutator(seed: UInt64(records * 100 + index * 10 + run))
                    var other = mutator.record(record)
                    SignatureAlgorithm.sign(&other)
                    #expect(other.signature == record.signature, "\(path), run \(run)")
                    #expect(other.signatureQuality == record.signatureQuality)
                    #expect(other.stackHash == record.stackHash, "\(path), run \(run)")
                }
            }
            records += found.count
        }
        print("mutator: \(records * Self.runs) runs of \(records) records of dumps")
        #expect(records > 20)
    }

    /// If the function in a signature is renamed, it is another bug.
    @Test func anotherFunctionIsAnotherBug() throws {
        var changed = 0
        for path in Self.texts + Self.dumps {
            for record in try Corpora.analyze(path) where record.signatureQuality == .symbol {
                let last = record.signature.split(separator: "|").last.map { String($0).trimmed } ?? ""
                var other = record
                for index in other.frames.indices where SignatureStack.name(record.frames[index]) == last {
                    other.frames[index].function = "Another::function"
                }
                guard other.frames != record.frames else { continue }
                changed += 1
                SignatureAlgorithm.sign(&other)
                #expect(other.signature != record.signature, "\(path)")
            }
        }
        print("mutator: \(changed) records with another function")
        #expect(changed > 20)
    }

    /// Pairs of files of the corpora that are two runs of one bug, and that are two bugs.
    @Test(arguments: [
        ("15-srcds_line_hlcmd-run1.log", "15-srcds_line_hlcmd-run2.log", true),
        ("dotnet-async-1.log", "dotnet-async-2.log", true),
        ("java-lambda-1.log", "java-lambda-2.log", true),
        ("76-ue_so_unknown_aslr-run1.log", "76-ue_so_unknown_aslr-run2.log", true),
        ("real-rust-full-index.log", "real-rust-full-unwrap.log", false),
    ]) func pairs(first: String, second: String, isSame: Bool) throws {
        let left = try Corpora.analyze("field/text/" + first).filter(\.isCrash).map(\.signature)
        let right = try Corpora.analyze("field/text/" + second).filter(\.isCrash).map(\.signature)
        #expect(!left.isEmpty && !right.isEmpty)
        #expect((left == right) == isSame, "\(left) \(right)")
    }
}
