import Testing

/// A `<like-button>` of a page, as its user sees it: one of `/buttons`, unless the page is another.
struct ButtonPage {
    /// What a button shows, to eyes and to assistive technology.
    struct Shown: Equatable, CustomStringConvertible {
        var count: String
        var label: String
        var isPressed: Bool
        var isBusy: Bool
        var message: String
        var isPickerOpen: Bool
        var description: String {
            "\(count) '\(label)'\(isPressed ? " pressed" : "")\(isBusy ? " busy" : "")"
                + "\(message.isEmpty ? "" : " '\(message)'")\(isPickerOpen ? " with its picker" : "")"
        }
    }

    /// Scripts begin with this: `host`, its shadow `root`, the `button` in it. The first argument is the content's id.
    private static let place = """
        const host = document.querySelector(`like-button[content-id="${arguments[0]}"]`);
        const root = host.shadowRoot, button = root.querySelector('button');
        """

    let browser: Browser
    let content: String

    /// Opens the page of the button with a content and a user of the test's own, and waits until it shows a count.
    static func open(
        _ browser: Browser, port: UInt16, content: String, user: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ButtonPage {
        let query = "content_id=\(Target.encoded(content))&user_id=\(Target.encoded(user))"
        try browser.open("http://127.0.0.1:\(port)/buttons?\(query)")
        let page = ButtonPage(browser: browser, content: content)
        try page.wait(for: "a count", "root.querySelector('[part=count]').textContent", sourceLocation: sourceLocation)
        return page
    }

    var element: Browser.Element {
        get throws { try browser.element("\(Self.place) return button", .string(content)) }
    }

    var shown: Shown {
        get throws {
            let shown = try run(
                """
                return {
                  count: root.querySelector('[part=count]').textContent, label: button.ariaLabel,
                  pressed: button.ariaPressed === 'true', busy: button.ariaBusy === 'true',
                  message: root.querySelector('[part=message]').textContent,
                  open: root.querySelector('menu').matches(':popover-open'),
                }
                """)
            return Shown(
                count: shown["count"]?.text ?? "", label: shown["label"]?.text ?? "",
                isPressed: shown["pressed"] == true,
                isBusy: shown["busy"] == true, message: shown["message"]?.text ?? "",
                isPickerOpen: shown["open"] == true)
        }
    }

    /// Taps with the mouse.
    func tap() throws { try browser.click(element) }

    /// Runs a script with `host`, `root` and `button`.
    @discardableResult
    func run(_ script: String) throws -> JSON { try browser.run("\(Self.place) \(script)", .string(content)) }

    /// The same for the body of an asynchronous function.
    @discardableResult
    func runAsync(_ script: String) throws -> JSON {
        try browser.runAsync("\(Self.place) \(script)", .string(content))
    }

    /// Waits until an expression is true.
    func wait(
        for what: String, seconds: Double = 10, _ expression: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try browser.wait(
            for: what, seconds: seconds, "\(Self.place) return Boolean(\(expression))", .string(content),
            sourceLocation: sourceLocation)
    }

    /// Waits until the server has answered what was tapped.
    func settle(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try wait(for: "the answer", seconds: 20, "!host.content.pending", sourceLocation: sourceLocation)
    }
}
