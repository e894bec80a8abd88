public import SessionModel
internal import Text

/// Rejects arguments that the API's description forbids, before anything is sent.
struct ArgumentCheck {
    var operation: APIOperation
    var session: String?

    /// Requires a text that is not empty. It may contain anything, even NUL: any session that a server lists can be
    /// queried.
    func required(_ value: String, _ field: String) throws(APIError) {
        guard !value.isEmpty else { throw refusal(field, "must not be empty") }
    }

    /// Requires a text for a process or a file: not empty and without NUL.
    func startable(_ value: String, _ field: String) throws(APIError) {
        try required(value, field)
        try plain(value, field)
    }

    /// Requires a text without NUL. It may be empty.
    func plain(_ value: String, _ field: String) throws(APIError) {
        guard !value.utf8.contains(0) else { throw refusal(field, "must not contain a NUL character") }
    }

    /// Requires an absolute path inside a container.
    func path(_ value: String, _ field: String) throws(APIError) {
        try startable(value, field)
        guard value.utf8.first == UInt8(ascii: "/") else {
            throw refusal(field, "must be absolute (start with '/')")
        }
    }

    /// The error for one field.
    func refusal(_ field: String, _ complaint: String) -> APIError {
        APIError(.invalidArgument, operation: operation, session: session, message: "\(field) \(complaint)")
    }
}

extension SessionRunRequest {
    /// Checks the request against the API's description, as ``SessionAPIClient/sessionRun(_:)`` does before it sends
    /// one.
    ///
    /// `location`, `image`, `id`, every argument and every value of `env` must not be empty; a name in `env` must
    /// neither be empty nor contain `=`; nothing may contain NUL, which cannot be passed to a process; `ttl` is a
    /// sequence of numbers with the unit `m` or `h`.
    /// - Throws: `invalidArgument`; its message names the first invalid field.
    public func check() throws(APIError) {
        let check = ArgumentCheck(operation: .sessionRun, session: id)
        try check.startable(location, "location")
        try check.startable(image, "image")
        if let id { try check.startable(id, "id") }
        if let version { try check.plain(version, "version") }
        if let externalID { try check.plain(externalID, "external_id") }
        for (name, value) in (env ?? [:]).sorted(by: { $0.key.precedesInBytes($1.key) }) {
            guard !name.isEmpty else { throw check.refusal("env", "must not contain an empty name") }
            try check.plain(name, "env")
            guard !name.utf8.contains(UInt8(ascii: "=")) else {
                throw check.refusal("env", "must not contain '=' in the name '\(name)'")
            }
            try check.startable(value, "env.\(name)")
        }
        for (index, argument) in (args ?? []).enumerated() { try check.startable(argument, "args[\(index)]") }
        for (name, value) in (labels ?? [:]).sorted(by: { $0.key.precedesInBytes($1.key) }) {
            try check.plain(name, "labels")
            try check.plain(value, "labels.\(name)")
        }
        if let ttl, !Self.isTimeToLive(ttl) {
            throw check.refusal("ttl", "must be hours and minutes, such as 2h30m, not '\(ttl)'")
        }
    }

    /// Whether a text is one or more of: digits, optionally a dot and digits, then `h` or `m`.
    private static func isTimeToLive(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits() -> Bool {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest.removeFirst(count)
            return count > 0
        }
        repeat {
            guard digits() else { return false }
            if rest.first == UInt8(ascii: ".") {
                rest.removeFirst()
                guard digits() else { return false }
            }
            guard let unit = rest.popFirst(), unit == UInt8(ascii: "h") || unit == UInt8(ascii: "m") else {
                return false
            }
        } while !rest.isEmpty
        return true
    }
}

extension SessionListQuery {
    /// Checks the query, as ``SessionAPIClient/sessionList(_:entry:)`` does before it sends one.
    ///
    /// Values of filters and fields must not contain NUL, and names of labels must not be empty. A filter whose keys
    /// are exactly `0` to `n-1` is rejected, because servers read `filter[0]=x` as a list: sessions that carry the
    /// label `x`.
    /// - Throws: `invalidArgument`; its message names the first invalid field.
    public func check() throws(APIError) {
        let check = ArgumentCheck(operation: .sessionList)
        for (field, value) in [("location", location), ("image", image), ("tag", tag), ("host", host)] {
            if let value { try check.plain(value, field) }
        }
        for (field, pairs) in [("filter", filter), ("filterNot", filterNot)] {
            for (name, value) in pairs.sorted(by: { $0.key.precedesInBytes($1.key) }) {
                try check.required(name, "a label's name in \(field)")
                try check.plain(value, "\(field)[\(name)]")
            }
            if !pairs.isEmpty, (0..<pairs.count).allSatisfy({ pairs["\($0)"] != nil }) {
                throw check.refusal(
                    field, "must not have just the keys 0 to \(pairs.count - 1): servers read them as list indices"
                )
            }
        }
        for name in carrying { try check.required(name, "a label's name in filter") }
        for name in carryingNone { try check.required(name, "a label's name in filterNot") }
    }
}
