// The certificate in use, and its change while connections are open: each new connection takes what is in use when it
// begins, and keeps it to its end.

package import LikewiseEngine
package import Logging
import Metrics
import NIOSSL
import Synchronization

/// The files of a certificate.
package struct TLSOptions: Sendable {
    /// PEM: the server's certificate, then those that vouch for it.
    package var certificate: String
    /// PEM: its private key, without a passphrase.
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// The certificate that new connections get. Its files are read again when they change; what cannot be used leaves the one
/// before in use.
package final class ServerCertificates: Sendable {
    /// Between two looks at the files.
    private static let lookInterval = Duration.seconds(2)

    private let inUse: InUse
    private let files: WatchedFiles

    /// Reads the files. Throws where they are of no use, with the reason and what to do.
    package init(_ options: TLSOptions, clock: any EngineClock, logger: Logger) async throws(TLSProblem) {
        let inUse = InUse()
        self.inUse = inUse
        files = WatchedFiles(
            "tls-certificate", what: "certificate and key",
            [options.certificate, options.key].map { IdentityFile($0, maxBytes: CertificatePair.maxFileBytes) },
            failed: Counter(label: "likewise_tls_reloads_failed"), logger: logger
        ) { contents in
            let now = Int(clock.milliseconds() / 1000)
            inUse.put(try CertificatePair(certificate: contents[0], key: contents[1], now: now))
        }
        do { try await files.load() } catch let problem as TLSProblem { throw problem } catch {
            throw TLSProblem("tls-certificate or tls-key cannot be read: \(error)")
        }
    }

    /// What a connection that begins now is made with.
    var context: NIOSSLContext { inUse.pair.context }

    /// When the certificate in use expires, in seconds since 1970.
    package var expiry: Int { inUse.pair.expiry }

    /// Reads the files if they have changed.
    package func lookAgain() async { await files.lookAgain() }

    /// Reads the files whenever they change, until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            // Ends early where the task is cancelled, and then the loop ends too.
            try? await Task.sleep(for: ServerCertificates.lookInterval)
            await lookAgain()
        }
    }

    private final class InUse: Sendable {
        private let held = Mutex<CertificatePair?>(nil)
        private let expiry = Gauge(label: "likewise_tls_certificate_expiry_timestamp_seconds")

        func put(_ pair: CertificatePair) {
            held.withLock { $0 = pair }
            expiry.record(Double(pair.expiry))
        }

        var pair: CertificatePair {
            guard let pair = held.withLock({ $0 }) else { preconditionFailure("no certificate was read at the start") }
            return pair
        }
    }
}
