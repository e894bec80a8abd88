import Model

extension SignatureRules {
    func keeps(_ name: String) -> Bool { keep.contains { $0.matches(name) } }

    func skips(_ name: String) -> Bool {
        // A closure of a reporting function reports, too.
        let base = name.hasPrefix(SignatureNames.closure) ? String(name.dropFirst(SignatureNames.closure.count)) : name
        return !keeps(name) && (SignatureLists.irrelevant.matches(base) || skip.contains { $0.matches(name) })
    }

    func isPrefix(_ name: String) -> Bool {
        !keeps(name) && (SignatureLists.prefix.matches(name) || prefix.contains { $0.matches(name) })
    }

    func stops(_ name: String) -> Bool {
        SignatureLists.bottom.matches(name) || stop.contains { $0.matches(name) }
    }
}
