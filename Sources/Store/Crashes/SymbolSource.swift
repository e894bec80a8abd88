public import Files

/// What a symbol server has of a build.
public enum SymbolPart: String, Sendable, CaseIterable {
    /// The code with its unwind tables.
    case executable
    /// Symbols and DWARF.
    case debuginfo
}

/// A server that has executables and debug files by build id.
public protocol SymbolSource: Sendable {
    /// What messages call it.
    var name: String { get }

    /// Writes what the server has of a build to an empty file.
    ///
    /// - Parameters:
    ///   - part: which of its files.
    ///   - buildID: the build id, in lower-case hexadecimal digits.
    ///   - limit: the most bytes to write.
    /// - Returns: false if the server says that it does not have it.
    /// - Throws: ``SymbolSourceFailure``.
    func download(_ part: SymbolPart, of buildID: String, to file: OpenFile, limit: UInt64) async throws -> Bool
}

/// Why a symbol server did not answer as it should.
public struct SymbolSourceFailure: Error, Sendable {
    /// What failed and why, one sentence.
    public let message: String
    /// Whether the server cannot be reached, so that it need not be asked again.
    public let isUnreachable: Bool

    /// Makes a failure.
    public init(_ message: String, isUnreachable: Bool = false) {
        self.message = message
        self.isUnreachable = isUnreachable
    }
}
