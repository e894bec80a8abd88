// swift-tools-version: 6.2
import PackageDescription

/// Language features every target of ours is compiled with.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Targets that touch every byte. With SALVAGE_OPTIMIZED=1 they are optimized in debug builds too: `scripts/test`, the
/// sanitizers and the fuzzers set it, because their byte loops would take longer than the compiler. Without it a debug build
/// and the loop after a changed line are twice as fast.
let hot: [SwiftSetting] =
    house
    + (Context.environment["SALVAGE_OPTIMIZED"] == "1" ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : [])
let hotC: [CSetting] = [.define("_GNU_SOURCE"), .unsafeFlags(["-O2"], .when(configuration: .debug))]

/// Linked statically where Debian ships the archive: a query then starts without mapping libarchive's ICU and XML.
func archive(_ name: String) -> LinkerSetting { .unsafeFlags(["-Xlinker", "-l:lib\(name).a"]) }

/// A product that only the programs need. Who depends on this package for the library SessionAPI turns the traits off
/// (`traits: []`), and SwiftPM then does not fetch what stands behind them.
func programsOnly(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: ["Programs"]))
}

/// A product that the programs and the library Sandbox need.
func serverOnly(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: ["SandboxServer"]))
}

/// The shipped program starts in two thirds of the time: linked at a fixed address, without a hundred thousand relocations;
/// SQLite, zlib and the C++ runtime from their archives (the scripts in that folder name them in place of the shared
/// libraries, which packages we depend on ask for); and without a table of names that nobody looks up.
let quickStart: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-Xclang-linker", "-no-pie", "-L\(Context.packageDirectory)/Sources/salvage/static", "-Xlinker",
            "-l:libgcc_eh.a", "-Xlinker", "--no-export-dynamic",
        ], .when(configuration: .release))
]

