import Foundation
import Glibc
import LikewiseTestSupport
import Testing

/// A Chromium without a window, with a profile of its own. It is used by one thread.
final class Browser {
    struct DidNotStart: Error, CustomStringConvertible {
        var description: String
    }

    /// An element of the page, as WebDriver names it.
    struct Element {
        fileprivate let id: String
    }

    /// A line of the browser's console, or of what it says of the network and of policies.
    struct Entry: CustomStringConvertible {
        var level: String
        var message: String
        var description: String { "\(level) \(message)" }
    }

    /// Keys without a character, by WebDriver's code points.
    enum Key {
        static let tab = "\u{e004}"
        static let enter = "\u{e007}"
        static let escape = "\u{e00c}"
        static let left = "\u{e012}"
        static let up = "\u{e013}"
        static let right = "\u{e014}"
        static let down = "\u{e015}"
    }

    private let folder: TemporaryFolder
    private let process: ChildProcess
    private let driver: WebDriver
    private var hasEnded = false

    /// Starts a driver on a port that it chooses, and a browser.
    init() throws {
        folder = try TemporaryFolder()
        process = try ChildProcess(
            ServerPrograms.find("chromedriver"), ["--port=0"], variables: ["TMPDIR": folder.path])
        let started = "started successfully on port "
        let process = process
        _ = RedisPoll.until(seconds: 30) { process.ending != nil || process.output.contains(started) }
        let digits = process.output.components(separatedBy: started).last?.prefix { $0.isNumber } ?? ""
        guard let port = UInt16(digits) else {
            process.kill9()
            throw DidNotStart(description: "chromedriver did not come to listen: \(process.output) \(process.errors)")
        }
        var flags = [
            "--headless=new", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
            "--user-data-dir=\(folder.path)/profile",
        ]
        // As root Chromium starts without its sandbox or not at all.
        if geteuid() == 0 { flags.append("--no-sandbox") }
        do {
            driver = try WebDriver(
                port: port,
                capabilities: [
                    "browserName": "chrome", "goog:loggingPrefs": ["browser": "ALL"],
                    "goog:chromeOptions": ["args": .list(flags.map { .string($0) })],
                ])
        } catch {
            process.kill9()
            throw error
        }
    }

