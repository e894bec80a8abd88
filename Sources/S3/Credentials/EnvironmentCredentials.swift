/// Keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
struct EnvironmentCredentials: KeySource {
    let environment: [String: String]

    func find() throws(S3Error) -> S3Keys? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let (id, secret) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"))
        guard id != nil || secret != nil else { return nil }
        guard let id, let secret else {
            let (there, missing) =
                id == nil
                ? ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID") : ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            throw S3Error(.denied, "\(there) is set and \(missing) is not", hint: "set both, or none of them")
        }
        return try S3Keys(id: id, secret: secret, session: value("AWS_SESSION_TOKEN"))
    }
}
