import Configuration
import Glibc
import Synchronization

/// The YAML file of settings: a flat mapping, each name as in the flag without its hyphens in front. A list may be
/// written as a sequence or with commas.
struct SettingsFile {
    /// The largest file that is read; a settings file is a few lines.
    static let maxBytes = 1 << 20

    /// The keys as they stand in the file, those of nested mappings joined by dots.
    let keys: [String]
    private let snapshot: YAMLSnapshot?

    /// Reads the file at `path`.
    init(path: String) throws(SettingsError) {
        let bytes = try Self.read(path)
        if Self.isBlank(bytes) {
            (keys, snapshot) = ([], nil)
            return
        }
        // A snapshot gives values by key but does not list its keys. It asks for each of them once whether it is secret,
        // and that is where they are noted.
        let seen = Mutex<[String]>([])
        let noting = YAMLSnapshot.ParsingOptions(
            secretsSpecifier: .dynamic { key, _ in
                seen.withLock { $0.append(key) }
                return false
            })
        do {
            snapshot = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: noting)
        } catch {
            throw SettingsError([.file(path: path, reason: "\(error)")])
        }
        keys = seen.withLock { $0.sorted() }
    }

    /// The text of `name`: a scalar as written, a sequence joined by commas, or nil where the file has no such key.
    func text(_ name: String) -> String? {
        let key = AbsoluteConfigKey([name])
        if let text = try? snapshot?.value(forKey: key, type: .string).value?.content, case .string(let value) = text {
            return value
        }
        let list = try? snapshot?.value(forKey: key, type: .stringArray).value?.content
        if case .stringArray(let values) = list { return values.joined(separator: ",") }
        return nil
    }

    /// Whether nothing but comments, blank lines and document marks is there: a file with every line commented out.
    private static func isBlank(_ bytes: [UInt8]) -> Bool {
        bytes.split(separator: UInt8(ascii: "\n")).allSatisfy { line in
            let content = line.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
            return content.isEmpty || content.first == UInt8(ascii: "#") || line.elementsEqual("---".utf8)
        }
    }

    private static func read(_ path: String) throws(SettingsError) -> [UInt8] {
        func failed(_ reason: String) -> SettingsError { SettingsError([.file(path: path, reason: reason)]) }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failed(String(cString: strerror(errno))) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failed(String(cString: strerror(errno))) }
            bytes += chunk[..<count]
            guard bytes.count <= maxBytes else { throw failed("it is larger than \(ByteSize.text(maxBytes))") }
        }
    }
}
