import ArgumentParser
import Clocks
import CrashAnalysis
import Glibc
import Model
import Synchronization
import Text

/// `salvage-bench core`: times the analysis of a core in this process, warm.
struct CoreTiming: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "core", abstract: "Analyze a core repeatedly; print median time, bytes read and memory.")

    @Argument(help: "The core.") var file: String
    @Option(help: "A symbol store.") var symbols: String?
    @Option(help: "Measured runs; 0 analyzes once and prints nothing.") var runs = 15
    @Flag(help: "Unwind every thread, not only the crashed one.") var all = false

    func run() throws {
        var options = CrashAnalyzer.Options()
        options.allThreads = all
        let analyzer = CrashAnalyzer(symbols: symbols.map { SymbolStore(root: $0) }, options: options)
        var times: [Double] = []
        var (read, frames, threads, modules) = (UInt64(0), 0, 0, 0)
        let before = Self.peakKiB()
        for round in 0...runs {
            let source = CountingSource(try FileByteSource(path: file))
            let begin = MonotonicClock.seconds()
            let record = analyzer.analyze(source: source, name: "core").first
            let spent = MonotonicClock.seconds() - begin
            if round > 0 { times.append(spent) }
            read = source.bytesRead
            frames = record?.frames.count ?? 0
            threads = record?.threads.filter { !$0.frames.isEmpty }.count ?? 0
            modules = record?.modules.count ?? 0
        }
        guard runs > 0 else { return }
        let median = times.sorted()[times.count / 2]
        let found = "\(counted(frames, "frame"))\t\(counted(threads, "thread"))\t\(counted(modules, "module"))"
        print(
            "\((median * 100_000).rounded() / 100) ms\t\(read / 1024) KiB read\t\(found)\t"
                + "\(Double((Self.peakKiB() - before) * 10 / 1024) / 10) MiB grown")
    }

    private static func peakKiB() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss
    }
}

/// Counts what is read through it.
private final class CountingSource: ByteSource {
    private let inner: FileByteSource
    private let count = Mutex<UInt64>(0)

    init(_ inner: FileByteSource) { self.inner = inner }

    var size: UInt64 { inner.size }
    var bytesRead: UInt64 { count.withLock { $0 } }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let got = try inner.read(at: offset, into: buffer)
        count.withLock { $0 += UInt64(got) }
        return got
    }
}
