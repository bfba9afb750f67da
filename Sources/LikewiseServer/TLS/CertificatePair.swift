// A certificate and its key, from PEM to what connections are made with; and what can be wrong with them.

import NIOCore
import NIOSSL

/// Why a certificate cannot be used, and what to do. For the operator.
package struct TLSProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A certificate with its chain and key, checked: the key is the certificate's, and it holds now.
struct CertificatePair: Sendable {
    /// Bytes of either file.
    static let maxFileBytes = 1 << 20

    /// What TLS connections are made with.
    let context: NIOSSLContext
    /// When it expires, in seconds since 1970.
    let expiry: Int

    /// - Parameters:
    ///   - certificate: PEM, the server's certificate first, then those that vouch for it.
    ///   - key: PEM.
    ///   - now: seconds since 1970.
    init(certificate: [UInt8], key: [UInt8], now: Int) throws(TLSProblem) {
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMBytes(certificate) } catch {
            throw TLSProblem(
                "tls-certificate holds no certificate in PEM: it begins with -----BEGIN CERTIFICATE-----, the server's "
                    + "first, then those that vouch for it")
        }
        guard let leaf = chain.first, certificate.count <= CertificatePair.maxFileBytes else {
            throw TLSProblem("tls-certificate is empty, or longer than \(CertificatePair.maxFileBytes) bytes")
        }
        let privateKey: NIOSSLPrivateKey
        do { privateKey = try NIOSSLPrivateKey(bytes: key, format: .pem) } catch {
            throw TLSProblem(
                "tls-key holds no private key in PEM without a passphrase: take the passphrase off with "
                    + "openssl pkey -in KEY -out NEWKEY")
        }
        guard leaf.notValidAfter > now else {
            throw TLSProblem("the certificate in tls-certificate has expired: renew it")
        }
        guard leaf.notValidBefore <= now else {
            throw TLSProblem("the certificate in tls-certificate is not valid yet: check the machine's clock")
        }
        expiry = leaf.notValidAfter
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        do { context = try NIOSSLContext(configuration: configuration) } catch {
            throw TLSProblem(
                "the key in tls-key is not that of the first certificate in tls-certificate: give both files of one "
                    + "renewal, with the server's certificate first")
        }
    }
}
