import Foundation
import LikewiseTestSupport
import Testing

/// Who uses the button by keyboard, by touch, or by what a screen reader says.
@Suite("The like button by keyboard, touch and speech", .serialized, .timeLimit(.minutes(3)))
struct BrowserButtonUseTests {
    /// The label of what has the focus in the button; nil where nothing has.
    private func focused(_ page: ButtonPage) throws -> String? {
        try page.run("return root.activeElement?.ariaLabel ?? null").text
    }

    @Test("The keyboard likes, opens the picker, moves in it, chooses and leaves it; its names and states are told")
    func keyboard() throws {
        try withServer { server in
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                #expect(try browser.spoken(page.element) == ("button", "Like, 0 likes"))
                try browser.press(Browser.Key.tab, " ")
                try page.settle()
                #expect(try page.shown.description == "1 'Like, 1 like' pressed")
                #expect(try browser.spoken(page.element) == ("button", "Like, 1 like"))

                try browser.press(Browser.Key.up)
                #expect(try page.shown.isPickerOpen)
                #expect(try focused(page) == "Like, 1 like")
                let item = try page.browser.element(
                    "return document.querySelector('like-button').shadowRoot.activeElement")
                #expect(try browser.spoken(item) == ("menuitemradio", "Like, 1 like"))
                #expect(try page.run("return root.activeElement.ariaChecked") == "true")
                try browser.press(Browser.Key.right, Browser.Key.down)
                #expect(try focused(page) == "Haha, 0 likes")
                try browser.press(Browser.Key.left, Browser.Key.enter)
                try page.settle()
                #expect(try page.shown.description == "1 'Love, 1 like' pressed")
                #expect(try focused(page) == "Love, 1 like", "the focus is back on the button")
                expect(try server.connect().answer("GET", Target.like("ann", "v")), 200, ["reaction": "love"])

                try browser.press(Browser.Key.down, Browser.Key.up, Browser.Key.escape)
                #expect(try page.shown.description == "1 'Love, 1 like' pressed")
                #expect(try focused(page) == "Love, 1 like")
                try browser.press(" ")
                try page.settle()
                #expect(try page.shown.description == "0 'Like, 0 likes'")
                try expectQuiet(browser)
            }
        }
    }

    @Test("In a page from right to left the left arrow goes on")
    func rightToLeft() throws {
        try withServer { server in
            try withBrowser { browser in
                try browser.open("http://127.0.0.1:\(server.port)/buttons?content_id=v")
                let page = ButtonPage(browser: browser, content: "Right to left")
                try page.wait(for: "a count", "host.content.count")
                try page.run("button.focus()")
                try browser.press(Browser.Key.up, Browser.Key.left)
                #expect(try focused(page) == "Love, 2,871 likes")
                let places = try page.run(
                    "return [...root.querySelectorAll('menu button')].map(item => item.getBoundingClientRect().left)")
                let lefts = places.entries.compactMap { place -> Double? in
                    if case .integer(let value) = place { return Double(value) }
                    if case .number(let value) = place { return value }
                    return nil
                }
                #expect(lefts.count == 6 && lefts == lefts.sorted(by: >), "\(lefts)")
            }
        }
    }

    @Test("Holding the button opens the picker and likes nothing", arguments: ["touch", "mouse"])
    func held(pointer: String) throws {
        try withServer { server in
            try withBrowser { browser in
                let page = try ButtonPage.open(browser, port: server.port, content: "v", user: "ann")
                try browser.hold(page.element, milliseconds: 700, pointer: pointer)
                #expect(try page.shown.description == "0 'Like, 0 likes' with its picker")
                try browser.click(
                    browser.element(
                        "return document.querySelector('like-button').shadowRoot.querySelectorAll('menu button')[3]"))
                try page.settle()
                #expect(try page.shown.description == "1 'Wow, 1 like' pressed")
                try expectQuiet(browser)
            }
        }
    }

    @Test(
        "What can be hit is at least 44 pixels, wide and narrow, and nothing sticks out of a narrow page",
        arguments: [360, 1_280])
    func size(width: Int) throws {
        try withServer { server in
            try withBrowser(width: width) { browser in
                try browser.open("http://127.0.0.1:\(server.port)/buttons?content_id=v")
                try browser.wait(
                    for: "all counts",
                    "return [...document.querySelectorAll('like-button')].every(host => host.content.count !== null)")
                let small = try browser.run(
                    """
                    const hosts = [...document.querySelectorAll('like-button')], small = [];
                    for (const host of hosts) {
                      host.showPicker();
                      for (const button of host.shadowRoot.querySelectorAll('button')) {
                        const { width, height, left, right } = button.getBoundingClientRect();
                        if (width < 44 || height < 44 || left < 0 || right > innerWidth) {
                          small.push([host.content.id, button.ariaLabel, width, height, left, right]);
                        }
                      }
                      host.shadowRoot.querySelector('menu').hidePopover();
                    }
                    return small;
                    """)
                #expect(small == [], "\(small)")
                let beyond = try browser.run("return document.documentElement.scrollWidth - innerWidth")
                #expect(try #require(beyond.int) <= 0)
            }
        }
    }
}
