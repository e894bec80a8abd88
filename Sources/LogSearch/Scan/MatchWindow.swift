/// How much of a member is searched at once.
///
/// Where a match may span lines, a member of more than ``size`` is searched in parts that overlap: a match is found if it
/// begins in a part and ends within ``overlap`` after it.
public enum MatchWindow {
    /// Bytes of one part, before it is rounded up to whole blocks: 16 MiB.
    public static var size: Int { 16 << 20 }
    /// Bytes after a part in which a match may end: 1 MiB.
    public static var overlap: Int { 1 << 20 }
    /// Most bytes of one line that are joined; a longer line is searched in parts, which bounds memory.
    static var longestLine: Int { 32 << 20 }
}
