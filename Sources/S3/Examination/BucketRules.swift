internal import NIOHTTP1
internal import Text
internal import XML

/// What a bucket does with objects by itself: versions and lifecycle rules.
struct BucketRules {
    let client: S3Client

    var facts: [S3Examination.Fact] { [versioning] + lifecycle }

    private func document(_ query: String, _ purpose: String) throws(S3Error) -> XMLElement {
        var call = S3Call(purpose, .GET, nil)
        call.query = [(query, "")]
        return try client.document(client.perform(call).result.get(), "\(client.location)")
    }

    private var versioning: S3Examination.Fact {
        do {
            let isOn = try document("versioning", "ask whether the bucket has versions").text(of: "Status") == "Enabled"
            return isOn
                ? S3Examination.Fact(
                    "bucket_versioning", .warning, "the bucket keeps old versions: pruned packs go on to take room",
                    hint: "add a lifecycle rule that removes noncurrent versions, or suspend versioning")
                : S3Examination.Fact("bucket_versioning", .ok, "the bucket keeps no old versions")
        } catch {
            return unknown("bucket_versioning", "whether the bucket keeps old versions", error)
        }
    }

    private var lifecycle: [S3Examination.Fact] {
        let rules: [XMLElement]
        do {
            rules = try document("lifecycle", "ask for the bucket's lifecycle rules").all("Rule").filter {
                $0.text(of: "Status") == "Enabled" && concerns($0)
            }
        } catch {
            guard error.identifier?.hasPrefix("NoSuchLifecycleConfiguration") ?? false else {
                return [unknown("bucket_lifecycle", "which lifecycle rules the bucket has", error)]
            }
            rules = []
        }
        var facts: [S3Examination.Fact] = []
        if rules.contains(where: { $0["AbortIncompleteMultipartUpload"] != nil }) {
            facts.append(.init("bucket_lifecycle", .ok, "a lifecycle rule aborts unfinished uploads"))
        } else {
            facts.append(
                .init(
                    "bucket_lifecycle", .warning,
                    "no lifecycle rule aborts unfinished uploads: what an interrupted harvester leaves takes room for ever",
                    hint: "add a rule with AbortIncompleteMultipartUpload after one day for the prefix"))
        }
        if rules.contains(where: { $0["Expiration"]?["Days"] != nil || $0["Expiration"]?["Date"] != nil }) {
            facts.append(
                .init(
                    "bucket_expiration", .warning,
                    "a lifecycle rule removes objects of the prefix by their age: it also removes packs that are pinned, and "
                        + "the catalog goes on to list what it removed",
                    hint: "leave removal to salvage prune, or let the rule begin well after its retention"))
        }
        return facts
    }

    /// Whether a rule concerns objects of the prefix. One for a tag or a size only is taken to do so.
    private func concerns(_ rule: XMLElement) -> Bool {
        let filter = rule["Filter"]
        let prefix = filter?.text(of: "Prefix") ?? filter?["And"]?.text(of: "Prefix") ?? rule.text(of: "Prefix") ?? ""
        return client.location.prefix.hasBytePrefix(prefix) || prefix.hasBytePrefix(client.location.prefix)
    }

    private func unknown(_ name: String, _ what: String, _ error: S3Error) -> S3Examination.Fact {
        S3Examination.Fact(name, .note, "not known: \(what) (\(error.message))")
    }
}
