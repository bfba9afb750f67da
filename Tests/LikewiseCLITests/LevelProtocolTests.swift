import Testing
import likewise

/// What arrives, byte by byte: a protocol must not care where the network cuts.
private func feed(_ text: String, to caller: inout some CallerProtocol, output: inout [UInt8]) -> [CallerProgress] {
    var input = ReplyBuffer()
    var seen: [CallerProgress] = []
    for byte in text.utf8 {
        input.append([byte])
        let progress = caller.receive(&input, output: &output)
        if progress != .waiting { seen.append(progress) }
    }
    return seen
}

@Suite("Bytes that have arrived")
struct ReplyBufferTests {
    @Test("What is dropped is gone, and what is left stays")
    func drop() {
        var buffer = ReplyBuffer()
        buffer.append([1, 2, 3])
        buffer.drop(2)
        buffer.append([4])
        #expect(Array(buffer.rest) == [3, 4])
        buffer.drop(2)
        #expect(buffer.rest.isEmpty)
    }
}

@Suite("What a caller says to Redis")
struct RedisProtocolTests {
    @Test(
        "An answer is taken when it is complete, and only then",
        arguments: [
            ("+OK\r\n", Redis.Answer.text("OK")), (":42\r\n", .number(42)), ("$-1\r\n", .none),
            ("$5\r\na\r\nbc\r\n", .text("a\r\nbc")),
            ("$0\r\n\r\n", .text("")), ("-ERR no\r\n", .error("ERR no")),
        ])
    func answers(text: String, answer: Redis.Answer) {
        var input = ReplyBuffer()
        for byte in text.utf8.dropLast() {
            input.append([byte])
            #expect(Redis.takeAnswer(from: &input) == nil)
        }
        input.append(text.utf8.suffix(1) + Array("+next\r\n".utf8))
        #expect(Redis.takeAnswer(from: &input) == answer)
        #expect(Redis.takeAnswer(from: &input) == .text("next"))
        #expect(input.rest.isEmpty)
    }

    @Test("A first like sets the key, then counts")
    func firstLike() {
        var caller = RedisCaller(next: .increment)
        var output: [UInt8] = []
        caller.begin(user: 7, output: &output)
        #expect(String(decoding: output, as: UTF8.self).contains("liked:video_abc:user_7\r\n$1\r\n1\r\n$2\r\nNX\r\n"))
        output = []
        #expect(feed("+OK\r\n", to: &caller, output: &output) == [])
        #expect(String(decoding: output, as: UTF8.self) == "*2\r\n$4\r\nINCR\r\n$15\r\nlikes:video_abc\r\n")
        #expect(feed(":1\r\n", to: &caller, output: &output) == [.counted])
    }

    @Test("A second like of the same user does not count")
    func secondLike() {
        var caller = RedisCaller(next: .increment)
        var output: [UInt8] = []
        caller.begin(user: 7, output: &output)
        output = []
        #expect(feed("$-1\r\n", to: &caller, output: &output) == [.alreadyLiked])
        #expect(output.isEmpty)
    }

    @Test("With an event log a first like is handed on, and an error ends the measurement")
    func handedOn() {
        var caller = RedisCaller(next: .handOn)
        var output: [UInt8] = []
        caller.begin(user: 7, output: &output)
        #expect(feed("+OK\r\n", to: &caller, output: &output) == [.handedOn])
        caller.begin(user: 8, output: &output)
        #expect(feed("-LOADING\r\n", to: &caller, output: &output) == [.refused("redis: LOADING")])
    }
}

@Suite("What a caller says to PostgreSQL")
struct PostgresProtocolTests {
    private func message(_ type: String, _ content: [UInt8]) -> [UInt8] {
        Array(type.utf8) + [0, 0, 0, UInt8(content.count + 4)] + content
    }

    @Test("A connection begins with version 3.0 and its parameters")
    func startup() {
        var output: [UInt8] = []
        Postgres.appendStartup(user: "a", database: "b", to: &output)
        let parameters = Array("user\0a\0database\0b\0\0".utf8)
        #expect(output == [0, 0, 0, UInt8(8 + parameters.count), 0, 3, 0, 0] + parameters)
    }

    @Test("A run binds text parameters, executes, and ends its transaction")
    func run() {
        var output: [UInt8] = []
        Postgres.appendRun(["c", "uu"], to: &output)
        let bind: [UInt8] =
            [0] + Array("like\0".utf8) + [0, 0, 0, 2, 0, 0, 0, 1] + Array("c".utf8) + [0, 0, 0, 2] + Array("uu".utf8)
            + [0, 0]
        #expect(output == message("B", bind) + message("E", [0, 0, 0, 0, 0]) + message("S", []))
    }

    @Test(
        "A like counts when it changed the count's row",
        arguments: [("UPDATE 1\0", CallerProgress.counted), ("UPDATE 0\0", .alreadyLiked)])
    func like(tag: String, progress: CallerProgress) {
        let bytes = message("2", []) + message("C", Array(tag.utf8)) + message("Z", [UInt8(ascii: "I")])
        var caller = PostgresCaller()
        var output: [UInt8] = []
        caller.begin(user: 1, output: &output)
        #expect(feed(String(decoding: bytes, as: UTF8.self), to: &caller, output: &output) == [progress])
    }

    @Test("An error is told in the server's words, when the server is ready again")
    func errors() {
        let fields = Array("SERROR\0C40001\0Mno luck\0\0".utf8)
        let bytes = message("E", fields) + message("Z", [UInt8(ascii: "I")])
        var caller = PostgresCaller()
        var output: [UInt8] = []
        caller.begin(user: 1, output: &output)
        #expect(
            feed(String(decoding: bytes, as: UTF8.self), to: &caller, output: &output) == [
                .refused("postgres: no luck")
            ])
    }

    @Test("The first column of a row is its text, or nothing where it is null")
    func firstColumn() {
        let row = Postgres.Message(type: UInt8(ascii: "D"), content: [0, 2, 0, 0, 0, 2, 52, 50, 0, 0, 0, 1, 57])
        #expect(row.firstColumn == "42")
        let null = Postgres.Message(type: UInt8(ascii: "D"), content: [0, 1, 255, 255, 255, 255])
        #expect(null.firstColumn == nil)
    }
}

@Suite("What a caller says to Likewise")
struct LikewiseProtocolTests {
    @Test(
        "An answer is judged by its status, once all of it is here",
        arguments: [
            (200, CallerProgress.counted), (409, .alreadyLiked), (503, .refused("likewise answered 503: {\"a\":1}")),
        ])
    func status(status: Int, progress: CallerProgress) {
        var caller = LikewiseCaller(port: 1)
        var output: [UInt8] = []
        caller.begin(user: 1, output: &output)
        let body = #"{"content_id":"video_abc","user_id":"user_1"}"#
        #expect(String(decoding: output, as: UTF8.self).hasSuffix("Content-Length: \(body.utf8.count)\r\n\r\n\(body)"))
        let answer = "HTTP/1.1 \(status) X\r\ncontent-length: 7\r\nDate: now\r\n\r\n{\"a\":1}"
        #expect(feed(answer, to: &caller, output: &output) == [progress])
        #expect(feed(answer, to: &caller, output: &output) == [progress])
    }
}
