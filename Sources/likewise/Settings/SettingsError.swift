/// Everything that is wrong with what was given, found in one pass so that it can be put right in one.
package struct SettingsError: Error, Hashable, CustomStringConvertible {
    /// One sentence each.
    package let problems: [SettingProblem]

    package init(_ problems: [SettingProblem]) { self.problems = problems }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// One thing that is wrong with what was given.
package enum SettingProblem: Hashable, Sendable, CustomStringConvertible {
    /// A flag that the command does not know.
    case unknownFlag(String, nearest: String?, ofOtherCommand: String?)
    /// An environment variable that begins with `LIKEWISE_` and is no setting of any command.
    case unknownVariable(String, nearest: String?)
    /// A key of the file that is no setting of any command.
    case unknownKey(String, file: String, nearest: String?)
    /// A value that the setting does not accept.
    case badValue(setting: String, value: String, place: String, accepts: String)
    /// A flag at the end, or before another flag, that needs a value.
    case valueMissing(flag: String, accepts: String)
    /// A flag given more than once.
    case repeated(flag: String)
    /// A setting that the command cannot run without.
    case settingMissing(flag: String, variable: String, help: String)
    /// An argument that is not a flag, where the command takes none or no more.
    case unexpectedArgument(String)
    /// An argument that the command cannot run without.
    case argumentMissing(String)
    /// The file cannot be read, or is not a flat YAML mapping.
    case file(path: String, reason: String)
    /// Settings that are well-formed each but not together.
    case conflict(String)

    package var description: String {
        switch self {
        case .unknownFlag(let flag, let nearest, let other):
            if let other {
                "unknown flag \(flag) here: it belongs to `likewise \(other)`"
            } else {
                "unknown flag \(flag)\(Self.hint(nearest))"
            }
        case .unknownVariable(let name, let nearest): "unknown environment variable \(name)\(Self.hint(nearest))"
        case .unknownKey(let key, let file, let nearest): "unknown key '\(key)' in \(file)\(Self.hint(nearest))"
        case .badValue(let setting, let value, let place, let accepts):
            "\(setting): '\(value)', from \(place), is not accepted; it takes \(accepts)"
        case .valueMissing(let flag, let accepts): "\(flag) needs a value: \(accepts)"
        case .repeated(let flag): "\(flag) is given more than once"
        case .settingMissing(let flag, let variable, let help): "\(flag) (or \(variable)) is required: \(help)"
        case .unexpectedArgument(let argument): "unexpected argument '\(argument)'"
        case .argumentMissing(let name): "the argument <\(name)> is missing"
        case .file(let path, let reason): "the settings file \(path) cannot be used: \(reason)"
        case .conflict(let text): text
        }
    }

    private static func hint(_ nearest: String?) -> String {
        nearest.map { "; did you mean \($0)?" } ?? "; --help lists what is known"
    }
}
