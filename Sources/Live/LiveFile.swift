public import Files
internal import Glibc

/// A failed system call on a followed log.
public struct LiveFailure: Error, Sendable, CustomStringConvertible {
    /// The failed call.
    public var failure: FileFailure

    /// The path of the file or folder.
    public var path: String { failure.path }

    /// Whether the disk is full, or a quota or size limit is reached.
    public var isFull: Bool { failure.isFull }

    /// Whether the file or folder does not exist; no other failure means that.
    public var isAbsence: Bool { failure.isAbsence }

    /// The failure in the system's words.
    public var description: String { failure.description }

    /// Returns the value of a call on a file, and throws its failure as one of a followed log.
    static func wrap<Value>(_ call: @autoclosure () throws(FileFailure) -> Value) throws(LiveFailure) -> Value {
        do throws(FileFailure) { return try call() } catch { throw LiveFailure(failure: error) }
    }
}

/// One open file of a followed log.
final class LiveFile: Sendable {
    private let file: OpenFile

    var path: String { file.path }

    init(_ path: String, flags: Int32 = O_RDONLY) throws(LiveFailure) {
        file = try LiveFailure.wrap(try OpenFile(path, flags))
    }

    var size: UInt64 {
        get throws(LiveFailure) { try LiveFailure.wrap(try file.size) }
    }

    /// Reads from an offset until the buffer is full or the file ends; returns the number of bytes read.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(LiveFailure) -> Int {
        try LiveFailure.wrap(try file.read(at: offset, into: buffer))
    }

    func read(at offset: UInt64, count: Int) throws(LiveFailure) -> [UInt8] {
        try LiveFailure.wrap(try file.read(at: offset, count: count))
    }

    /// Appends all of the bytes at `end`, or cuts the file back to `end` and throws.
    func append(_ bytes: UnsafeRawBufferPointer, at end: UInt64) throws(LiveFailure) {
        try LiveFailure.wrap(try file.append(bytes, at: end))
    }

    /// Appends all of the bytes at `end`, or cuts the file back to `end` and throws.
    func append(_ bytes: [UInt8], at end: UInt64) throws(LiveFailure) {
        try LiveFailure.wrap(try file.append(bytes, at: end))
    }

    func truncate(to end: UInt64) throws(LiveFailure) {
        try LiveFailure.wrap(try file.truncate(to: end))
    }

    func sync() throws(LiveFailure) { try LiveFailure.wrap(try file.sync()) }

    /// Opens a file for reading; nil when it does not exist.
    static func ifThere(_ path: String) throws(LiveFailure) -> LiveFile? {
        do throws(LiveFailure) { return try LiveFile(path) } catch {
            if error.failure.errno == ENOENT { return nil }
            throw error
        }
    }

    /// The names in a folder, symbolic links left out; empty when the folder does not exist.
    static func names(in path: String) throws(LiveFailure) -> [String] {
        do throws(FileFailure) {
            let entries = try OpenFolder(ifPresent: path)?.entries() ?? []
            return entries.compactMap { $0.kind == .link ? nil : $0.name }
        } catch {
            throw LiveFailure(failure: error)
        }
    }
}

/// The names of a followed log's files: `N.blocks` holds the sealed blocks of generation N, `N.OFFSET.tail` the bytes
/// from OFFSET on that are not sealed.
enum LiveName {
    static func blocks(_ generation: Int) -> String { "\(generation).blocks" }

    static func tail(_ generation: Int, _ base: UInt64) -> String { "\(generation).\(base).tail" }

    /// Parses a name; `base` is nil for sealed blocks.
    static func parse(_ name: String) -> (generation: Int, base: UInt64?)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let generation = parts.first.flatMap({ Int($0) }), generation >= 0 else { return nil }
        if parts.count == 2, parts[1] == "blocks" { return (generation, nil) }
        guard parts.count == 3, parts[2] == "tail", let base = UInt64(parts[1]) else { return nil }
        return (generation, base)
    }

    /// The generations in a folder, oldest first.
    static func generations(_ names: [String]) -> [Int] { Set(names.compactMap { parse($0)?.generation }).sorted() }

    /// The offsets in the log at which the tails of a generation begin, ascending.
    static func bases(_ names: [String], _ generation: Int) -> [UInt64] {
        names.compactMap { name in
            guard let parsed = parse(name), parsed.generation == generation else { return nil }
            return parsed.base
        }.sorted()
    }
}
