import Glibc

/// libFuzzer's way in, as its header fuzzer/FuzzerInterface.h declares it.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// The harness that this process runs; set once, before libFuzzer starts.
nonisolated(unsafe) private var chosen: Harness?

/// `Fuzz NAME [libFuzzer's arguments]`; `Fuzz NAME --seeds FOLDER` writes inputs to begin with; `Fuzz` lists the names.
@main
enum Main {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count > 1, let harness = Harness.all.first(where: { $0.name == arguments[1] }) else {
            for harness in Harness.all { print(harness.name) }
            exit(arguments.count > 1 ? 64 : 0)
        }
        if arguments.count == 4, arguments[2] == "--seeds" {
            for (number, seed) in harness.seeds().enumerated() { write(seed, to: "\(arguments[3])/seed-\(number)") }
            return
        }
        chosen = harness
        var count = Int32(arguments.count - 1)
        let words = [arguments[0]] + arguments.dropFirst(2)
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
        for (index, word) in words.enumerated() { list[index] = strdup(word) }
        list[words.count] = nil
        let argv = UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>.allocate(capacity: 1)
        argv.pointee = list
        exit(
            runDriver(&count, argv) { bytes, size in
                chosen?.run(UnsafeRawBufferPointer(start: bytes, count: size))
                return 0
            })
    }

    private static func write(_ bytes: [UInt8], to path: String) {
        guard let file = fopen(path, "w") else { return }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}
