// Calls of a running server for people who run it, one after the other.

import AsyncHTTPClient
import Foundation
import LikewiseAPI
import NIOCore
import NIOHTTP1

/// Asks a server on behalf of an operator.
struct AdminClient {
    /// Seconds that a call may take: the release of a content's likes is made durable group by group.
    private static let timeout: Int64 = 300
    /// Bytes of an answer: a page of a thousand likes with the longest ids.
    private static let maxBytes = 8 << 20

    /// What went wrong, and what to do.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Scheme, host and port.
    let url: String
    /// A key of scope `admin`; nil where the server has no identity.
    let key: String?

    /// The first word of a file, which is a key; `setting` names the file in the message.
    static func key(in path: String, setting: String) throws(Failure) -> String {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Failure(description: "\(path) cannot be read: check \(setting)")
        }
        let key = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        guard let key else { throw Failure(description: "\(path) has no key in it: check \(setting)") }
        return String(key)
    }

    func get<Answer: Decodable>(_ path: [String], query: [String: String]) async throws -> Answer {
        let pairs = query.sorted { $0.key < $1.key }.map { "\($0.key)=\(URIText.escaped($0.value))" }
        let suffix = pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
        return try await call(HTTPClientRequest(url: url + AdminClient.path(path) + suffix))
    }

    func post<Answer: Decodable>(_ path: [String], body: [String: String]) async throws -> Answer {
        var request = HTTPClientRequest(url: url + AdminClient.path(path))
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
        return try await call(request)
    }

    private func call<Answer: Decodable>(_ request: HTTPClientRequest) async throws -> Answer {
        var request = request
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        let (status, bytes) = try await AdminClient.send(request)
        guard status == 200 else { throw AdminClient.failure(status, bytes) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(Answer.self, from: bytes) } catch {
            throw Failure(description: "\(url) answered what this version does not understand: check --url")
        }
    }

    /// The answer's status and body. A redirection is not followed: the key is for the address that was named.
    private static func send(_ request: HTTPClientRequest) async throws -> (status: UInt, bytes: Data) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<(UInt, Data), any Error>
        do {
            let response = try await client.execute(request, timeout: .seconds(timeout))
            let body = try await response.body.collect(upTo: maxBytes)
            result = .success((response.status.code, Data(body.readableBytesView)))
        } catch { result = .failure(error) }
        try await client.shutdown()
        do { return try result.get() } catch {
            throw Failure(description: "\(request.url) cannot be had (\(error)): check --url, and that the server runs")
        }
    }

    private struct Problem: Decodable {
        var code: String
        var detail: String?
    }

    private static func failure(_ status: UInt, _ bytes: Data) -> Failure {
        guard let problem = try? JSONDecoder().decode(Problem.self, from: bytes) else {
            return Failure(description: "the server answered with status \(status): check --url")
        }
        switch problem.code {
        case "unauthenticated", "forbidden":
            return Failure(
                description: "\(problem.detail ?? problem.code) Give a key of scope admin: --key-file, or LIKEWISE_KEY")
        default: return Failure(description: problem.detail ?? problem.code)
        }
    }

    private static func path(_ segments: [String]) -> String {
        segments.map { "/" + URIText.escaped($0) }.joined()
    }
}