let package = Package(
    name: "salvage",
    products: [
        .executable(name: "salvage", targets: ["salvage"]),
        .executable(name: "salvage-sandbox", targets: ["salvage-sandbox"]),
        .library(name: "SessionAPI", targets: ["SessionAPI"]),
        .library(name: "Sandbox", targets: ["Sandbox"]),
        // Model has the records that these two return.
        .library(name: "CrashAnalysis", targets: ["CrashAnalysis", "Model"]),
        .library(name: "Pack", targets: ["Pack", "Model"]),
    ],
    traits: [
        .default(enabledTraits: ["Programs"]),
        .trait(
            name: "Programs", description: "What the programs are made of besides the libraries.",
            enabledTraits: ["SandboxServer"]),
        .trait(name: "SandboxServer", description: "The HTTP server of the library Sandbox."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", from: "2.1.1"),
    ],
    targets: [
        .executableTarget(
            name: "salvage", dependencies: ["SalvageCommands"], exclude: ["static"], swiftSettings: house,
            linkerSettings: quickStart),
        .target(
            name: "SalvageCommands",
            dependencies: [
                "Clocks", "Files",
                "Calendar", "Store", "SalvageConfiguration", "SessionModel", "Model", "Terminal", "Harvest",
                "SessionAPI",
                "Ingest", "CrashAnalysis", "BlockIndex", "LogSearch", "LogTime",
                "CrashExport", "Notify", "SalvageServer",
                "Pack", "Printers", "S3", "Catalog", "Live", "JSON", "Text", "Bytes", "CConfinement",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ], swiftSettings: house),
        .target(
            name: "SalvageServer",
            dependencies: [
                "Bytes", "CAssets", "Calendar", "Catalog", "Clocks", "CrashAnalysis", "CrashExport", "Digest", "Files",
                "Harvest", "JSON", "Live",
                "LogSearch", "LogTime", "Model", "Notify", "Pack", "Printers", "SalvageConfiguration", "Store",
                "Terminal", "Text",
                programsOnly("Mustache", "swift-mustache"),
                serverOnly("Hummingbird", "hummingbird"),
                serverOnly("HTTPTypes", "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], exclude: ["Assets"], swiftSettings: house),
        .testTarget(
            name: "SalvageServerTests",
            dependencies: [
                "SalvageServer", "Store", "Model", "JSON", "Catalog", "CrashAnalysis", "CrashExport", "Harvest",
                "LogSearch", "Notify", "Pack", "Text",
            ], swiftSettings: house),
        // The page's templates, style sheet and script, embedded in the program.
        .target(name: "CAssets"),
        .target(
            name: "Notify",
            dependencies: [
                "Bytes", "Calendar", "Clocks", "Digest", "Files", "JSON", "Model", "SalvageConfiguration", "Text",
                "CCrypto", "CProcess",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: house),
        .testTarget(
            name: "NotifyTests", dependencies: ["Notify", "Model", "SalvageConfiguration", "JSON", "Text"],
            swiftSettings: house),
        .testTarget(
            name: "SalvageCommandsTests",
            dependencies: [
                "Ingest", "JSON", "Text", "SalvageConfiguration", "Harvest", "Store", "Model", "SalvageCommands",
                "Catalog",
                "Pack", "Terminal",
            ],
            swiftSettings: house),
        .target(name: "Bytes", swiftSettings: hot),
        .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: house),
        .target(name: "Clocks", swiftSettings: hot),
        .testTarget(name: "ClocksTests", dependencies: ["Clocks"], swiftSettings: house),
        .target(name: "Threads", swiftSettings: hot),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: house),
        .target(name: "Files", dependencies: ["CFiles"], swiftSettings: hot),
        .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: house),
        .target(name: "Tar", dependencies: ["Files", "CFiles", "CZlib"], swiftSettings: hot),
        .testTarget(name: "TarTests", dependencies: ["Files", "Tar"], swiftSettings: house),
        .target(name: "Digest", dependencies: ["CCrypto"], swiftSettings: hot, linkerSettings: [archive("crypto")]),
        .testTarget(name: "DigestTests", dependencies: ["Bytes", "Digest"], swiftSettings: house),
        .target(
            name: "Store",
            dependencies: [
                "Clocks", "Files", "Tar",
                "Calendar", "SalvageConfiguration", "Model", "Harvest", "Ingest", "CrashAnalysis", "LogSearch", "Pack",
                "BlockIndex", "LogTime", "PackHome", "S3",
                "Catalog", "CrashExport", "Notify",
                "Live", "SessionAPI", "Terminal", "JSON", "Text", "Threads", "Bytes", "Digest", "CFiles",
            ], swiftSettings: house),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "BlockIndex", "Files", "JSON", "Store", "Ingest", "LogSearch", "Model", "Catalog", "Pack", "PackHome",
                "CrashAnalysis", "CrashExport", "Text", "Bytes", "Digest", "Harvest", "S3", "SalvageConfiguration",
            ],
            swiftSettings: house),
        .target(name: "Terminal", dependencies: ["Calendar", "Clocks"], swiftSettings: hot),
        .testTarget(name: "TerminalTests", dependencies: ["Calendar", "Terminal"], swiftSettings: house),
        .target(name: "Calendar", swiftSettings: hot),
        .testTarget(name: "CalendarTests", dependencies: ["Calendar"], swiftSettings: house),
        .target(name: "Text", swiftSettings: hot),
        .target(name: "JSON", dependencies: ["Calendar", "Text"], swiftSettings: hot),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "Text"], swiftSettings: house),
        .testTarget(name: "TextTests", dependencies: ["Text"], swiftSettings: house),
        .target(name: "Model", dependencies: ["JSON", "Text"], swiftSettings: hot),
        .target(
            name: "Harvest",
            dependencies: [
                "CrashAnalysis", "Clocks", "Files",
                "SalvageConfiguration", "SessionModel", "Model", "SessionAPI", "Catalog", "Ingest", "Pack", "PackHome",
                "Live", "Terminal",
                "Text", "Threads", "Bytes", "CProcess",
            ], swiftSettings: house),
        .target(
            name: "SalvageConfiguration",
            dependencies: ["Files", "Model", "Text", "CPCRE2", "CYAML"], swiftSettings: house,
            linkerSettings: [archive("yaml"), archive("pcre2-8")]),
        .testTarget(
            name: "SalvageConfigurationTests",
            dependencies: ["Files", "Text", "Bytes", "Model", "SalvageConfiguration"],
            swiftSettings: house),
        .target(name: "SessionModel", dependencies: ["JSON", "Text"], swiftSettings: hot),
        .target(
            name: "SessionAPI",
            dependencies: [
                "Calendar", "SessionModel", "Bytes", "Text",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: hot),
        .target(
            name: "Ingest",
            dependencies: [
                "Clocks", "Files",
                "JSON", "Model", "Catalog", "Unpack", "CrashAnalysis", "BlockIndex", "LogTime", "Pack", "PackHome",
                "Text",
                "CConfinement",
                "CFiles",
                "CProcess", "CPCRE2",
            ],
            swiftSettings: hot, linkerSettings: [archive("pcre2-8")]),
        .target(
            name: "Unpack",
            dependencies: ["Model", "CArchive", "CISAL", "CZlib", "CZstd", "CLZMA", "CBzip2", "CLZ4"],
            swiftSettings: hot,
            linkerSettings: [archive("archive"), archive("zstd"), archive("lzma"), archive("bz2"), archive("lz4")]),
        .target(
            name: "CrashAnalysis",
            dependencies: [
                "Files",
                "Calendar", "Model", "Unpack", "LogTime", "Bytes", "Digest", "Text", "CElfutils", "CCrashScan",
                "CDemangle",
                "CZlib",
            ],
            swiftSettings: hot, linkerSettings: [archive("iberty")]),
        .target(name: "CDemangle", cSettings: hotC),
        .target(name: "CCrashScan", cSettings: hotC),
        .target(name: "LogTime", dependencies: ["Calendar", "CLogScan"], swiftSettings: hot),
        .testTarget(name: "LogTimeTests", dependencies: ["LogTime"], swiftSettings: house),
        .target(
            name: "LogSearch",
            dependencies: [
                "BlockIndex", "Clocks", "Threads", "Text", "Model", "Pack", "PackHome", "LogTime", "Bytes", "CPCRE2",
                "CHyperscan", "CLogScan",
            ],
            swiftSettings: hot,
            linkerSettings: [archive("pcre2-8")]),
        .target(
            name: "Printers", dependencies: ["Clocks", "JSON", "Model", "Text", "LogSearch", "Bytes", "CLogScan"],
            swiftSettings: hot),
        .target(
            name: "Live",
            dependencies: ["Files", "Model", "Pack", "BlockIndex", "LogSearch", "LogTime", "Text", "Bytes", "Digest"],
            swiftSettings: hot),
        .testTarget(
            name: "LiveTests", dependencies: ["Model", "Live", "LogSearch", "Pack", "Printers"], swiftSettings: house),
        .testTarget(
            name: "HarvestTests",
            dependencies: [
                "Text", "Files",
                "SalvageConfiguration", "Catalog", "Model", "Pack", "PackHome", "Harvest", "Ingest",
                "Live", "Bytes",
            ], swiftSettings: house),
        .testTarget(
            name: "IngestTests",
            dependencies: [
                "Text", "BlockIndex", "Catalog", "Files", "Ingest", "Model", "Pack", "PackHome", "Bytes", "Digest",
                "CConfinement", "CZlib", "salvage",
            ],
            swiftSettings: hot),
        .testTarget(
            name: "SessionAPITests",
            dependencies: [
                "SessionModel", "SessionAPI", "Text",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: house),
        .testTarget(
            name: "LogSearchTests",
            dependencies: ["Files", "Model", "BlockIndex", "LogSearch", "LogTime", "Pack", "PackHome", "Printers"],
            swiftSettings: house),
        .target(
            name: "Pack",
            dependencies: [
                "Files", "Calendar", "JSON", "Model", "Text", "Bytes", "Digest", "CZstd", "CFilter",
            ],
            swiftSettings: hot,
            linkerSettings: [archive("zstd")]),
        .testTarget(
            name: "PackTests", dependencies: ["Text", "Files", "Model", "Pack", "Bytes", "Digest"], swiftSettings: house
        ),
        .target(
            name: "PackHome", dependencies: ["Bytes", "CFilter", "Clocks", "Digest", "Files", "Pack", "Text"],
            swiftSettings: hot),
        .testTarget(
            name: "PackHomeTests",
            dependencies: [
                "Bytes", "Clocks", "Files", "Model", "Pack", "PackHome", "S3", "Threads",
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ], swiftSettings: house),
        .target(name: "XML", swiftSettings: hot),
        .testTarget(name: "XMLTests", dependencies: ["Bytes", "XML"], swiftSettings: house),
        .target(
            name: "S3",
            dependencies: [
                "Bytes", "Calendar", "Clocks", "Digest", "Files", "JSON", "Model", "Pack", "PackHome", "Text",
                "Threads", "XML",
                "CCrypto",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: hot),
        .testTarget(
            name: "S3Tests",
            dependencies: [
                "Bytes", "Clocks", "Digest", "Files", "JSON", "Model", "Pack", "PackHome", "S3", "Text", "Threads",
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: house),
        .target(
            name: "CrashExport",
            dependencies: [
                "Bytes", "Calendar", "Clocks", "Digest", "Files", "JSON", "Model", "Notify", "SalvageConfiguration",
                "Tar", "Text",
            ], swiftSettings: house),
        .testTarget(
            name: "CrashExportTests",
            dependencies: [
                "CrashExport", "Bytes", "Clocks", "JSON", "Model", "Notify", "SalvageConfiguration", "Text", "CZlib",
            ],
            swiftSettings: house),
        .target(
            name: "BlockIndex",
            dependencies: ["Bytes", "Calendar", "Files", "Pack", "PackHome", "Text", "Threads", "CFilter"],
            swiftSettings: hot),
        .testTarget(
            name: "BlockIndexTests", dependencies: ["BlockIndex", "Model", "Pack", "PackHome"],
            swiftSettings: house),
        .target(
            name: "Catalog",
            dependencies: [
                "Clocks", "Files",
                "Bytes", "Calendar", "JSON", "Model", "Pack", "PackHome", "Text", "Threads", "CPostgres", "CSQLite",
            ], swiftSettings: hot),
        .testTarget(
            name: "CatalogTests", dependencies: ["Text", "Model", "Catalog", "Pack", "PackHome", "CSQLite"],
            swiftSettings: house),
        .target(
            name: "Sandbox",
            dependencies: [
                "Clocks", "Files", "Tar",
                "Calendar", "JSON", "Text", "Bytes", "COpenAPI", "CZlib", "CFiles", "CProcess",
                serverOnly("Hummingbird", "hummingbird"),
                serverOnly("HTTPTypes", "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ], exclude: ["openapi.json"], swiftSettings: hot),
        .executableTarget(
            name: "salvage-sandbox",
            dependencies: ["Sandbox", programsOnly("ArgumentParser", "swift-argument-parser")],
            swiftSettings: house),
        .executableTarget(
            name: "salvage-bench",
            dependencies: [
                "Clocks",
                "Calendar", "Model", "SessionModel", "Bytes", "Catalog", "CrashAnalysis", "Pack", "SessionAPI", "Store",
                "Text",
                programsOnly("ArgumentParser", "swift-argument-parser"),
            ],
            swiftSettings: hot),
        .executableTarget(
            name: "session-api-example", dependencies: ["SessionAPI"], path: "Examples/SessionAPI", swiftSettings: house
        ),
        .executableTarget(
            name: "sandbox-example", dependencies: ["Sandbox", "SessionAPI"], path: "Examples/Sandbox",
            swiftSettings: house),
        .executableTarget(
            name: "crash-analysis-example", dependencies: ["CrashAnalysis", "Model"], path: "Examples/CrashAnalysis",
            swiftSettings: house),
        .executableTarget(
            name: "pack-example", dependencies: ["Model", "Pack"], path: "Examples/Pack", swiftSettings: house),
        .testTarget(
            name: "UnpackTests",
            dependencies: ["Model", "Unpack", "CCrypto", "CConfinement", "CFiles", "CLZ4", "CProcess", "CZlib"],
            swiftSettings: house),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "Sandbox", "SalvageConfiguration", "Bytes", "JSON", serverOnly("HTTPTypes", "swift-http-types"),
            ], swiftSettings: house),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "Sandbox", "salvage", "salvage-sandbox", "session-api-example", "sandbox-example",
                "crash-analysis-example", "pack-example",
            ],
            swiftSettings: house),
        .target(name: "CConfinement", cSettings: hotC),
        .target(name: "CFiles", cSettings: hotC),
        .target(name: "CProcess", cSettings: hotC),
        .target(name: "CLogScan", cSettings: hotC),
        .target(name: "COpenAPI"),
        // Used where its header lies in /usr/include/hs; SALVAGE_HYPERSCAN=0 builds without it all the same.
        .target(
            name: "CHyperscan",
            cSettings: hotC
                + (Context.environment["SALVAGE_HYPERSCAN"] == "0" ? [.define("SALVAGE_NO_HYPERSCAN")] : [])),
        .target(name: "CFilter", cSettings: hotC),
        .target(name: "CISAL", cSettings: hotC),
        // libpq is loaded when first used; its header is not needed.
        .target(name: "CPostgres", cSettings: hotC),
        .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLZMA", providers: [.apt(["liblzma-dev"])]),
        .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
        .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPCRE2", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CElfutils", providers: [.apt(["libdw-dev"])]),
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        .testTarget(
            name: "CrashAnalysisTests", dependencies: ["Model", "CrashAnalysis", "Unpack", "Bytes", "Digest"],
            swiftSettings: house),
    ]
)

