// `likewise top`: what a running server does, by its metrics and by what gains most, looked at each second.

import ArgumentParser
import Glibc
import LikewiseClient
import UnixSignals

struct Top: SettingsCommand {
    typealias Table = TopSettings

    static let configuration = settingsConfiguration(
        abstract: "Watch a server: likes and reads a second, latencies, shards, and what is hot.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    /// What the screen waits for.
    private enum Event: Sendable {
        case look(Result<TopLook, TopFailure>)
        case resized
        case end
    }

    func run(_ settings: Settings<TopSettings>) async throws {
        let watch: TopWatch
        do { watch = try TopWatch(settings) } catch { throw Failure.exit("\(error)") }
        let first: TopLook
        do { first = try await watch.look() } catch { throw Failure.exit("\(error)") }
        if !settings.once, Terminal.isThere {
            await show(watch, first, settings)
        } else {
            try await print(watch, first, settings)
        }
    }

    // MARK: A terminal

    private func show(_ watch: TopWatch, _ first: TopLook, _ settings: Settings<TopSettings>) async {
        let (events, post) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(16))
        let looks = Task {
            while (try? await Task.sleep(for: settings.interval)) != nil {
                do throws(TopFailure) { post.yield(.look(.success(try await watch.look()))) } catch {
                    post.yield(.look(.failure(error)))
                }
            }
        }
        let signals = Task {
            for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sigwinch) {
                post.yield(signal == .sigwinch ? .resized : .end)
            }
        }
        defer {
            looks.cancel()
            signals.cancel()
        }
        var screen = TopScreen(settings.arguments[0], first)
        let terminal = Terminal()
        func draw() {
            let (columns, lines) = terminal.size
            terminal.show(
                screen.lines(TopTable(width: columns, height: lines, isStyled: terminal.isStyled), settings.contents))
        }
        draw()
        for await event in events {
            switch event {
            case .look(.success(let look)): screen.add(look)
            case .look(.failure(let failure)): screen.trouble = "\(failure)"
            case .resized: break
            case .end: return
            }
            draw()
        }
    }

    // MARK: Plain lines

    private func print(_ watch: TopWatch, _ first: TopLook, _ settings: Settings<TopSettings>) async throws {
        var screen = TopScreen(settings.arguments[0], first)
        let table = TopTable(width: 120)
        repeat {
            try await Task.sleep(for: settings.interval)
            do {
                screen.add(try await watch.look())
            } catch { throw Failure.exit("\(error)") }
            for line in screen.lines(table, settings.contents ?? 10) { Swift.print(line) }
            Swift.print("")
            // A reader of a pipe wants them now.
            fflush(nil)
        } while !settings.once
    }
}

/// What was looked at last, and what was shown before.
private struct TopScreen {
    private let url: String
    private var last: TopLook
    private var figures: TopFigures?
    private var history = TopHistory()
    /// Why the last look came to nothing.
    var trouble: String?

    init(_ url: String, _ first: TopLook) { (self.url, last) = (url, first) }

    mutating func add(_ look: TopLook) {
        trouble = nil
        let seconds = (look.moment - last.moment).inSeconds
        guard seconds > 0 else { return }
        let figures = TopFigures(MetricsDelta(from: last.page, to: look.page, seconds: seconds), hot: look.hot)
        history.add(figures)
        (self.figures, last) = (figures, look)
    }

    func lines(_ table: TopTable, _ contents: Int?) -> [String] {
        let head = trouble.map { "\(url)  \($0)" } ?? url
        guard var figures else { return [TextWidth.fitted(head, to: table.width), "", "the first look…"] }
        if let contents { figures.hot = Array(figures.hot.prefix(contents)) }
        return table.lines(head, figures, history)
    }
}
