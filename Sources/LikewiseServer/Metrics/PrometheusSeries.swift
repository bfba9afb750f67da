// The series: an atomic each, or one a bucket. Recording never waits and never allocates. Orderings are relaxed, because
// no reader draws a conclusion from one number about another.

import CoreMetrics
import Synchronization

/// A series that has a place on the page.
protocol ExposedMetric: AnyObject, Sendable {
    /// The samples it adds to the page.
    static var samples: Int { get }
    /// Adds them; `labels` are as rendered.
    func write(_ name: String, _ labels: String, to page: inout PrometheusText)
}

/// A whole number that only grows.
final class CounterMetric: ExposedMetric, CounterHandler {
    static let samples = 1
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }

    func write(_ name: String, _ labels: String, to page: inout PrometheusText) {
        page.sample(name, labels, "\(value.load(ordering: .relaxed))")
    }
}

/// A number with a fraction that several threads change.
struct AtomicDouble: ~Copyable {
    private let bits = Atomic<UInt64>(0)

    func load() -> Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
    func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var seen = bits.load(ordering: .relaxed)
        while true {
            let wanted = (Double(bitPattern: seen) + amount).bitPattern
            let (done, now) = bits.weakCompareExchange(expected: seen, desired: wanted, ordering: .relaxed)
            if done { return }
            seen = now
        }
    }
}

/// A number with a fraction that only grows.
final class FloatingCounterMetric: ExposedMetric, FloatingPointCounterHandler {
    static let samples = 1
    private let value = AtomicDouble()

    /// Amounts below zero, NaN and infinity are ignored, as a counter never falls.
    func increment(by amount: Double) { if amount > 0 && amount.isFinite { value.add(amount) } }
    func reset() { value.store(0) }

    func write(_ name: String, _ labels: String, to page: inout PrometheusText) {
        page.sample(name, labels, PrometheusText.number(value.load()))
    }
}

/// A number that goes up and down.
final class GaugeMetric: ExposedMetric, MeterHandler, RecorderHandler {
    static let samples = 1
    private let value = AtomicDouble()

    func set(_ value: Int64) { self.value.store(Double(value)) }
    func set(_ value: Double) { self.value.store(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func write(_ name: String, _ labels: String, to page: inout PrometheusText) {
        page.sample(name, labels, PrometheusText.number(value.load()))
    }
}

/// Times in buckets of 1, 2.5 and 5 a decade, from 10 µs (about what a call from memory takes) to 10 s.
final class TimeHistogram: ExposedMetric, TimerHandler {
    private static let bounds: [Int64] = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]
    private static let labels = bounds.map { PrometheusText.number(Double($0) / 1e9) }
    static let samples = bounds.count + 3

    private let counts = Buckets()
    private let nanoseconds = Atomic<Int64>(0)

    func recordNanoseconds(_ duration: Int64) {
        // A clock that was set back makes a time negative; it counts as none.
        let duration = max(0, duration)
        var bucket = 0
        while bucket < Self.bounds.count && duration > Self.bounds[bucket] { bucket += 1 }
        counts.add(bucket)
        nanoseconds.wrappingAdd(duration, ordering: .relaxed)
    }

    func write(_ name: String, _ labels: String, to page: inout PrometheusText) {
        let sum = Double(nanoseconds.load(ordering: .relaxed)) / 1e9
        counts.write(name, labels, bounds: Self.labels, sum: sum, to: &page)
    }
}

/// Sizes and lengths in buckets of powers of two, from 1 to 2^26 (64 MiB, a log segment).
final class SizeHistogram: ExposedMetric, RecorderHandler {
    private static let powers = 27
    private static let labels = (0..<powers).map { "\(1 << $0)" }
    static let samples = powers + 3

    private let counts = Buckets()
    private let sum = AtomicDouble()

    func record(_ value: Int64) {
        counts.add(Self.bucket(value))
        sum.add(Double(value))
    }

    /// NaN and infinity are ignored: one of them would spoil the sum for good.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        counts.add(Self.bucket(value < Double(1 << Self.powers) ? Int64(value.rounded(.up)) : Int64.max))
        sum.add(value)
    }

    func write(_ name: String, _ labels: String, to page: inout PrometheusText) {
        counts.write(name, labels, bounds: Self.labels, sum: sum.load(), to: &page)
    }

    /// The first power of two that is not below `value`.
    private static func bucket(_ value: Int64) -> Int {
        value <= 1 ? 0 : min(Int64.bitWidth - (value - 1).leadingZeroBitCount, powers)
    }
}

/// The counts of a histogram's buckets, each without the ones below it.
private struct Buckets: ~Copyable {
    private let counts: InlineArray<28, Atomic<UInt64>> = InlineArray { _ in Atomic(0) }

    func add(_ bucket: Int) { counts[bucket].wrappingAdd(1, ordering: .relaxed) }

    /// The samples of the whole histogram; what is above the last of `bounds` shows in `+Inf` alone.
    func write(
        _ name: String, _ labels: String, bounds: [String], sum: Double, to page: inout PrometheusText
    ) {
        var total: UInt64 = 0
        for (bucket, bound) in (bounds + ["+Inf"]).enumerated() {
            total += counts[bucket].load(ordering: .relaxed)
            page.sample(name + "_bucket", labels, bound: bound, "\(total)")
        }
        page.sample(name + "_sum", labels, PrometheusText.number(sum))
        page.sample(name + "_count", labels, "\(total)")
    }
}

/// Stands in for every series that is not kept, and counts what is recorded to it.
final class OverflowMetric: ExposedMetric, CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler,
    TimerHandler
{
    static let samples = 1
    private let recordings = Atomic<UInt64>(0)

    private func note() { recordings.wrappingAdd(1, ordering: .relaxed) }

    func increment(by amount: Int64) { note() }
    func increment(by amount: Double) { note() }
    func decrement(by amount: Double) { note() }
    func set(_ value: Int64) { note() }
    func set(_ value: Double) { note() }
    func record(_ value: Int64) { note() }
    func record(_ value: Double) { note() }
    func recordNanoseconds(_ duration: Int64) { note() }
    func reset() {}

    func write(_ name: String, _ labels: String, to page: inout PrometheusText) {
        page.sample(name, labels, "\(recordings.load(ordering: .relaxed))")
    }
}
