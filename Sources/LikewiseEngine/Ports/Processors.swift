#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How busy the machine's processors are.
package protocol Processors: Sendable {
    /// Nanoseconds for which processors had nothing to do since the machine started, all of them added up; nil where that is not
    /// known.
    func idleNanoseconds() -> UInt64?
}

/// What the kernel says in `/proc/stat` (proc_stat(5)), in ticks of 10 ms. In a container it tells of the whole machine.
package struct SystemProcessors: Processors {
    package init() {}

    package func idleNanoseconds() -> UInt64? {
        guard let file = try? systemOpen("/proc/stat", O_RDONLY) else { return nil }
        defer { closeDescriptor(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        return SystemProcessors.idle(bytes.prefix(max(0, count)))
    }

    /// Of the first line, `cpu user nice system idle iowait …`: the times in which a processor could have run something.
    package static func idle(_ text: some Sequence<UInt8>) -> UInt64? {
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count >= 6, fields[0] == "cpu", let idle = UInt64(fields[4]), let waiting = UInt64(fields[5])
        else {
            return nil
        }
        return (idle + waiting) * 10_000_000
    }
}
