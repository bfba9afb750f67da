import Glibc

/// The terminal that standard output is: a screen of its own while it is shown, and as it was afterwards.
struct Terminal: ~Copyable {
    private let sink = LogSink(descriptor: STDOUT_FILENO)

    /// Whether standard output is one.
    static var isThere: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Takes a screen of its own and hides the cursor.
    init() { sink.write(Array("\u{1b}[?1049h\u{1b}[?25l".utf8)) }

    deinit { sink.write(Array("\u{1b}[?25h\u{1b}[?1049l".utf8)) }

    /// Whether bold is wanted: https://no-color.org.
    var isStyled: Bool { sink.isColoured }

    /// Columns and lines; what terminals once had where it does not say.
    var size: (columns: Int, lines: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Shows these lines and nothing else.
    func show(_ lines: [String]) {
        // Each line's rest is cleared behind it, so that nothing flickers; the last one has no line feed, which would
        // scroll.
        let text = lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n")
        sink.write(Array("\u{1b}[H\(text)\u{1b}[J".utf8))
    }
}
