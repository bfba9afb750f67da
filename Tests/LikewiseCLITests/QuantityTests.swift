import Testing
import likewise

@Suite("Sizes, times and near names")
struct QuantityTests {
    @Test(
        "A size is read with and without a unit",
        arguments: [
            ("0", 0), ("65536", 65536), ("64KiB", 65536), ("64 KiB", 65536), ("64kib", 65536), ("16B", 16),
            ("1GiB", 1 << 30), ("2TiB", 2 << 40), ("9223372036854775807", Int.max),
        ])
    func size(text: String, bytes: Int) {
        #expect(ByteSize.parse(text) == bytes)
        #expect(ByteSize.parse(ByteSize.text(bytes)) == bytes)
    }

    @Test(
        "A size that could be misread or does not fit is refused",
        arguments: [
            "", "KiB", "1MB", "1K", "1G", "-1", "+1", "1.5GiB", "1  KiB", "9223372036854775808", "8388608TiB", "0x10",
            "１",
        ])
    func noSize(text: String) {
        #expect(ByteSize.parse(text) == nil)
    }

    @Test(
        "A time is read with its unit and written in the largest that is exact",
        arguments: [
            ("250ms", Duration.milliseconds(250), "250ms"), ("1s", .seconds(1), "1s"), ("60s", .seconds(60), "1m"),
            ("90m", .seconds(5400), "90m"), ("7d", .seconds(604_800), "7d"), ("0s", .zero, "0s"),
            ("1500us", .microseconds(1500), "1500us"), ("24h", .seconds(86400), "1d"),
        ])
    func time(text: String, duration: Duration, written: String) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.text(duration) == written)
    }

    @Test(
        "A time without a unit, or too long, is refused",
        arguments: ["", "10", "s", "1.5s", "-1s", "1S", "1w", "200000d"])
    func noTime(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "The distance counts insertions, deletions, replacements and swaps",
        arguments: [
            ("", "", 0), ("port", "port", 0), ("prot", "port", 1), ("pot", "port", 1), ("", "abc", 3), ("ca", "abc", 3),
        ])
    func distance(a: String, b: String, edits: Int) {
        #expect(Nearest.distance(Array(a), Array(b)) == edits)
        #expect(Nearest.distance(Array(b), Array(a)) == edits)
    }

    @Test("A word that is near to nothing gets no guess")
    func nothingNear() {
        #expect(Nearest.name(to: "xyzzyplugh", among: ["port", "host"]) == nil)
        #expect(Nearest.name(to: "HOTS", among: ["port", "host"]) == "host")
    }
}
