import Glibc

/// The machine that a figure was measured on, as /proc tells it.
package struct BenchMachine: Sendable, Hashable {
    package var processor: String
    package var cores: Int
    /// In bytes.
    package var memory: Int
    package var kernel: String

    package init(processor: String, cores: Int, memory: Int, kernel: String) {
        self.processor = processor
        self.cores = cores
        self.memory = memory
        self.kernel = kernel
    }

    /// The facts in the texts of /proc/cpuinfo, /proc/meminfo and /proc/sys/kernel/osrelease. What is not in them is
    /// "unknown", or 0.
    package init(cpuinfo: String, meminfo: String, kernel: String, cores: Int) {
        // Processors other than x86 have no model name.
        let processor = ProcText.value(of: "model name", in: cpuinfo) ?? "unknown"
        self.init(
            processor: processor, cores: cores, memory: ProcText.bytes(of: "MemTotal", in: meminfo) ?? 0,
            kernel: kernel.split(separator: "\n").first.map(String.init) ?? "unknown")
    }

    /// This machine.
    static func current() -> BenchMachine {
        BenchMachine(
            cpuinfo: ProcText.read("/proc/cpuinfo"), meminfo: ProcText.read("/proc/meminfo"),
            kernel: ProcText.read("/proc/sys/kernel/osrelease"), cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    var value: BenchValue {
        [
            "processor": .text(processor), "cores": .count(cores), "memory_bytes": .count(memory),
            "kernel": .text(kernel),
        ]
    }
}

/// Reads the `name: value` texts of /proc.
package enum ProcText {
    /// What follows the first `name` and its colon, without white space around it.
    package static func value(of name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), trimmed(line[..<colon]) == name else { continue }
            return trimmed(line[line.index(after: colon)...])
        }
        return nil
    }

    /// The bytes of a value such as `VmRSS: 1024 kB`.
    package static func bytes(of name: String, in text: String) -> Int? {
        guard let parts = value(of: name, in: text)?.split(separator: " "), parts.count == 2, parts[1] == "kB" else {
            return nil
        }
        return Int(parts[0]).map { $0 << 10 }
    }

    /// All of a file; empty where it cannot be read. Files of /proc have no size to ask for, so it is read to the end.
    static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < maxBytes {
            let count = chunk.withUnsafeMutableBytes { unistdRead(descriptor, $0) }
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Beyond this a text is cut off.
    private static let maxBytes = 16 << 20

    private static func unistdRead(_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer) -> Int {
        Glibc.read(descriptor, room.baseAddress, room.count)
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
