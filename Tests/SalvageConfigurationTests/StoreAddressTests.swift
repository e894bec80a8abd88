import Glibc
import Model
import Testing

@testable import SalvageConfiguration

@Suite struct StoreAddressTests {
    private static let whole = """
        store:
          catalog: postgres://salvage@db1,db2:5433/salvage?target_session_attrs=read-write&sslmode=verify-full
          packs: s3://bucket/prefix
          s3:
            endpoint: https://s3.studio.example/
            region: eu-west-1
            path_style: true
            credentials_file: /etc/salvage/s3
            profile: harvest
            storage_class: STANDARD_IA
            sse: AES256
            parallel: 32
          cache: {path: /var/cache/salvage/, max: 50GiB}
          harvester: {id: one, lease: 60s, follow_max: 200}

        """

    private static func shared(_ yaml: String, isPrivate: Bool = false) throws -> SharedStoreAddress {
        try #require(try Configuration.parse(yaml, isPrivate: isPrivate).store?.shared)
    }

    private static func issues(_ yaml: String, isPrivate: Bool = false) -> [ConfigurationIssue] {
        do throws(InvalidConfiguration) {
            _ = try Configuration.parse(yaml, isPrivate: isPrivate)
            return []
        } catch {
            return error.issues
        }
    }

    // MARK: The file

    @Test func aTextIsAFolderOrTheAddressOfACatalog() throws {
        #expect(try Configuration.parse("store: /srv/a/\n").store == .folder("/srv/a"))
        #expect(try Configuration.parse("store: /\n").store == .folder("/"))
        for address in ["postgres://salvage@db/salvage", "postgresql:///salvage?host=/run/postgresql"] {
            #expect(try Configuration.parse("store: '\(address)'\n").store == .shared(.init(catalog: address)))
        }
    }

    @Test func everyKeyOfTheMapIsRead() throws {
        let address = try Self.shared(Self.whole)
        #expect(address.catalog.hasPrefix("postgres://salvage@db1,db2:5433/"))
        #expect(address.packs == "s3://bucket/prefix")
        var bucket = BucketSettings()
        bucket.endpoint = "https://s3.studio.example"
        bucket.region = "eu-west-1"
        bucket.pathStyle = true
        bucket.credentialsFile = "/etc/salvage/s3"
        bucket.profile = "harvest"
        bucket.storageClass = "STANDARD_IA"
        bucket.encryption = "AES256"
        bucket.parallel = 32
        #expect(address.bucket == bucket)
        #expect(address.cache == "/var/cache/salvage")
        #expect(address.cacheBytes == 50 << 30)
        #expect(address.harvester.id == "one")
        #expect(address.harvester.lease == 60_000)
        #expect(address.harvester.mostFollowed == 200)
    }

    @Test func aMapNeedsTheCatalogOnly() throws {
        let address = try Self.shared("store: {catalog: 'postgres://db/salvage'}\n")
        #expect(address == SharedStoreAddress(catalog: "postgres://db/salvage"))
        let words = "store: {catalog: 'postgres://db/s', s3: {sse: none}, harvester: {id: auto}}\n"
        #expect(try Self.shared(words) == SharedStoreAddress(catalog: "postgres://db/s"))
    }

