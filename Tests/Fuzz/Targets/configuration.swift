// Settings. An input with lines of `%%` in it is a settings file, flags (a line each) and the environment (a line each), with
// these lines between them: whatever is given comes to settings that hold what their kinds promise and are from where they
// say, or to problems in words. Any other input is a text for each kind of value.

import Glibc
import LikewiseServer
import likewise

/// Called by libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func configuration(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(data, count) { bytes in
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n%%\n", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return texts(String(decoding: bytes.prefix(256), as: UTF8.self)) }
        let lines = parts.map { $0.split(separator: "\n").map(String.init) }
        resolve(file: parts[0], arguments: lines[1], environment: lines.count > 2 ? lines[2] : [])
    }
}

// MARK: Settings

/// A file without a name that is written anew for each input.
private let file = fileno(tmpfile())

private func resolve(file text: Substring, arguments: [String], environment lines: [String]) {
    var text = String(text)
    ftruncate(file, 0)
    let written = text.withUTF8 { pwrite(file, $0.baseAddress, $0.count, 0) }
    require(written == text.utf8.count, "the file cannot be written")
    var environment: [String: String] = [:]
    for line in lines {
        let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if sides.count == 2 { environment["LIKEWISE_" + sides[0]] = sides[1] }
    }
    let path = "/proc/self/fd/\(file)"
    do throws(SettingsError) {
        let outcome = try SettingsResolver(environment: environment)
            .resolve(FuzzSettings.self, arguments: ["--config", path] + arguments)
        switch outcome {
        case .help: require(arguments.contains("--help") || arguments.contains("-h"), "nobody asked for help")
        case .settings(let settings): hold(settings, arguments, environment, text)
        }
    } catch {
        require(!error.problems.isEmpty, "settings are refused without a problem")
        require(error.problems.allSatisfy { !$0.description.isEmpty }, "a problem without words")
    }
}

private func hold(
    _ settings: Settings<FuzzSettings>, _ arguments: [String], _ environment: [String: String], _ file: String
) {
    require(0...65_535 ~= settings.port, "the port is \(settings.port)")
    require((1 << 20)...(1 << 40) ~= settings.memory, "the memory is \(settings.memory)")
    require(ByteSize.parse(ByteSize.text(settings.memory)) == settings.memory, "a size is written as another")
    require(DurationText.parse(DurationText.text(settings.every)) == settings.every, "a time is written as another")
    require(settings.reactions.contains("like"), "like is not among \(settings.reactions)")
    require(!settings.topic.utf8.contains { $0 <= 0x20 }, "the topic has blanks")
    require(!settings.postgresql.isEmpty, "no server of PostgreSQL")
    _ = (settings.isOpen, settings.content, settings.sync, settings.rateLimit, settings.proxies, settings.redis)
    _ = settings.keys
    require(settings.arguments.count == 1, "\(settings.arguments) are one argument")
    for (setting, entry) in zip(FuzzSettings.declarations, settings.effective) {
        let variable = environment[setting.variable]
        switch entry.origin {
        case .flag:
            let isThere = arguments.contains {
                $0 == entry.text || $0 == setting.flag + "=" + entry.text || $0 == setting.flag
            }
            require(isThere || setting.name == SettingNames.config, "no flag says \(setting.name) \(entry.text)")
        case .environment: require(variable == entry.text, "the environment does not say \(setting.name) \(entry.text)")
        case .file:
            require(variable == nil, "the file is asked for \(setting.name) before the environment")
            require(file.contains(setting.name) || file.contains("\\"), "the file does not say \(setting.name)")
        case .fallback: require(variable == nil, "the environment's \(setting.name) is passed over")
        }
    }
}

// MARK: Kinds

private func texts(_ text: String) {
    if let size = ByteSize.parse(text) {
        require(ByteSize.parse(ByteSize.text(size)) == size, "\(size) bytes are written as \(ByteSize.text(size))")
    }
    if let time = DurationText.parse(text) {
        require(DurationText.parse(DurationText.text(time)) == time, "\(time) is written as \(DurationText.text(time))")
    }
    if let range = NetworkRange(text) {
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        require(NetworkAddress(text[..<slash]).map(range.contains) ?? false, "\(text) does not contain its base")
    }
    if let address = NetworkAddress(text) {
        require(isPlain(text), "\(text.debugDescription) is taken for an address")
        require(address.subscriber.subscriber == address.subscriber, "a subscriber has another subscriber")
    }
    if Loopback.covers(text) { require(isLoopback(text), "\(text.debugDescription) is taken for this machine") }
    if let address = ServerAddress.parse(text) {
        require(1...65_535 ~= address.port && !address.host.isEmpty, "\(text) is \(address)")
        require(text.hasSuffix("\(address.port)") && text.contains(address.host), "\(text) is \(address)")
        require(!text.hasSuffix("+\(address.port)"), "\(text) has a sign")
    }
    if let server = PostgresAddress(uri: text) {
        require(!server.host.isEmpty && server.port > 0 && !server.user.isEmpty, "\(text) is \(server)")
        let all = [server.host, server.user, server.database, server.password ?? ""] + server.parameters.values
        require(!all.contains { $0.utf8.contains(0) }, "C would read less of \(text.debugDescription)")
    }
    let text = String(text.prefix(16))
    for name in ["port", "rate-limit", String(text.reversed())] {
        let distance = Nearest.distance(Array(text), Array(name))
        require(distance == Nearest.distance(Array(name), Array(text)), "\(name) is nearer there than back")
        require(distance <= max(text.count, name.count), "\(name) is \(distance) away")
        require((distance == 0) == (text == name), "\(name) is \(distance) away")
    }
}

/// An address has no signs and no bytes that C reads as its end.
private func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { "0123456789abcdefABCDEF.:[]".utf8.contains($0) }
}

/// Whether C's own reading of `text` is an address of this machine's own.
private func isLoopback(_ text: String) -> Bool {
    if ["localhost", "::1", "[::1]"].contains(text.lowercased()) { return true }
    var address = in_addr()
    return inet_aton(text, &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
}
