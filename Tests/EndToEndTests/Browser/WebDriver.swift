import Foundation

/// One session of the WebDriver protocol (W3C, classic commands) with a driver on loopback. It is used by one thread.
final class WebDriver {
    /// A command that was not carried out, in the driver's words.
    struct Failure: Error, CustomStringConvertible {
        var command: String
        var error: String
        var message: String
        var description: String { "\(command): \(error): \(message)" }
    }

    private let http: HTTPConnection
    private let path: String

    /// Starts a browser with these capabilities.
    init(port: UInt16, capabilities: JSON) throws {
        http = try HTTPConnection(port: port)
        let session = try Self.ask(http, "POST", "/session", ["capabilities": ["alwaysMatch": capabilities]])
        guard let id = session["sessionId"]?.text else {
            throw Failure(command: "POST /session", error: "no session", message: "\(session)")
        }
        path = "/session/\(id)"
    }

    /// Carries out a command of the session; answers its value.
    @discardableResult
    func ask(_ method: String, _ command: String, _ body: JSON? = nil) throws -> JSON {
        try Self.ask(http, method, path + command, method == "POST" ? body ?? [:] : body)
    }

    private static func ask(_ http: HTTPConnection, _ method: String, _ path: String, _ body: JSON?) throws -> JSON {
        let answer = try http.answer(method, path, body)
        let value = answer.json["value"] ?? .null
        guard answer.status == 200 else {
            throw Failure(
                command: "\(method) \(path)", error: value["error"]?.text ?? "\(answer.status)",
                message: value["message"]?.text ?? answer.text)
        }
        return value
    }
}
