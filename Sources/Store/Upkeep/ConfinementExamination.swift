import Ingest

extension Finding {
    /// Checks the barriers around the child that reads data from containers, by starting one.
    ///
    /// - Parameter allowed: the names of the barriers that may be missing.
    public static func confinement(allowing allowed: [String]) -> Finding {
        let effective: [String]
        let missing: [String]
        do { (effective, missing) = try Barriers.probe() } catch {
            return .failure(
                "confinement", "the confined process does not start: \(error)",
                hint: "sessions cannot be packed until this is fixed")
        }
        let names = effective.joined(separator: ", ")
        if missing.isEmpty { return .ok("confinement", names) }
        let lacks = "\(names); this machine lacks \(missing.joined(separator: ", "))"
        let refused = missing.filter { !allowed.contains($0) }
        if refused.isEmpty {
            return .warning(
                "confinement", "\(lacks), which confinement.allow_missing allows",
                hint: "the other barriers hold; a newer kernel or fewer container restrictions allow them all")
        }
        return .failure("confinement", "\(lacks): nothing is packed or verified", hint: Barriers.hint(refused))
    }
}
