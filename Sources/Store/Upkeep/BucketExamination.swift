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
            let place: Finding = .ok("bucket", bucket.client.location.description)
            return [place]
                + bucket.client.examine().facts.map { fact in
                    Finding(name: fact.name, grade: Self.grade(fact.grade), message: fact.message, hint: fact.hint)
                }
        } catch {
            return [
                .failure(
                    "bucket", error.message + (error.path.map { " (\($0))" } ?? ""), hint: error.hint)
            ]
        }
    }

    private static func grade(_ grade: S3Examination.Grade) -> Finding.Grade {
        switch grade {
        case .ok: .ok
        case .note: .note
        case .warning: .warning
        case .failure: .failure
        }
    }
}