    /// Goes to a new tab with a viewport of this size, and closes the one before with all that was set in it.
    func openTab(width: Int, height: Int) throws {
        let tab = try driver.ask("POST", "/window/new", ["type": "tab"])
        try driver.ask("DELETE", "/window")
        try driver.ask("POST", "/window", ["handle": tab["handle"] ?? .null])
        _ = try entries()
        // The window's size is not the viewport's.
        try cdp(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(Int64(width)), "height": .integer(Int64(height)), "deviceScaleFactor": 1,
                "mobile": false,
            ])
    }

    deinit { end() }

    /// Ends the browser, then its driver, which alone would leave it behind.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        _ = try? driver.ask("DELETE", "")
        process.signal(SIGTERM)
        if process.waitForEnd(seconds: 10) == nil { process.kill9() }
    }

    /// Goes to an address, and waits until the page and its modules are loaded.
    func open(_ address: String) throws { _ = try driver.ask("POST", "/url", ["url": .string(address)]) }

    /// Runs the body of a function with `arguments` in the page; answers what it returns.
    @discardableResult
    func run(_ script: String, _ arguments: JSON...) throws -> JSON {
        try driver.ask("POST", "/execute/sync", ["script": .string(script), "args": .list(arguments)])
    }

    /// The same for the body of an asynchronous function, whose end is awaited.
    @discardableResult
    func runAsync(_ script: String, _ arguments: JSON...) throws -> JSON {
        let body = """
            const done = arguments[arguments.length - 1];
            (async function () { \(script)
            }).apply(null, arguments).then(
                value => done({ value }), error => done({ error: `${error}\\n${error.stack}` }));
            """
        let ended = try driver.ask("POST", "/execute/async", ["script": .string(body), "args": .list(arguments)])
        if let error = ended["error"]?.text {
            throw WebDriver.Failure(command: "a script", error: "an error of the script's own", message: error)
        }
        return ended["value"] ?? .null
    }

    /// Runs a script again and again until it returns something else than null and false; records an issue where it
    /// does not within `seconds`.
    @discardableResult
    func wait(
        for what: String, seconds: Double = 10, _ script: String, _ arguments: JSON...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSON {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let found = try driver.ask("POST", "/execute/sync", ["script": .string(script), "args": .list(arguments)])
            if found != .null && found != false { return found }
            if ContinuousClock.now > deadline {
                Issue.record("\(what) did not come within \(seconds) s", sourceLocation: sourceLocation)
                return found
            }
            usleep(10_000)
        }
    }

    /// The element that a script returns.
    func element(_ script: String, _ arguments: JSON...) throws -> Element {
        let found = try driver.ask("POST", "/execute/sync", ["script": .string(script), "args": .list(arguments)])
        let id = try #require(found["element-6066-11e4-a52e-4f735466cecf"]?.text, "no element: \(found)")
        return Element(id: id)
    }

    /// The role and the name that assistive technology is told of an element.
    func spoken(_ element: Element) throws -> (role: String?, name: String?) {
        (
            try driver.ask("GET", "/element/\(element.id)/computedrole").text,
            try driver.ask("GET", "/element/\(element.id)/computedlabel").text
        )
    }

    /// Clicks with the mouse, as a person does.
    func click(_ element: Element) throws { _ = try driver.ask("POST", "/element/\(element.id)/click") }

    /// Holds the pointer down on an element for some time, by mouse or by touch.
    func hold(_ element: Element, milliseconds: Int, pointer: String) throws {
        let place: JSON = ["element-6066-11e4-a52e-4f735466cecf": .string(element.id)]
        let steps: JSON = [
            ["type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": place],
            ["type": "pointerDown", "button": 0],
            ["type": "pause", "duration": .integer(Int64(milliseconds))], ["type": "pointerUp", "button": 0],
        ]
        try act([
            "type": "pointer", "id": .string(pointer), "parameters": ["pointerType": .string(pointer)],
            "actions": steps,
        ])
    }

    /// Presses keys and lets them go, one after the other.
    func press(_ keys: String...) throws {
        let steps = keys.flatMap { key -> [JSON] in
            [["type": "keyDown", "value": .string(key)], ["type": "keyUp", "value": .string(key)]]
        }
        try act(["type": "key", "id": "keyboard", "actions": .list(steps)])
    }

    private func act(_ actions: JSON) throws { _ = try driver.ask("POST", "/actions", ["actions": [actions]]) }

    /// What the browser has logged since it was asked last.
    func entries() throws -> [Entry] {
        try driver.ask("POST", "/se/log", ["type": "browser"]).entries.map {
            Entry(level: $0["level"]?.text ?? "", message: $0["message"]?.text ?? "")
        }
    }

    /// Cuts the browser off from the network, or connects it again.
    func setOffline(_ isOffline: Bool) throws {
        try cdp("Network.enable")
        try cdp(
            "Network.emulateNetworkConditions",
            ["offline": .bool(isOffline), "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1])
    }

    /// A command of the Chrome DevTools Protocol.
    @discardableResult
    func cdp(_ command: String, _ parameters: JSON = [:]) throws -> JSON {
        try driver.ask("POST", "/goog/cdp/execute", ["cmd": .string(command), "params": parameters])
    }
}

/// Browsers that tests are done with, for the next: one takes a second to start, on a busy machine several.
private enum IdleBrowsers {
    private static let idle: Monitor<[Browser]> = {
        // They would outlive the tests.
        atexit { IdleBrowsers.end() }
        return Monitor([])
    }()

    static func take() -> Browser? { idle.update { $0.popLast() } }
    static func put(_ browser: Browser) { idle.update { $0.append(browser) } }

    private static func end() {
        while let browser = take() { browser.end() }
    }
}

/// Runs `body` with a browser that nobody else has meanwhile, in a new tab. One whose test throws is ended.
func withBrowser<Result>(width: Int = 1_280, height: Int = 900, _ body: (Browser) throws -> Result) throws -> Result {
    let browser = try IdleBrowsers.take() ?? Browser()
    do {
        try browser.openTab(width: width, height: height)
        let result = try body(browser)
        IdleBrowsers.put(browser)
        return result
    } catch {
        browser.end()
        throw error
    }
}

/// Expects that the console of a browser has no errors, and that no policy was violated.
func expectQuiet(_ browser: Browser, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let loud = try browser.entries().filter { $0.level == "SEVERE" || $0.message.contains("Content Security Policy") }
    #expect(loud.isEmpty, "\(loud)", sourceLocation: sourceLocation)
}
