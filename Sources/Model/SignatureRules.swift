/// A user's additions to the built-in lists of the signature algorithm.
///
/// A pattern is a function name as signatures show it, with `*` for any text, or a POSIX extended regular expression
/// between slashes, which must match somewhere in the name.
public struct SignatureRules: Sendable, Equatable {
    /// Functions to skip at the top of a stack.
    public var skip: [SignaturePattern]
    /// Functions to name together with their caller.
    public var prefix: [SignaturePattern]
    /// Functions at which reading a stack stops.
    public var stop: [SignaturePattern]
    /// Functions to keep even if a built-in list or `skip` names them.
    public var keep: [SignaturePattern]

    /// Creates rules; without patterns they change nothing.
    public init(
        skip: [SignaturePattern] = [], prefix: [SignaturePattern] = [], stop: [SignaturePattern] = [],
        keep: [SignaturePattern] = []
    ) {
        self.skip = skip
        self.prefix = prefix
        self.stop = stop
        self.keep = keep
    }

    /// True when nothing was added to the built-in lists.
    public var isEmpty: Bool { skip.isEmpty && prefix.isEmpty && stop.isEmpty && keep.isEmpty }
}
