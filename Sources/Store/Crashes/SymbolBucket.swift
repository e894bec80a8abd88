package import S3

/// What the symbols of a shared store need of its bucket. Calls block; keys are relative to the store's prefix.
package protocol SymbolBucket: Sendable {
    /// What is under a key; nil only if there is no such object.
    func head(_ key: String) throws(S3Error) -> S3Object?

    /// Writes an object to an open, empty file.
    func download(_ key: String, to descriptor: Int32) throws(S3Error) -> S3Object

    /// Stores a file under a key. May refuse with `exists` if the key is taken.
    func upload(_ key: String, from descriptor: Int32, size: UInt64) throws(S3Error) -> S3Object

    /// Deletes objects; returns those that could not be deleted.
    func delete(_ keys: [String]) throws(S3Error) -> [(key: String, error: S3Error)]
}

extension S3Client: SymbolBucket {}
