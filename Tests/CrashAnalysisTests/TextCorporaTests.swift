import Foundation
import Model
import Testing

@testable import CrashAnalysis

@Suite(.needsCorpora) struct TextCorporaTests {
    /// Kind, number of frames, innermost function and its line, by file of `corpora/text`.
    static let expected: [String: (String, Int, String?, Int?)] = [
        "casr-asan.txt": ("asan", 16, nil, 345),
        "casr-gdb.txt": ("gdb", 9, "xlnt::detail::compound_document::read_directory", 975),
        "casr-go.txt": ("go", 16, "runtime.systemstack_switch", 459),
        "casr-java.txt": ("java", 8, "java.lang.AbstractStringBuilder.checkRange", 1802),
        "casr-python.txt": ("python", 9, "versioned_resolver", 361),
        "satyr-gdb-no-thread-header.txt": ("gdb", 6, "write", 82),
        "satyr-gdb-quality_100.txt": ("gdb", 21, "raise", 42),
        "satyr-gdb-rhbz-1119072.txt": ("gdb", 16, ".raise", nil),
        "satyr-gdb-rhbz-955617.txt": ("gdb", 13, "__kernel_vsyscall", nil),
        "satyr-java-01.txt": ("java", 3, "SimpleTest.throwNullPointerException", 36),
        "satyr-java-02.txt": ("java", 20, "com.example.myproject.OpenSessionInViewFilter.doFilter", 60),
        "satyr-java-03.txt": ("java", 2, "com.example.myproject.Author.getBookIds", 38),
        "satyr-node-01.txt": ("node", 10, "Object.<anonymous>", 2),
        "satyr-python-01.txt": ("python", 11, "_getPackage", 2534),
        "satyr-python-02.txt": ("python", 1, "<module>", 3),
        "satyr-python-03.txt": ("python", 4, "<module>", 1),
        "satyr-python-04.txt": ("python", 1, nil, 43),
        "satyr-ruby-01.txt": ("ruby", 21, "func", 13),
        "satyr-ruby-02.txt": ("ruby", 37, "aref_prefix", 173),
    ]

    @Test func everyFileIsListed() {
        #expect(Corpora.names("text").filter { $0.hasSuffix(".txt") } == Self.expected.keys.sorted())
    }

    @Test(arguments: expected.keys.sorted()) func recognised(name: String) throws {
        let wanted = try #require(Self.expected[name])
        let records = try Corpora.analyze("text/" + name)
        #expect(records.count == 1)
        let record = try #require(records.first)
        #expect(record.kind == wanted.0)
        #expect(record.frames.count == wanted.1)
        #expect(record.frames.first?.function == wanted.2)
        #expect(record.frames.first?.line == wanted.3)
        #expect(record.frames.map(\.index) == Array(record.frames.indices))
        #expect(record.isCrash)
    }

    @Test(arguments: ["satyr-node-01", "satyr-ruby-01", "satyr-ruby-02"]) func framesAreThoseOfSatyr(
        name: String
    ) throws {
        let json = try JSONSerialization.jsonObject(with: Data(try Corpora.bytes("text/\(name).expected.json")))
        let wanted = try #require(json as? [String: Any])
        let record = try #require(try Corpora.analyze("text/\(name).txt").first)
        #expect(record.exception == wanted["exception_name"] as? String)
        let frames = try #require(wanted["stacktrace"] as? [[String: Any]])
        #expect(record.frames.map(\.file) == frames.map { $0["file_name"] as? String })
        #expect(record.frames.map(\.line) == frames.map { $0["file_line"] as? Int })
        // satyr files names such as <main> under "special_function".
        #expect(
            record.frames.map { $0.function?.hasPrefix("<") == true ? nil : $0.function }
                == frames.map { $0["function_name"] as? String })
    }

    @Test func cleanLogsHaveNoCrash() throws {
        for name in Corpora.names("logs") { #expect(try Corpora.analyze("logs/" + name).isEmpty) }
    }
}
