/// The settings of one command: a struct whose stored properties are `Setting`s, in the order in which help shows them.
package protocol SettingsTable: Sendable {
    init()
    /// The command's name, such as `serve`.
    static var command: String { get }
    /// The names of the arguments that are not flags, all of them required, in order.
    static var arguments: [String] { get }
    /// Whether the last of them may be given several times.
    static var repeatsLastArgument: Bool { get }
    /// A command line that works, and a line on what it does, for help.
    static var examples: [(line: String, does: String)] { get }
    /// What is wrong between settings that are well-formed each; a sentence a problem.
    static func conflicts(in settings: Settings<Self>) -> [String]
}

extension SettingsTable {
    package static var arguments: [String] { [] }
    package static var repeatsLastArgument: Bool { false }
    package static func conflicts(in settings: Settings<Self>) -> [String] { [] }

    /// The declarations, in the order in which the properties are written.
    package static var declarations: [any SettingDeclaration] {
        Mirror(reflecting: Self()).children.compactMap { $0.value as? any SettingDeclaration }
    }
}

/// The settings of one command, resolved and checked. A setting is read by its property's name: `settings.dataDir`.
@dynamicMemberLookup
package struct Settings<Table: SettingsTable>: Sendable {
    /// The arguments that are not flags, as many as the table names, or more where the last may be repeated.
    package let arguments: [String]
    private let table = Table()
    private let given: [String: (text: String, origin: SettingOrigin)]

    /// `given` holds only texts that their settings accept, and all the required ones: the resolver sees to it.
    init(given: [String: (text: String, origin: SettingOrigin)], arguments: [String]) {
        self.given = given
        self.arguments = arguments
    }

    package subscript<Value>(dynamicMember path: KeyPath<Table, Setting<Value>>) -> Value {
        let setting = table[keyPath: path]
        let text = given[setting.name]?.text
        guard let value = setting.value(of: text) else {
            preconditionFailure("\(setting.name) was not checked: \(text ?? "missing")")
        }
        return value
    }

    /// Where the value of a setting came from.
    package func origin<Value>(of path: KeyPath<Table, Setting<Value>>) -> SettingOrigin {
        given[table[keyPath: path].name]?.origin ?? .fallback
    }

    /// Every setting with its text and origin, in the table's order: what a server logs when it starts.
    package var effective: [(name: String, text: String, origin: SettingOrigin)] {
        Table.declarations.map { setting in
            let entry = given[setting.name]
            return (setting.name, entry?.text ?? setting.defaultDescription ?? "", entry?.origin ?? .fallback)
        }
    }
}
