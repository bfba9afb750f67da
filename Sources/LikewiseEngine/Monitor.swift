#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A lock with a condition to wait for, for the engine's own threads. The cooperative pool never waits on it.
///
/// `@unchecked Sendable`: the value is only touched with the lock held.
final class Monitor<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<R>(_ body: (inout Value) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }

    /// Changes the value and wakes one waiter if `body` answers true.
    func withLockAndSignal<R>(_ body: (inout Value) -> (R, wake: Bool)) -> R {
        pthread_mutex_lock(mutex)
        let (result, wake) = body(&value)
        pthread_mutex_unlock(mutex)
        if wake { pthread_cond_signal(condition) }
        return result
    }

    /// Waits until `body` answers something, at most until `deadline` (nanoseconds of the monotonic clock).
    func wait<R>(until deadline: UInt64?, for body: (inout Value) -> R?) -> R? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) { return result }
            if let deadline {
                var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
                if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return body(&value) }
            } else {
                pthread_cond_wait(condition, mutex)
            }
        }
    }
}

/// Wakes one thread: `wait` returns when `signal` was called since it last returned.
package struct ThreadSignal: Sendable {
    private let isSet = Monitor(false)

    package init() {}

    /// Lets the thread that waits go on, or the next one that does.
    package func signal() {
        isSet.withLockAndSignal { isSet in
            isSet = true
            return ((), wake: true)
        }
    }

    /// Blocks until it is signalled.
    package func wait() { _ = isSet.wait(until: nil, for: Self.take) }

    /// Blocks for at most so long; false where nothing was signalled in that time.
    @discardableResult
    package func wait(milliseconds: UInt64) -> Bool {
        let deadline = SystemClock().nanoseconds() + milliseconds * 1_000_000
        return isSet.wait(until: deadline, for: Self.take) != nil
    }

    private static func take(_ isSet: inout Bool) -> Void? {
        defer { isSet = false }
        return isSet ? () : nil
    }
}
