import S3
import Text

/// Checks the bucket of a shared store: whether it can be reached, what the key may do, what the server does differently, and
/// how far away it is.
struct BucketExamination {
    private let store: Store

    init(_ store: Store) { self.store = store }

    var findings: [Finding] {
        do throws(StoreError) {
            guard let bucket = try store.bucket() else { return [] }
            return bucket.client.examine().map { finding in
                switch finding.grade {
                case .ok: .ok("bucket", finding.message)
                case .note: .note("bucket", finding.message, hint: finding.hint)
                case .warning: .warning("bucket", finding.message, hint: finding.hint)
                case .failure: .failure("bucket", finding.message, hint: finding.hint)
                }
            }
        } catch {
            return [
                .failure(
                    "bucket", error.message + (error.path.map { " (\($0))" } ?? ""), hint: error.hint)
            ]
        }
    }
}
