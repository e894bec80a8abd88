/// An error of the filters beside the packs. It costs later searches time, never results.
public struct BlockIndexError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The stable name of the code, as printed in JSON.
        public let rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The record is damaged, or is not for the pack that it was given for.
        public static let record = Code(rawValue: "wrong_filter_record")
        /// A segment or a slice of filters is damaged, or is not there.
        public static let object = Code(rawValue: "filter_object")
        /// A segment or a slice of filters cannot be read or written now.
        public static let unreachable = Code(rawValue: "filters_unreachable")
        /// No memory is available, or a file of filters cannot be read or written.
        public static let resources = Code(rawValue: "resources")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed.
    public var message: String
    /// The file of filters, or the pack relative to the store, when known.
    public var path: String?
    /// What the user can do about it.
    public var hint: String?

    /// Creates an error.
    public init(code: Code, message: String, path: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.hint = hint
    }

    /// The message with the hint.
    public var description: String {
        hint.map { "\(message) (\($0))" } ?? message
    }
}
