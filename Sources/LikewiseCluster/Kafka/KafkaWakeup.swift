import CPlatform
import Glibc

/// Wakes the one thread that waits for it: a counter of the kernel's, that librdkafka writes to as well.
final class KafkaWakeup: Sendable {
    let descriptor: Int32

    /// Traps where the system has no descriptor left.
    init() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(descriptor >= 0, "no descriptor for a producer: error \(errno)")
    }

    deinit { close(descriptor) }

    /// Ends the wait that is on, or the next one.
    func signal() {
        var one: UInt64 = 1
        // It fails where the counter is full, and then the thread is woken already.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for a signal since the last wait.
    func wait() {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, -1) < 0 && errno == EINTR {}
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
