internal import Files
internal import Text

/// Keys in a file in the format of `~/.aws/credentials`. It is read for each request, so that a replaced file takes effect.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
struct FileCredentials: KeySource {
    let path: String
    let profile: String
    /// Whether the configuration names the file, so that it must exist and belong to its owner alone. AWS's own file is
    /// refused only if all users of the machine can read it.
    let isNamed: Bool
    /// Whether the configuration or the environment names the profile, so that it must be there if the file is.
    let isProfileNamed: Bool
    /// The folder of systemd's credentials for this service.
    var systemd: String?

    func find() throws(S3Error) -> S3Keys? {
        let content: SecretFile.Content
        do throws(FileFailure) {
            let isCredential = systemd.map { path.hasBytePrefix($0 + "/") } ?? false
            content = try SecretFile.read(path, toleratesGroup: isCredential || !isNamed)
        } catch {
            if error.isAbsence, !isNamed { return nil }
            throw S3Error(
                error.isAbsence ? .denied : .invalid, "the S3 credentials file cannot be read: \(error.reason)",
                key: path,
                hint: error.isAbsence
                    ? "write [\(Escape.display(profile))], aws_access_key_id and aws_secret_access_key into it, with mode 0600"
                    : "it must be readable for the user who runs salvage")
        }
        switch content {
        case .refused(let why, let hint):
            let command = hint.hasPrefix("chmod") ? "type: chmod 600 \(Escape.display(path))" : hint
            throw S3Error(.invalid, "the S3 credentials file \(why)", key: path, hint: command)
        case .bytes(let bytes): return try keys(bytes)
        }
    }

    private func keys(_ bytes: [UInt8]) throws(S3Error) -> S3Keys? {
        let sections = Self.sections(bytes)
        let name = Escape.display(profile)
        guard let values = sections.first(where: { $0.name.hasSameBytes(as: profile) })?.values else {
            if !isNamed, !isProfileNamed { return nil }
            throw S3Error(
                .denied, "the S3 credentials file has no profile \(name)", key: path,
                hint: "add a section [\(name)], or name another profile")
        }
        guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else {
            if !isNamed, !isProfileNamed, values.isEmpty { return nil }
            let other = ["credential_process", "role_arn", "sso_session", "sso_start_url", "web_identity_token_file"]
                .first { values[$0] != nil }
            throw S3Error(
                .denied,
                "the profile \(name) has no keys" + (other.map { "; salvage does not use its \($0)" } ?? ""), key: path,
                hint: other == nil
                    ? "write aws_access_key_id and aws_secret_access_key into it"
                    : "pass keys in the environment: aws configure export-credentials --profile \(name) --format env")
        }
        do {
            return try S3Keys(id: id, secret: secret, session: values["aws_session_token"])
        } catch {
            throw S3Error(.invalid, "the profile \(name) is not valid: \(error.message)", key: path)
        }
    }

    /// The sections of a file with their values; a section or value that is repeated counts last, as for AWS's tools.
    static func sections(_ bytes: [UInt8]) -> [(name: String, values: [String: String])] {
        var sections: [(name: String, values: [String: String])] = []
        var current: Int?
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            // An indented line continues a nested value, which has no keys.
            guard let first = line.first, first != 0x20, first != 0x09, first != UInt8(ascii: "#"),
                first != UInt8(ascii: ";")
            else { continue }
            let text = trimmed(line)
            if first == UInt8(ascii: "[") {
                let name = trimmed(line.dropFirst().prefix { $0 != UInt8(ascii: "]") })
                current = sections.firstIndex { $0.name.hasSameBytes(as: name) }
                if current == nil {
                    current = sections.count
                    sections.append((name, [:]))
                }
            } else if let current, let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) {
                let name = trimmed(Array(text.utf8[..<equals])[...]).lowercased()
                let value = trimmed(Array(text.utf8[equals...].dropFirst())[...])
                if !value.isEmpty { sections[current].values[name] = value }
            }
        }
        return sections
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
