package import BlockIndex
internal import Catalog
package import S3

/// The filters in a bucket.
package struct BucketFilters: FilterObjects {
    private let client: S3Client

    /// Names the filters in a bucket. Nothing is requested.
    package init(_ client: S3Client) { self.client = client }

    package func read(_ ranges: [ObjectRange]) -> [Result<[UInt8], BlockIndexError>] {
        var found = [Result<[UInt8], BlockIndexError>?](repeating: nil, count: ranges.count)
        // A server refuses a range without bytes.
        let asked = ranges.indices.filter { !ranges[$0].range.isEmpty }
        for index in ranges.indices where ranges[index].range.isEmpty { found[index] = .success([]) }
        var reason: S3Error?
        do throws(S3Error) {
            try client.get(asked.map { (key: ranges[$0].key, range: ranges[$0].range) }) { number, result in
                let range = ranges[asked[number]]
                switch result {
                case .success(let bytes) where bytes.count == range.range.count: found[asked[number]] = .success(bytes)
                case .success: break
                case .failure(let error): found[asked[number]] = .failure(Self.error(error, range.key, "read"))
                }
                return true
            }
        } catch {
            reason = error
        }
        return zip(ranges, found).map { range, result in
            let missing = reason ?? S3Error(.damaged, "the object is shorter than expected", key: range.key)
            return result ?? .failure(Self.error(missing, range.key, "read"))
        }
    }

    package func put(_ key: String, _ bytes: [UInt8]) throws(BlockIndexError) {
        do throws(S3Error) { _ = try client.put(key, bytes, replaces: false) } catch {
            throw Self.error(error, key, "write")
        }
    }

    package func put(_ key: String, from descriptor: Int32, size: UInt64) throws(BlockIndexError) {
        do throws(S3Error) { _ = try client.upload(key, from: descriptor, size: size) } catch {
            throw Self.error(error, key, "write")
        }
    }

    package func copy(_ key: String, to descriptor: Int32) throws(BlockIndexError) {
        do throws(S3Error) { _ = try client.download(key, to: descriptor) } catch {
            throw Self.error(error, key, "read")
        }
    }

    private static func error(_ error: S3Error, _ key: String, _ verb: String) -> BlockIndexError {
        let isGone = error.code == .absent || error.code == .damaged || error.status == 416
        return BlockIndexError(
            code: isGone ? .object : .unreachable, message: "cannot \(verb) filters in the bucket: \(error.message)",
            path: key, hint: error.hint)
    }
}

extension FilterObject {
    /// The object that the catalog lists; nil for one that a later version made.
    init?(_ listed: ListedFilters) {
        guard let level = FilterLevel(rawValue: listed.level) else { return nil }
        self.init(key: listed.key, day: listed.day, level: level, blocks: listed.blocks, bytes: listed.bytes)
    }
}

extension ListedFilters {
    /// What the catalog lists of an object.
    init(_ object: FilterObject) {
        self.init(
            key: object.key, day: object.day, level: object.level.rawValue, blocks: object.blocks, bytes: object.bytes)
    }
}