    @Test(arguments: [
        ("store:\n  packs: s3://bucket\n", "store.catalog", 2),
        ("store:\n  catalog: /srv/store\n", "store.catalog", 2),
        ("store:\n  catalog: postgres://db/a\n  packs: /srv\n", "store.packs", 3),
        ("store:\n  catalog: postgres://db/a\n  packs: s3://B/x\n", "store.packs", 3),
        ("store:\n  catalog: postgres://db/a\n  pakcs: s3://bucket\n", "store.pakcs", 3),
        ("store:\n  catalog: postgres://db/a\n  s3:\n    secret_key: hidden\n", "store.s3.secret_key", 4),
        ("store:\n  catalog: postgres://db/a\n  s3:\n    endpoint: s3.host\n", "store.s3.endpoint", 4),
        ("store:\n  catalog: postgres://db/a\n  s3:\n    sse: yes\n", "store.s3.sse", 4),
        ("store:\n  catalog: postgres://db/a\n  s3:\n    parallel: 0\n", "store.s3.parallel", 4),
        ("store:\n  catalog: postgres://db/a\n  cache:\n    max: 1MiB\n", "store.cache.max", 4),
        ("store:\n  catalog: postgres://db/a\n  cache:\n    path: s3://bucket\n", "store.cache.path", 4),
        ("store:\n  catalog: postgres://db/a\n  harvester:\n    lease: 19s\n", "store.harvester.lease", 4),
        ("store:\n  catalog: postgres://db/a\n  harvester:\n    id: a/b\n", "store.harvester.id", 4),
        ("store: s3://bucket/prefix\n", "store", 1),
        ("store: [a, b]\n", "store", 1),
    ])
    func aWrongValueIsReportedWithItsLine(yaml: String, key: String, line: Int) throws {
        let issue = try #require(Self.issues(yaml).first)
        #expect(issue.key == key)
        #expect(issue.line == line)
        #expect(!issue.fix.isEmpty)
        #expect(!issue.description.contains("hidden"))
    }

    // MARK: Passwords

    @Test(arguments: [
        "postgres://salvage:hidden@db/salvage", "postgres://db/salvage?password=hidden",
        "postgres://db/salvage?sslmode=require&%70assword=hidden", "postgres://db/salvage?sslpassword=hidden",
    ])
    func aPasswordNeedsAFileThatOnlyItsOwnerReads(address: String) throws {
        for yaml in ["store: '\(address)'\n", "store: {catalog: '\(address)'}\n"] {
            let issue = try #require(Self.issues(yaml).first)
            #expect(issue.message.contains("password"))
            #expect(issue.fix.contains("~/.pgpass"))
            #expect(!issue.description.contains("hidden"))
            let kept = try Self.shared(yaml, isPrivate: true)
            #expect(kept.catalog == address)
            #expect(kept.hasPassword)
            for text in ["\(kept)", String(reflecting: kept), "\(StoreAddress.shared(kept))"] {
                #expect(!text.contains("hidden"))
            }
        }
        var dumped = ""
        dump(try Self.shared("store: '\(address)'\n", isPrivate: true), to: &dumped)
        #expect(!dumped.contains("hidden"))
    }

    @Test func theModeOfTheFileDecides() throws {
        let folder = TemporaryFolder()
        let file = folder.path + "/c.yaml"
        for (mode, isRead) in [(mode_t(0o600), true), (0o400, true), (0o640, false), (0o604, false)] {
            ConfigurationSourcesTests.write("store: postgres://a:hidden@db/salvage\n", to: file, mode: mode)
            chmod(file, mode)
            let loaded = try? Configuration.load(flags: .init(config: file), environment: [:])
            #expect((loaded?.store?.shared?.hasPassword == true) == isRead, "mode \(String(mode, radix: 8))")
        }
    }

    @Test(arguments: [
        "postgres://a:hid@den@db/salvage", "postgres://a:hid/den@db/salvage", "postgres://a:hid?den@db/salvage",
        "postgres://a:hid den@db/salvage", "postgres://db/salvage?password", "postgres://db/salvage?user=a@hidden",
        "postgres://db:port/salvage", "postgres://[::1/salvage", "postgres://db:5432x/salvage", "postgres://db/é",
    ])
    func anAddressThatCouldBeMisreadIsRefusedAndNotRepeated(address: String) throws {
        let problem = try #require(throws: StoreAddressProblem.self) { try StoreAddress(parsing: address) }
        #expect(!problem.message.contains("hid") && !problem.fix.contains("hid"))
        #expect(try #require(Self.issues("store: '\(address)'\n", isPrivate: true).first).line == 1)
    }

