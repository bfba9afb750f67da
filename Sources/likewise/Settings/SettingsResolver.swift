// Finds the value of each setting: flag, then environment, then file, then default. Each layer is a provider of
// swift-configuration, asked in turn, so that the layer that answered is known and an error can name it. Whatever is given
// under a name that no setting has is an error, since a misspelt setting is otherwise a default that nobody chose.

import Configuration

/// Resolves the settings of any command of `catalogue`.
package struct SettingsResolver: Sendable {
    private let environment: [String: String]
    private let catalogue: [any SettingsTable.Type]

    /// A resolver for one process: its environment variables, and the tables of all its commands.
    package init(
        environment: [String: String], catalogue: [any SettingsTable.Type] = SettingsCatalogue.tables
    ) {
        self.environment = environment
        self.catalogue = catalogue
    }

    /// What a command line asks for.
    package enum Outcome<Table: SettingsTable>: Sendable {
        case help
        case settings(Settings<Table>)
    }

    /// The settings of `table`'s command when it is started with `arguments` (those after its name).
    ///
    /// Throws `SettingsError` with all that is wrong. `--help` anywhere before `--` wins over every error.
    package func resolve<Table: SettingsTable>(
        _ table: Table.Type, arguments: [String]
    ) throws(SettingsError) -> Outcome<Table> {
        let declarations = Table.declarations
        let scanned = FlagScanner(declarations: declarations, elsewhere: commandsBySetting).scan(arguments)
        if scanned.wantsHelp { return .help }
        var problems = scanned.problems + unknownVariables()
        let file = try settingsFile(of: declarations, scanned.flags)
        if let file { problems += unknownKeys(of: file.contents, path: file.path) }

        var given: [String: (text: String, origin: SettingOrigin)] = [:]
        let layers = layers(scanned.flags, file)
        for setting in declarations {
            let found = layers.lazy.compactMap { layer in layer.text(setting.name).map { ($0, layer.origin) } }.first
            if let (text, origin) = found {
                given[setting.name] = (text, origin)
                guard !setting.accepts(text) else { continue }
                problems.append(
                    .badValue(
                        setting: setting.name, value: text, place: origin.described(setting), accepts: setting.accepts))
            } else if setting.isRequired {
                problems.append(
                    .settingMissing(flag: setting.flag, variable: setting.variable, help: setting.help))
            }
        }
        if !Table.repeatsLastArgument {
            problems += scanned.plain.dropFirst(Table.arguments.count).map { .unexpectedArgument($0) }
        }
        problems += Table.arguments.dropFirst(scanned.plain.count).map { .argumentMissing($0) }
        guard problems.isEmpty else { throw SettingsError(problems) }

        let settings = Settings<Table>(given: given, arguments: scanned.plain)
        let conflicts = Table.conflicts(in: settings)
        guard conflicts.isEmpty else { throw SettingsError(conflicts.map { .conflict($0) }) }
        return .settings(settings)
    }

    // MARK: Layers

    private struct Layer {
        let origin: SettingOrigin
        /// The text of a setting, or nil where the layer does not have it.
        let text: (_ name: String) -> String?
    }

    private func layers(_ flags: [String: String], _ file: (contents: SettingsFile, path: String)?) -> [Layer] {
        let flags = InMemoryProvider(
            name: "flags",
            values: Dictionary(
                uniqueKeysWithValues: flags.map { (AbsoluteConfigKey([$0]), ConfigValue(.string($1), isSecret: false)) }
            ))
        let environment = EnvironmentVariablesProvider(environmentVariables: environment)
        var layers = [
            Layer(origin: .flag) { Self.text(flags, [$0]) },
            // "likewise", "data-dir" is LIKEWISE_DATA_DIR to this provider.
            Layer(origin: .environment) { Self.text(environment, ["likewise", $0]) },
        ]
        if let file { layers.append(Layer(origin: .file(file.path)) { file.contents.text($0) }) }
        return layers
    }

    /// Both providers hold strings, and giving a string out as one does not fail.
    private static func text(_ provider: some ConfigProvider, _ key: [String]) -> String? {
        let found = try? provider.value(forKey: AbsoluteConfigKey(key), type: .string).value?.content
        if case .string(let text) = found { return text }
        return nil
    }

    private func settingsFile(
        of declarations: [any SettingDeclaration], _ flags: [String: String]
    ) throws(SettingsError) -> (contents: SettingsFile, path: String)? {
        guard let config = declarations.first(where: { $0.name == SettingNames.config }) else { return nil }
        guard let path = flags[config.name] ?? environment[config.variable] else { return nil }
        return (try SettingsFile(path: path), path)
    }

    // MARK: Unknown names

    private var allDeclarations: [any SettingDeclaration] { catalogue.flatMap { $0.declarations } }

    private var commandsBySetting: [String: String] {
        let pairs = catalogue.flatMap { table in table.declarations.map { ($0.name, table.command) } }
        return Dictionary(pairs) { first, _ in first }
    }

    private func unknownVariables() -> [SettingProblem] {
        let known = allDeclarations.map(\.variable)
        let given = environment.keys.filter { $0.hasPrefix(SettingNames.variablePrefix) }.sorted()
        return given.filter { !known.contains($0) }.map { name in
            // Compared without the prefix: eight equal characters in front would make any two names look alike.
            let prefix = SettingNames.variablePrefix
            let nearest = Nearest.name(
                to: String(name.dropFirst(prefix.count)), among: known.map { String($0.dropFirst(prefix.count)) })
            return .unknownVariable(name, nearest: nearest.map { prefix + $0 })
        }
    }

    private func unknownKeys(of file: SettingsFile, path: String) -> [SettingProblem] {
        let known = allDeclarations.map(\.name).filter { $0 != SettingNames.config }
        return file.keys.filter { !known.contains($0) }.map { key in
            .unknownKey(key, file: path, nearest: Nearest.name(to: key, among: known).map { "'\($0)'" })
        }
    }
}
