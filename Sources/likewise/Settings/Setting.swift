// One setting is declared once, as a property of a command's table (see SettingsTables.swift). Its flag, environment
// variable, key of the file, help line, validation and typed access all follow from that declaration.

/// One setting: its name, what it accepts, what holds when it is not given, and a line of help.
package struct Setting<Value: Sendable>: SettingDeclaration {
    /// What holds when no layer gives the setting.
    package enum Fallback: Sendable {
        /// This text, read as if it had been given.
        case text(String)
        /// This value, which the help describes in words.
        case value(Value, described: String)
        /// Nothing: the command cannot run without it.
        case required
    }

    package let name: String
    package let kind: SettingKind<Value>
    package let fallback: Fallback
    package let help: String

    /// A setting whose default is written as a user would write it.
    package init(_ name: String, _ kind: SettingKind<Value>, default text: String, _ help: String) {
        precondition(kind.parse(text) != nil, "the default of \(name), '\(text)', must be \(kind.accepts)")
        self.init(name: name, kind: kind, fallback: .text(text), help: help)
    }

    /// A setting that has to be given.
    package init(required name: String, _ kind: SettingKind<Value>, _ help: String) {
        self.init(name: name, kind: kind, fallback: .required, help: help)
    }

    /// A setting that may stay away; `absent` says in words what holds then.
    package init<Wrapped>(
        optional name: String, _ kind: SettingKind<Wrapped>, absent: String, _ help: String
    ) where Value == Wrapped? {
        self.init(name: name, kind: kind.optional, fallback: .value(nil, described: absent), help: help)
    }

    private init(name: String, kind: SettingKind<Value>, fallback: Fallback, help: String) {
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.help = help
    }

    package var accepts: String { kind.accepts }
    package var placeholder: String { kind.placeholder }
    package var isSwitch: Bool { Value.self == Bool.self }
    package var isRequired: Bool { if case .required = fallback { true } else { false } }

    package var defaultDescription: String? {
        switch fallback {
        case .text(let text): text
        case .value(_, let described): described
        case .required: nil
        }
    }

    package func accepts(_ text: String) -> Bool { kind.parse(text) != nil }

    /// The value of `text`, or the fallback where nothing was given; nil where `text` is not accepted or missing.
    func value(of text: String?) -> Value? {
        if let text { return kind.parse(text) }
        switch fallback {
        case .text(let text): return kind.parse(text)
        case .value(let value, _): return value
        case .required: return nil
        }
    }
}

/// A setting whatever its type: what resolving, errors and help need.
package protocol SettingDeclaration: Sendable {
    /// The name in lower case with hyphens, as in the flag and in the file.
    var name: String { get }
    /// A line for `--help`.
    var help: String { get }
    /// What is accepted, in words, for help and errors.
    var accepts: String { get }
    /// What stands for the value in help, such as `<bytes>`.
    var placeholder: String { get }
    /// The default, or nil where there is none.
    var defaultDescription: String? { get }
    /// Whether the flag may stand alone and then means on.
    var isSwitch: Bool { get }
    /// Whether the command cannot run without it.
    var isRequired: Bool { get }
    /// Whether `text` is a value of this setting.
    func accepts(_ text: String) -> Bool
}

extension SettingDeclaration {
    /// `--data-dir` for `data-dir`.
    package var flag: String { "--\(name)" }

    /// `LIKEWISE_DATA_DIR` for `data-dir`.
    package var variable: String {
        SettingNames.variablePrefix + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

/// Names that are not one setting's own.
package enum SettingNames {
    /// What the name of every environment variable begins with.
    package static let variablePrefix = "LIKEWISE_"
    /// The setting that names the file; it is the only one that the file cannot hold.
    package static let config = "config"
}

/// Where a value came from, in the order of precedence.
package enum SettingOrigin: Hashable, Sendable {
    case flag
    case environment
    case file(String)
    case fallback

    /// The place in words, for the setting called `name`.
    func described(_ setting: any SettingDeclaration) -> String {
        switch self {
        case .flag: "the flag \(setting.flag)"
        case .environment: "the environment variable \(setting.variable)"
        case .file(let path): "the key '\(setting.name)' of \(path)"
        case .fallback: "the default"
        }
    }
}