    @Test(arguments: [
        (
            "postgres://a:hidden@db1:1,[::1]:2/salvage?sslmode=require&password=hidden",
            "postgres://a@db1:1,[::1]:2/salvage?sslmode=require"
        ),
        ("postgres://a:hidden@h/d", "postgres://a@h/d"), ("postgres://:hidden@/d", "postgres://@/d"),
        ("postgres://h/d?pass%77ord=hidden", "postgres://h/d"), ("postgres://h/d?sslpassword=hidden", "postgres://h/d"),
        ("postgres://h/d?PASSWORD=hidden", "postgres://h/d"), ("postgresql://", "postgresql://"),
    ])
    func anAddressIsShownWithoutItsPassword(address: String, shown: String) throws {
        let uri = try CatalogURI(address)
        #expect(uri.shown == shown)
        #expect(uri.hasPassword == address.contains("hidden"))
    }

    @Test func anEmptyPasswordIsNone() throws {
        #expect(try !CatalogURI("postgres://a:@db/salvage").hasPassword)
    }

    // MARK: Flag, environment and file

    private func load(flag: String? = nil, variable: String? = nil, file: String? = nil) throws -> StoreAddress? {
        let folder = TemporaryFolder()
        var flags = Configuration.Flags(store: flag)
        if let file {
            ConfigurationSourcesTests.write(file, to: folder.path + "/c.yaml")
            flags.config = folder.path + "/c.yaml"
        }
        var environment = ["XDG_CONFIG_HOME": folder.path]
        environment["SALVAGE_STORE"] = variable
        return try Configuration.load(flags: flags, environment: environment).store
    }

    @Test func aPasswordInTheFlagIsRefusedAndInTheEnvironmentIsNot() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try load(flag: "postgres://salvage:hidden@db/salvage")
        }
        #expect(error.code == .invalidConfiguration)
        #expect(error.message.contains("--store has a password"))
        #expect(!error.description.contains("hidden"))
        #expect(try load(variable: "postgres://salvage:hidden@db/salvage")?.shared?.hasPassword == true)
        let wrong = try #require(throws: ConfigurationError.self) { try load(variable: "postgres://a:hid@den@db/s") }
        #expect(wrong.message.hasPrefix("SALVAGE_STORE "))
        #expect(!wrong.description.contains("hid@"))
    }

    @Test func anotherUserOfTheSameDatabaseKeepsWhatTheFileSays() throws {
        let named = "postgres://admin:hidden@db1,db2:5433/salvage"
        let address = try #require(try load(variable: named, file: Self.whole)?.shared)
        #expect(address.catalog == named)
        #expect(address.packs == "s3://bucket/prefix")
        #expect(address.cache == "/var/cache/salvage")
        #expect(address.bucket.credentialsFile == "/etc/salvage/s3")
        #expect(address.harvester.id == "one")
    }

    @Test func anotherDatabaseIsAnotherStore() throws {
        let address = try #require(try load(variable: "postgres://db9/other", file: Self.whole)?.shared)
        #expect(address.packs == nil)
        #expect(address.cache == nil)
        #expect(address.bucket == BucketSettings())
        #expect(address.cacheBytes == 50 << 30)
        #expect(address.harvester.id == "one")
        #expect(try load(flag: "/srv/a", file: Self.whole) == .folder("/srv/a"))
    }

    // MARK: Reload

    @Test func aReloadNamesTheKeysThatChanged() throws {
        func changed(_ next: String) throws -> [String] {
            let current = CurrentConfiguration(try Configuration.parse(Self.whole))
            return current.replace(with: try Configuration.parse(next))
        }
        #expect(try changed(Self.whole).isEmpty)
        #expect(try changed("store: /a\n") == ["store"])
        let other = Self.whole.replacing("s3://bucket", with: "s3://another").replacing("50GiB", with: "60GiB")
        #expect(try changed(other) == ["store.packs", "store.cache"])
        let third = Self.whole.replacing("db1", with: "db3").replacing("60s", with: "90s").replacing("32", with: "33")
        #expect(try changed(third) == ["store.catalog", "store.s3", "store.harvester"])
    }
}
