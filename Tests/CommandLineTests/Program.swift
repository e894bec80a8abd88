import Foundation
import Testing

/// Runs the real programs, as a user would.
struct Program {
    struct Outcome {
        let status: Int32
        let out: String
        let err: String

        /// Standard output as JSON objects, one a line.
        var objects: [[String: Any]] {
            out.split(separator: "\n").compactMap { line in
                (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
            }
        }
    }

    /// The folder that the programs under test were built into: beside the tests themselves.
    static let folder: URL = {
        if let named = ProcessInfo.processInfo.environment["SALVAGE_BIN"] { return URL(fileURLWithPath: named) }
        return besideTests
    }()

    /// The folder that the tests were built into, with the programs that nobody ships: the examples.
    static let besideTests: URL = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent()
    }()

    static let salvage = folder.appendingPathComponent("salvage")

    /// The package's folder.
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Test data of other projects, nil where it is not there.
    static let corpora: URL? = {
        let named = ProcessInfo.processInfo.environment["SALVAGE_CORPORA"]
        let folder = named.map { URL(fileURLWithPath: $0) } ?? package.appendingPathComponent("../shared/corpora")
        return FileManager.default.fileExists(atPath: folder.path) ? folder.standardizedFileURL : nil
    }()

    /// Runs `salvage` with these arguments and waits for it.
    @discardableResult
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        let process = try start(arguments, environment: environment)
        return process.wait()
    }

    static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Running {
        try Running(salvage, arguments, environment: environment)
    }

    final class Running {
        let process = Process()
        private let out: URL
        private let err: URL

        init(_ executable: URL, _ arguments: [String], environment: [String: String]) throws {
            let scratch = FileManager.default.temporaryDirectory
            out = scratch.appendingPathComponent("salvage-out-\(UUID().uuidString)")
            err = scratch.appendingPathComponent("salvage-err-\(UUID().uuidString)")
            for file in [out, err] { try Data().write(to: file) }
            process.executableURL = executable
            process.arguments = arguments
            var variables = [
                "PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no", "HOME": scratch.path, "LANG": "C.UTF-8",
                "TZ": "UTC",
            ]
            variables.merge(environment) { _, new in new }
            process.environment = variables
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try FileHandle(forWritingTo: out)
            process.standardError = try FileHandle(forWritingTo: err)
            try process.run()
        }

        func wait() -> Outcome {
            process.waitUntilExit()
            defer { for file in [out, err] { try? FileManager.default.removeItem(at: file) } }
            let status =
                process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
            return Outcome(
                status: status, out: (try? String(contentsOf: out, encoding: .utf8)) ?? "",
                err: (try? String(contentsOf: err, encoding: .utf8)) ?? "")
        }
    }
}

/// A folder that is removed at the end of the test.
final class Scratch {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("salvage-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Every path below a folder, with type and size, to see whether anything was created or changed.
    static func listing(_ folder: String, leavingOut: String? = nil) -> [String] {
        guard let walker = FileManager.default.enumerator(atPath: folder) else { return [] }
        var found: [String] = []
        for case let name as String in walker {
            if let leavingOut, name == leavingOut || name.hasPrefix(leavingOut + "/") { continue }
            let facts = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)
            found.append(
                "\(name) \((facts?[.type] as? FileAttributeType)?.rawValue ?? "?") \(facts?[.size] as? Int ?? -1)")
        }
        return found.sorted()
    }
}

/// Runs a system tool.
@discardableResult
func shell(_ command: String) throws -> (status: Int32, out: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}
