import LikewiseServer
import Testing

@Suite("Emoji")
struct EmojiTests {
    private func leading(_ text: String) -> String? {
        Emoji(leading: Array(text.utf8)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test(
        "The first one of a text counts, whole, and the rest does not",
        arguments: [
            ("❤️", "❤️"), ("🥨 and salt", "🥨"), ("❤️=", "❤️"), ("👍🏽👎", "👍🏽"), ("👨‍👩‍👧‍👦!", "👨‍👩‍👧‍👦"), ("🇩🇪🇫🇷", "🇩🇪"), ("1️⃣2", "1️⃣"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"), ("🏳️‍🌈", "🏳️‍🌈"), ("\u{2764}", "\u{2764}\u{fe0f}"), ("\u{a9}\u{fe0f}", "\u{a9}\u{fe0f}"),
            ("🫀\n", "🫀"),
        ])
    func first(text: String, emoji: String) {
        #expect(leading(text).map { Array($0.utf8) } == Array(emoji.utf8))
    }

    @Test(
        "Text is none, however it begins",
        arguments: [
            "", " ", "a❤️", "1", "#", "12", "é", "\u{301}", "🇩", "\u{200d}", "\u{fe0f}", "❤\u{301}", "=", "\u{0}", "漢",
        ])
    func none(text: String) {
        #expect(leading(text) == nil)
    }

    @Test("What is longer than any emoji is none, and what is no text is none")
    func bounds() {
        #expect(leading("👩" + String(repeating: "\u{200d}👩", count: 40)) == nil)
        #expect(Emoji(leading: [0xff, 0xfe, 0x00]) == nil)
        #expect(Emoji(leading: [0xf0, 0x9f, 0xa5]) == nil)
    }
}
