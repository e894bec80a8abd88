import Bytes
import Digest
import Testing

@testable import CrashAnalysis

/// The list of formats as a whole.
@Suite struct TextReportFormatsTests {
    /// The ids of the literals that packs may hold when this was written; add a new literal after them.
    private static let stored: ClosedRange<UInt16> = 0...214

    /// Packs store ids, so a stored id must find the same words for ever.
    @Test func storedAnchorsKeepTheirWords() {
        let text = TextReportFormats.anchors.filter { Self.stored.contains($0.id) }.map { "\($0.id) \($0.literal)\n" }
        #expect(
            Hex.text(SHA256.digest(text.joined(separator: "").utf8))
                == "1b406e490bc5a3190cf9c58ae2ec17264a80aae48181258c7a5d6277c3a624c4")
    }

    /// The scanner has one table. It finds nothing at all if there are too many literals or one is out of bounds.
    @Test func everyLiteralFitsTheScanner() {
        let anchors = TextReportFormats.all.flatMap(\.anchors)
        for anchor in anchors {
            #expect(TextReportFormats.literal(anchor.id) == anchor.literal, "id \(anchor.id) has two literals")
            #expect((4...64).contains(anchor.literal.utf8.count), "\(anchor.literal)")
        }
        #expect(Set(anchors.map(\.literal)).count == Set(anchors.map(\.id)).count, "a literal has two ids")
        for anchor in TextReportFormats.anchors {
            let found = Array(anchor.literal.utf8).withUnsafeBytes { TextCrashScanner.shared.scan($0) }
            #expect(found.contains(CrashAnchor(offset: 0, id: anchor.id)), "\(anchor.literal)")
        }
    }

    @Test func everyFormatIsFoundByItsNames() {
        for format in TextReportFormats.all {
            for name in [format.name] + format.kinds {
                #expect(TextReportFormats.named(name) != nil, "\(name)")
            }
            for anchor in format.anchors {
                #expect(TextReportFormats.formats(at: anchor.id).contains { $0.name == format.name }, "\(format.name)")
            }
        }
    }

    /// The formats state their own last lines; nothing else ends a process.
    @Test func lastLinesAreKnown() {
        let last = [
            "exit status 2", "Node.js v20.11.0", "==4242==ABORTING",
            "Engine crash handling finished; re-raising signal 11 for the default handler. Good bye.",
        ]
        for line in last { #expect(TextReportFormats.closes(line), "\(line)") }
        for line in ["", "exit", "Engine crash handling finished", "ABORTING"] {
            #expect(!TextReportFormats.closes(line), "\(line)")
        }
    }
}
