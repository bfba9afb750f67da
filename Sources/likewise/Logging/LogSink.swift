import Glibc
import Synchronization

/// Where log lines go: a file descriptor that gets one write(2) a line, one line at a time.
package final class LogSink: Sendable {
    /// Standard error.
    package static let standardError = LogSink(descriptor: STDERR_FILENO)

    /// Whether the lines are read on a terminal that shows colours.
    package let isColoured: Bool
    private let descriptor: Int32
    private let turn = Mutex(())

    /// Writes to `descriptor`, which stays open and belongs to the caller.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        // https://no-color.org: any value that is not empty.
        let refused = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        isColoured = isatty(descriptor) == 1 && !refused
    }

    /// Writes `line`, its line feed included. A line that cannot be written is lost: there is nowhere to say so.
    package func write(_ line: [UInt8]) {
        turn.withLock { _ in
            line.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                    if count > 0 { rest = rest.dropFirst(count) }
                    if count < 0 && errno == EAGAIN { waitForRoom() } else if count <= 0 && errno != EINTR { return }
                }
            }
        }
    }

    /// Standard error may be a pipe that another process has set to not block.
    private func waitForRoom() {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, 100)
    }
}
