import LikewiseTestSupport
import Testing

@Suite("Buttons of other makers")
struct WidgetTests {
    /// A thousand taps on 50 connections at once; what went wrong.
    private func tap(_ server: ServerProcess, _ call: HTTPCall) throws -> [String] {
        try Crew(50) { _ in
            let http = try server.connect()
            var wrong: [String] = []
            for _ in 0..<20 {
                let answer = try http.answer(call)
                if answer.status != 200 { wrong.append("\(answer.status) \(answer.text)") }
            }
            return wrong
        }.finish().flatMap { $0 }
    }

    @Test("A thousand taps at once through each are counted exactly, and hold over a kill")
    func exact() throws {
        try withFolder { folder in
            let heart = HTTPCall(
                "POST", "/openheart/example.com/page", contentType: "text/plain", body: Array("❤️".utf8))
            let clap = HTTPCall(
                "POST", "/applause/update-claps?url=https://example.com/page", contentType: "text/plain",
                body: Array(#""3,3.3.0""#.utf8))
            let flags = ["--widget-limit", "none"]
            try withServer(flags, dataFolder: folder + "/data") { server in
                let wrong = try tap(server, heart) + tap(server, clap)
                #expect(wrong.isEmpty)
                server.process.kill9()
            }
            try withServer(flags, dataFolder: folder + "/data") { server in
                let http = try server.connect()
                #expect(try http.answer("GET", "/openheart/example.com/page").text == #"{"❤️":1000}"#)
                #expect(try http.answer("GET", "/applause/get-claps?url=https://example.com/page").text == "3000")
            }
        }
    }

    @Test("One address may tap as often as the setting says, and none where they are switched off")
    func settings() throws {
        let heart = HTTPCall("POST", "/openheart/example.com/page", contentType: "text/plain", body: Array("🥨".utf8))
        try withServer(["--widget-limit", "2/1h"]) { server in
            let http = try server.connect()
            #expect(try (0..<3).map { _ in try http.answer(heart).status } == [200, 200, 429])
        }
        try withServer(["--widgets", "off"]) { server in
            let answer = try server.connect().answer(heart)
            #expect(answer.status == 404)
        }
    }
}
