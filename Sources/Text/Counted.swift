/// Returns a count with its noun, such as "1 entry" or "2 entries", for text that people read.
/// - Parameters:
///   - count: the number; only 1 is singular, so 0 takes the plural.
///   - one: what follows the number 1; more than a noun if its verb changes, too, as in "session waits".
///   - many: what follows any other number; nil stands for `one` with an "s" at its end.
public func counted(_ count: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
    "\(count) \(count == 1 ? one : many ?? one + "s")"
}
