import ArgumentParser
import Bytes

/// `salvage-bench tree`: writes the folders that the ingest benchmark archives with `tar`.
struct Tree: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a folder of logs, a core-like file, or small files.")

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case logs, core, small
    }

    @Argument(help: "What to write: logs, core or small.") var kind: Kind
    @Option(help: "The folder to fill.") var out: String
    @Option(help: "Number of bytes (logs, core) or files (small).") var amount: Int?
    @Option(help: "The seed.") var seed: UInt64 = 7

    func run() throws {
        makeFolder(out)
        switch kind {
        case .logs: logs()
        case .core: core()
        case .small: small()
        }
    }

    private func logs() {
        let each = (amount ?? 510_000_000) / 6
        for index in 0..<6 {
            let file = OutputFile(out + "/Game-\(index).log")
            var log = EngineLog(engine: .unreal, seed: seed &+ UInt64(index), start: 1_763_600_000_000)
            var left = each
            while left > 0 {
                let chunk = log.take(min(left, 1 << 20))
                file.write(chunk)
                left -= chunk.count
            }
        }
    }

    /// Writes runs of pages as in a process image: holes, zeros, pointers with common high bytes, text, noise.
    private func core() {
        var random = SplitMix64(seed: seed)
        let file = OutputFile(out + "/core")
        var left = amount ?? 300_000_000
        file.write([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8) + [4, 0, 62, 0])
        while left > 0 {
            let length = 4096 * (1 + random.below(64))
            left -= length
            switch random.below(10) {
            case 0..<3: file.skip(length)
            case 3..<5: file.write([UInt8](repeating: 0, count: length))
            case 5..<8: file.write(pointers(length, &random))
            case 8:
                var log = EngineLog(engine: .unity, seed: random.next(), start: 1_763_600_000_000)
                file.write(Array(log.take(length).prefix(length)))
            default: file.write((0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            }
        }
        file.endHere()
    }

    private func pointers(_ length: Int, _ random: inout SplitMix64) -> [UInt8] {
        var out = ByteWriter(capacity: length)
        while out.bytes.count < length {
            let value: UInt64 =
                random.below(3) == 0 ? UInt64(random.below(256)) : 0x7F3A_0000_0000 + UInt64(random.below(1 << 22)) * 16
            out.put(value)
        }
        return out.bytes
    }

    private func small() {
        var random = SplitMix64(seed: seed)
        for index in 0..<(amount ?? 20_000) {
            if index % 200 == 0 { makeFolder(out + "/d\(index / 200)") }
            let file = OutputFile(out + "/d\(index / 200)/f\(index)." + (index % 2 == 0 ? "json" : "log"))
            var log = EngineLog(engine: index % 2 == 0 ? .json : .unity, seed: random.next(), start: 1_763_600_000_000)
            file.write(log.take(1000 + random.below(11_000)))
        }
    }
}
