import Foundation
import Testing
import likewise

/// The settings of `table`'s command; `file` is what the YAML file holds, if there is one.
func resolve<Table: SettingsTable>(
    _ table: Table.Type, _ arguments: [String], environment: [String: String] = [:], file: String? = nil,
    catalogue: [any SettingsTable.Type] = SettingsCatalogue.tables
) throws -> Settings<Table> {
    var arguments = arguments
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("likewise-settings-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    if let file {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("likewise.yaml")
        try Data(file.utf8).write(to: path)
        arguments = ["--config", path.path] + arguments
    }
    let outcome = try SettingsResolver(environment: environment, catalogue: catalogue)
        .resolve(Table.self, arguments: arguments)
    guard case .settings(let settings) = outcome else { throw SettingsError([.conflict("help")]) }
    return settings
}

@Suite("The settings file")
struct SettingsFileTests {
    @Test(
        "A list is a sequence or has commas between",
        arguments: [
            "reactions: [like, wow]", "reactions:\n  - like\n  - wow\n", "reactions: like,wow",
            "reactions: \"like, wow\"",
        ])
    func lists(file: String) throws {
        #expect(try resolve(ServeSettings.self, [], file: file).reactions == ["like", "wow"])
    }

    @Test(
        "A switch is what YAML calls true, or on",
        arguments: [("true", true), ("on", true), ("yes", true), ("false", false), ("off", false), ("\"on\"", true)])
    func switches(word: String, insecure: Bool) throws {
        #expect(try resolve(ServeSettings.self, [], file: "insecure: \(word)").insecure == insecure)
    }

    @Test(
        "A commit waits for PostgreSQL's disk unless the cluster's file says that it need not",
        arguments: [("", true), ("postgresql-synchronous-commit: off\n", false)])
    func synchronousCommit(line: String, waits: Bool) throws {
        let file = "kafka: a:1\nredis: redis://a:1\npostgresql: postgresql://u@a/d\n" + line
        let settings = try resolve(ClusterSettings.self, [], file: file, catalogue: [ClusterSettings.self])
        #expect(settings.postgresqlSynchronousCommit == waits)
    }

    @Test(
        "A file that says nothing leaves every default",
        arguments: ["", "\n\n", "# port: 1\n  # host: x\n", "---\n# nothing\n", "\r\n"])
    func blank(file: String) throws {
        #expect(try resolve(ServeSettings.self, [], file: file).port == 8080)
    }

    @Test(
        "A file that is not a flat mapping is an error that names it",
        arguments: [
            "- port\n- 1\n", "port", "port: [1\n", "port: 1\nport: 2\n", "\tport: 1", "reactions: [[like]]",
            "port: {a: [{}]}",
        ])
    func malformed(file: String) {
        let error = #expect(throws: SettingsError.self) { try resolve(ServeSettings.self, [], file: file) }
        #expect(error?.problems.count == 1)
        #expect(error?.description.contains("likewise.yaml") == true)
    }

    @Test(
        "A value of the wrong shape is refused, not skipped",
        arguments: ["port: [1, 2]", "port:", "port: ~", "port: \"\"", "port: 80.5"])
    func wrongShape(file: String) {
        let error = #expect(throws: SettingsError.self) { try resolve(ServeSettings.self, [], file: file) }
        #expect(error?.description.hasPrefix("port: '") == true)
    }

    @Test("The file is named by the flag or by the variable, and must be there")
    func named() {
        for (arguments, environment) in [
            (["--config", "/nowhere/a.yaml"], [:]), ([], ["LIKEWISE_CONFIG": "/nowhere/a.yaml"]),
        ] as [([String], [String: String])] {
            let error = #expect(throws: SettingsError.self) {
                try resolve(ServeSettings.self, arguments, environment: environment)
            }
            #expect(error?.description.contains("/nowhere/a.yaml") == true)
            #expect(error?.description.hasSuffix("No such file or directory") == true)
        }
    }

    @Test("A file larger than a settings file can be is refused")
    func large() {
        let error = #expect(throws: SettingsError.self) {
            try resolve(ServeSettings.self, [], file: String(repeating: "# much\n", count: 200_000))
        }
        #expect(error?.description.hasSuffix("it is larger than 1MiB") == true)
    }
}
