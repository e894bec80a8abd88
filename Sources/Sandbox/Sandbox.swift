import Hummingbird
import CArchive
public func sandboxProbe() { let r = Router(); r.get("/") { _, _ in "x" }; _ = archive_read_new() }
