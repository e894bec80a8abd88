import Files
import Glibc
import Model
import Testing

@testable import SalvageConfiguration

@Suite struct ConfigurationSourcesTests {
    static func write(_ text: String, to path: String, mode: mode_t = 0o600) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
        fchmod(descriptor, mode)
        close(descriptor)
    }

    @Test func flagOutweighsEnvironmentOutweighsFileOutweighsDefault() throws {
        let store = TemporaryFolder()
        let file = store.path + "/c.yaml"
        Self.write("store: /from/file\napi: { url: 'https://file' }\n", to: file)
        let flags = Configuration.Flags(store: "/from/flag", config: file)
        let environment = ["SALVAGE_STORE": "/from/env", "SALVAGE_API_URL": "http://env:1/", "HOME": store.path]
        #expect(try Configuration.load(flags: flags, environment: environment).store == .folder("/from/flag"))
        let named = try Configuration.load(flags: .init(config: file), environment: environment)
        #expect(named.store == .folder("/from/env"))
        #expect(named.api.url == "http://env:1")
        #expect(try Configuration.load(environment: ["SALVAGE_CONFIG": file]).store == .folder("/from/file"))
        let bare = try Configuration.load(environment: ["XDG_CONFIG_HOME": store.path])
        #expect(bare.store == .folder("./storage"))
        #expect(bare.file == nil)
    }

    @Test func theFileIsFoundInTheUsersFolder() throws {
        let store = TemporaryFolder()
        mkdir(store.path + "/.config", 0o700)
        mkdir(store.path + "/.config/salvage", 0o700)
        Self.write("retention: 2h", to: store.path + "/.config/salvage/salvage.yaml")
        #expect(try Configuration.load(environment: ["HOME": store.path]).retention == 7_200_000)
    }

    @Test func aNamedFileMustExistAndBeText() throws {
        let store = TemporaryFolder()
        let missing = #expect(throws: ConfigurationError.self) {
            try Configuration.load(flags: .init(config: store.path + "/none"), environment: [:])
        }
        #expect(missing?.code == .invalidConfiguration)
        #expect(missing?.path == store.path + "/none")
        Self.write("a: \u{1}b", to: store.path + "/bad")
        #expect(throws: ConfigurationError.self) {
            try Configuration.load(flags: .init(config: store.path + "/bad"), environment: [:])
        }
        #expect(throws: ConfigurationError.self) {
            try Configuration.load(flags: .init(config: store.path), environment: [:])
        }
    }

    @Test(
        arguments: [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o666, false)] as [(mode_t, Bool)])
    func aTokenFileThatOthersMayReadIsRefused(_ mode: mode_t, _ accepted: Bool) throws {
        let store = TemporaryFolder()
        var configuration = Configuration()
        configuration.api.tokenFile = store.path + "/token"
        Self.write(" s3cret\n", to: store.path + "/token", mode: mode)
        if accepted {
            let token = try APIToken.find(configuration, environment: [:])
            #expect(token.value == "s3cret")
            #expect(!"\(token)".contains("s3cret"))
        } else {
            let error = #expect(throws: ConfigurationError.self) { try APIToken.find(configuration, environment: [:]) }
            #expect(error?.code == .tokenRefused)
            #expect(error?.message.contains("mode \(String(mode, radix: 8))") == true)
            #expect("\(String(describing: error))".contains("s3cret") == false)
        }
    }

    @Test func theTokensPlacesInOrder() throws {
        let store = TemporaryFolder()
        Self.write("from-systemd", to: store.path + "/token", mode: 0o440)
        var environment = ["CREDENTIALS_DIRECTORY": store.path]
        #expect(try APIToken.find(Configuration(), environment: environment).value == "from-systemd")
        // A service's credential outweighs the file that it was made from, which the service's user may not read.
        var both = Configuration()
        both.api.tokenFile = store.path + "/file"
        Self.write("from-file", to: store.path + "/file", mode: 0o600)
        #expect(try APIToken.find(both, environment: environment).value == "from-systemd")
        // A place without a token is skipped; one whose token cannot be used is an error.
        for folder in [store.path + "/no", ""] {
            let token = try APIToken.find(both, environment: ["CREDENTIALS_DIRECTORY": folder])
            #expect(token.value == "from-file")
        }
        Self.write("two words", to: store.path + "/token", mode: 0o440)
        #expect(throws: ConfigurationError.self) { try APIToken.find(both, environment: environment) }
        both.api.tokenFile = store.path + "/none"
        let absent = #expect(throws: ConfigurationError.self) { try APIToken.find(both, environment: [:]) }
        #expect(absent?.code == .tokenRefused && absent?.message.contains("does not exist") == true)
        environment["GAMEYE_API_TOKEN"] = "from-env"
        #expect(try APIToken.find(Configuration(), environment: environment).value == "from-env")
        let none = #expect(throws: ConfigurationError.self) { try APIToken.find(Configuration(), environment: [:]) }
        #expect(none?.code == .tokenMissing)
        for bad in ["two words", "line\nbreak", "\u{7f}", " \n"] {
            let error = #expect(throws: ConfigurationError.self) {
                try APIToken.find(Configuration(), environment: ["GAMEYE_API_TOKEN": bad])
            }
            #expect(error?.code == .tokenRefused)
        }
        var configuration = Configuration()
        configuration.api.tokenFile = store.path
        #expect(throws: ConfigurationError.self) { try APIToken.find(configuration, environment: [:]) }
    }
}
