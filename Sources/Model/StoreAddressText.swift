/// Why a text is no address of a store. It never repeats the text, which may contain a password.
public struct StoreAddressProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, to be put after a name of the text: `has a space`.
    public let message: String
    /// What to write instead.
    public let fix: String

    /// Creates a problem.
    public init(_ message: String, fix: String) {
        self.message = message
        self.fix = fix
    }

    /// The message.
    public var description: String { message }
}

extension StoreAddress: CustomStringConvertible {
    /// Reads an address as people write it: the path of a folder, or `postgres://…`. A password is kept; whoever takes
    /// the text from a place where others can see it asks ``SharedStoreAddress/hasPassword``.
    ///
    /// - Throws: ``StoreAddressProblem`` for an address of another kind, or one that is not valid.
    public init(parsing text: String) throws(StoreAddressProblem) {
        if CatalogURI.isMeant(by: text) {
            _ = try CatalogURI(text)
            self = .shared(SharedStoreAddress(catalog: text))
            return
        }
        if let end = text.firstRange(of: "://")?.lowerBound, end > text.startIndex {
            // An address may contain a password: only its scheme is repeated.
            throw StoreAddressProblem(
                "is a \(text[..<end]):// address, where no store can be",
                fix: "name a folder, or the catalog as postgres://user@host/database")
        }
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw StoreAddressProblem("is empty or has a NUL byte", fix: "name a folder")
        }
        var path = text
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        self = .folder(path)
    }

    /// The address without passwords, for messages and results.
    public var description: String {
        switch self {
        case .folder(let path): path
        case .shared(let address): address.description
        }
    }

    /// The address of a shared store; nil for a folder.
    public var shared: SharedStoreAddress? {
        if case .shared(let address) = self { address } else { nil }
    }
}

extension SharedStoreAddress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The catalog's address without a password.
    public var description: String {
        (try? CatalogURI(catalog))?.shown ?? CatalogURI.hidden
    }

    /// The same, so that no debug text has the password.
    public var debugDescription: String { description }

    /// No parts, so that no dump has the password.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether the catalog's address has a password.
    public var hasPassword: Bool { (try? CatalogURI(catalog))?.hasPassword ?? false }

    /// Whether both addresses name the same database, perhaps with other users, passwords or ways to connect.
    public func isSameDatabase(as other: SharedStoreAddress) -> Bool {
        guard let mine = try? CatalogURI(catalog), let theirs = try? CatalogURI(other.catalog) else { return false }
        return mine.database == theirs.database
    }
}