// lld, which is in the toolchain, links what a debug build makes in half of gold's time.
for target in package.targets where target.type == .executable || target.type == .test {
    target.linkerSettings =
        (target.linkerSettings ?? []) + [.unsafeFlags(["-use-ld=lld"], .when(configuration: .debug))]
}

/// Removes every target that the named ones do not need, and all packages and products: a special build recompiles everything it
/// links, and the network stack, which takes longest, parses nothing that a container wrote.
@MainActor func keepOnly(_ named: [String]) {
    var waiting = named
    var kept: Set<String> = []
    while let name = waiting.popLast() {
        guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else {
            continue
        }
        for dependency in target.dependencies {
            switch dependency {
            case .byNameItem(let name, _), .targetItem(let name, _): waiting.append(name)
            default: break
            }
        }
    }
    package.targets.removeAll { !kept.contains($0.name) }
    package.dependencies = []
    package.products = []
}

// Sanitizer builds set this to the targets whose tests they run, with spaces between them.
if let named = Context.environment["SALVAGE_ONLY"] {
    keepOnly(named.split(separator: " ").flatMap { [String($0), $0 + "Tests"] })
}

// `scripts/fuzz` sets this to the path of libFuzzer without its main. What has no parser of hostile bytes is left out.
if let engine = Context.environment["SALVAGE_FUZZ"] {
    let kept = [
        "Bytes", "Calendar", "CrashAnalysis", "Digest", "Files", "JSON", "LogSearch", "LogTime", "Model", "Pack",
        "PackHome",
        "SalvageConfiguration", "SessionModel", "Text", "Unpack", "XML",
    ]
    keepOnly(kept)
    package.targets.append(
        .executableTarget(
            name: "Fuzz", dependencies: kept.map { .init(stringLiteral: $0) }, path: "Tests/Fuzz",
            exclude: ["found"], swiftSettings: hot, linkerSettings: [.unsafeFlags([engine, "-lstdc++"])]))
    for target in package.targets where target.type != .system {
        target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer,address"])]
    }
}
