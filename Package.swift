// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// For what every like passes through. The checks for overlapping accesses at run time took 12 % of a shard's time and a
/// fifth of a count's; the compiler's own stay, and the state of a shard, like that of a loop, is touched by one thread.
let hot = strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let package = Package(
    name: "likewise",
    products: [
        .executable(name: "likewise", targets: ["likewise"]),
        .library(name: "LikewiseClient", targets: ["LikewiseClient", "LikewiseAPI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        // TLS and HTTP/2.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: [.trait(name: "YAML")]),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Who is asking: signatures of tokens, hashes of keys, and the key set of an issuer over HTTPS.
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // What Swift cannot reach in C: the CRC instruction, fallocate, a thread's name, epoll.
        .target(name: "CPlatform"),
        // How SQLite's writes reach the disk.
        .target(name: "CSQLiteVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        // What the ledger needs of RocksDB, in C. Linked into the binary with what it is made of, so that nothing has to
        // be installed beside it.
        .target(
            name: "CRocksDB",
            linkerSettings: [
                .linkedLibrary(":librocksdb.a"), .linkedLibrary(":libsnappy.a"), .linkedLibrary(":liblz4.a"),
                .linkedLibrary(":libzstd.a"), .linkedLibrary(":libbz2.a"), .linkedLibrary(":libz.a"),
            ]),
        // What browsers get, as parts of the binary.
        .target(name: "CWeb", exclude: ["web"], linkerSettings: [.linkedLibrary(":libz.a")]),
        // The domain: ids, reactions, registers, versions, merge, tallies, hashing. No I/O. Its declarations are `public`,
        // not `package`: the compiler inlines only those across modules, and a like passes through a dozen of them.
        .target(name: "LikewiseCore", swiftSettings: hot),
        // Event log, shards, evaluation, ledger, recovery; the ports Disk, Clock and Ledger.
        .target(
            name: "LikewiseEngine",
            dependencies: [
                "LikewiseCore", "CPlatform", "CRocksDB", "CSQLiteVFS",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: hot),
        // librdkafka and libpq, which are loaded when a cluster's role starts: the binary alone needs neither.
        .target(name: "CKafka"),
        .target(name: "CPostgreSQL"),
        // Kafka, Redis and PostgreSQL behind the engine's ports, and the roles of a cluster.
        .target(
            name: "LikewiseCluster",
            dependencies: [
                "LikewiseCore", "LikewiseEngine", "LikewiseAPI", "CKafka", "CPostgreSQL", "CPlatform",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        // What goes over the wire: bodies, problems, cursors; shared by server and client.
        .target(name: "LikewiseAPI", swiftSettings: strict),
        // The calls of a server for programs in Swift, and what a like button shows.
        .target(
            name: "LikewiseClient",
            dependencies: [
                "LikewiseAPI",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        // Routes, identity, limits and metrics over HTTP.
        .target(
            name: "LikewiseServer",
            dependencies: [
                "LikewiseCore", "LikewiseEngine", "LikewiseAPI", "CPlatform", "CWeb",
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: hot),
        // The binary: settings, composition, commands.
        .executableTarget(
            name: "likewise",
            dependencies: [
                "LikewiseServer", "LikewiseCluster", "LikewiseEngine", "LikewiseCore", "LikewiseClient", "LikewiseAPI",
                "CPlatform",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        // Simulated disk, clock and ledger, and the conformance suites of the ports.
        .target(
            name: "LikewiseTestSupport",
            dependencies: [
                "LikewiseCore", "LikewiseEngine",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            path: "Tests/LikewiseTestSupport", swiftSettings: strict),
        .testTarget(
            name: "LikewiseCoreTests", dependencies: ["LikewiseCore", "LikewiseTestSupport"], swiftSettings: strict),
        .testTarget(name: "LikewiseAPITests", dependencies: ["LikewiseAPI"], swiftSettings: strict),
        .testTarget(
            name: "LikewiseClientTests",
            dependencies: [
                "LikewiseClient", "LikewiseAPI", "LikewiseTestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LikewiseEngineTests",
            dependencies: [
                "LikewiseCore", "LikewiseEngine", "LikewiseTestSupport", "CPlatform", "CRocksDB",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["LikewiseCore", "LikewiseEngine", "LikewiseTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "LikewiseServerTests",
            dependencies: [
                "LikewiseServer", "LikewiseEngine", "LikewiseCore", "LikewiseAPI", "LikewiseTestSupport",
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LikewiseCLITests",
            dependencies: [
                "likewise", "LikewiseCore", "LikewiseServer", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "LikewiseClusterTests",
            dependencies: [
                "LikewiseCluster", "LikewiseServer", "LikewiseEngine", "LikewiseCore", "LikewiseAPI",
                "LikewiseTestSupport", "CKafka",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["likewise", "LikewiseClient", "LikewiseAPI", "LikewiseCore", "LikewiseTestSupport"],
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)
