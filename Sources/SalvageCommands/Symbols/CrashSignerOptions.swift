import Harvest
import Ingest
import SalvageConfiguration

extension CrashSigner {
    /// Signs for a command's store, by the rules of its configuration.
    init(_ options: GlobalOptions, store: String) throws {
        let configuration = try StoreAccess.configuration(options)
        self.init(store: store, rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing)
    }
}
