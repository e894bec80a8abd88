import CrashAnalysis
import Foundation
import Model

// Reads a core dump, a minidump or a log and prints its crashes: signature, cause and the stack of the thread that
// crashed. The exit code is 1 when there is none. A second argument is a symbol store, a folder as `salvage symbols add`
// fills it.
//
//     swift run crash-analysis-example core
//     swift run crash-analysis-example server.dmp storage/symbols

func fail(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("crash-analysis-example: \(message)\n".utf8))
    exit(code)
}

/// Text from a dump may hold control characters that a terminal obeys.
func printable(_ text: String) -> String {
    text.unicodeScalars.map { $0.escaped(asASCII: false) }.joined()
}

func line(of frame: CrashFrame) -> String {
    // Without symbols only the module is known. Text reports may have no addresses.
    let offset = frame.module.map { module in module + (frame.offset.map { "+\($0)" } ?? "") }
    var place = frame.function ?? offset ?? frame.address?.description ?? "?"
    if let file = frame.file { place += " at \(file)" + (frame.line.map { ":\($0)" } ?? "") }
    return "  #\(frame.index) \(printable(place)) [\(frame.trust.rawValue)]"
}

let arguments = CommandLine.arguments.dropFirst()
guard let path = arguments.first, arguments.count <= 2 else {
    fail("usage: crash-analysis-example FILE [SYMBOLS]", code: 64)
}

let symbols = arguments.dropFirst().first.map { SymbolStore(root: $0) }
var options = CrashAnalyzer.Options()
options.allThreads = false

do {
    // Only what the analysis needs is read, so a dump of many gigabytes is not loaded.
    let file = try FileByteSource(path: path)
    let records = CrashAnalyzer(symbols: symbols, options: options).analyze(source: file, name: path)
    for record in records {
        print("\(record.kind): \(printable(record.signature)) (\(record.signatureQuality.rawValue))")
        let cause = [record.signal, record.exception, record.address?.description, record.message].compactMap { $0 }
        if !cause.isEmpty { print("  \(printable(cause.joined(separator: ", ")))") }
        for frame in record.frames { print(line(of: frame)) }
        for note in record.notes { print("  note: \(printable(note))") }
    }
    if records.isEmpty { fail("\(path) has no crash", code: 1) }
} catch {
    fail(error.message, code: 2)
}
