internal import Digest
internal import Files
internal import Glibc
internal import Pack

extension PackError {
    /// An error of a bucket as an error of a pack.
    ///
    /// - Parameters:
    ///   - error: the bucket's error.
    ///   - path: the pack's path, or that of a part of the bucket.
    ///   - isOfPack: whether an object that is absent is the pack.
    init(_ error: S3Error, path: String, isOfPack: Bool = false) {
        let number: Int32? =
            switch error.code {
            case .absent where isOfPack: ENOENT
            case .exists: EEXIST
            default: error.status == 412 ? ESTALE : nil
            }
        self.init(
            error.code == .full ? .noSpace : .io, error.message, path: path, errno: number, hint: error.hint,
            cause: error.code.rawValue)
    }

    /// A failed call on a local file. Whatever the call found absent, it was not the pack in the bucket.
    init(local failure: FileFailure, _ what: String) {
        self.init(failure, what)
        if isAbsence { errno = nil }
    }

    /// Returns the value of a call on a local file.
    static func local<Value: ~Copyable>(
        _ what: String, _ call: () throws(FileFailure) -> Value
    ) throws(PackError) -> Value {
        do throws(FileFailure) { return try call() } catch { throw PackError(local: error, what) }
    }
}

extension PackIdentity {
    /// The identity of an object: no two have the same key, tag of the content and size.
    init(_ object: S3Object) { self.init(key: object.key, etag: object.etag, size: object.size) }

    /// The identity of the object with a key, a tag and a size.
    init(key: String, etag: String, size: UInt64) {
        let digest = SHA256.digest(Array("\(key)\0\(etag)\0\(size)".utf8))
        let words = digest.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }
}
