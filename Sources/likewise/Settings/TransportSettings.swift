// The settings of `serve` that say how connections come in: TLS, pages of other origins, proxies, greedy clients.

internal import LikewiseServer

extension SettingKind where Value == CORSPolicy {
    /// `*`, or origins with commas between them.
    static var origins: Self {
        let accepts =
            "*, or origins as browsers write them, with commas between them, such as https://app.example: no path, no "
            + "slash at the end"
        return Self(accepts, placeholder: "*|<origin,…>") { text in
            if text == "*" { return CORSPolicy(.any) }
            let names = text.split(separator: ",", omittingEmptySubsequences: false)
            let origins = names.compactMap { CORSPolicy.origin(String($0)) }
            return origins.count == names.count ? CORSPolicy(.listed(Set(origins))) : nil
        }
    }
}

enum TransportSettings {
    static let tlsCertificate = Setting(
        optional: "tls-certificate", .path, absent: "none: plain HTTP",
        "PEM file of the server's certificate, then of those that vouch for it; with it the port speaks TLS. Read again "
            + "when it changes")
    static let tlsKey = Setting(
        optional: "tls-key", .path, absent: "none; required with tls-certificate",
        "PEM file of its private key, without a passphrase")
    static let transportSecurity = Setting(
        optional: "strict-transport-security", .duration(.seconds(1)...(.seconds(730 * 86400))),
        absent: "not said", "With TLS: for so long browsers come back by HTTPS alone")
    static let corsOrigins = Setting(
        optional: "cors-origins", .origins, absent: "none: pages of this origin alone",
        "Whose pages may ask from a browser")
    static let maxConnectionsPerAddress = Setting(
        "max-connections-per-address", .integer(0...1_000_000), default: "0",
        "Connections of one address, or /64 of IPv6, open at a time; 0: no bound but max-connections. Those of "
            + "trusted-proxies do not count")
    static let proxyProtocol = Setting(
        "proxy-protocol", .onOff, default: "off",
        "Connections of trusted-proxies begin with the PROXY protocol, version 1 or 2")

    /// What is wrong between these settings.
    static func conflicts(in settings: Settings<ServeSettings>) -> [String] {
        var found: [String] = []
        if (settings.tlsCertificate == nil) != (settings.tlsKey == nil) {
            found.append(
                settings.tlsKey == nil
                    ? "tls-key: it is required with tls-certificate: give the file of the certificate's private key"
                    : "tls-certificate: it is required with tls-key: give the file of the key's certificate")
        }
        if settings.strictTransportSecurity != nil && settings.tlsCertificate == nil {
            found.append("strict-transport-security: it is for TLS: give tls-certificate and tls-key too")
        }
        if settings.proxyProtocol && settings.trustedProxies.ranges.isEmpty {
            found.append("proxy-protocol: it is believed of trusted-proxies alone: give their addresses there")
        }
        return found
    }
}

extension Settings where Table == ServeSettings {
    /// The files of TLS; nil where it is not spoken.
    var tls: TLSOptions? {
        guard let certificate = self.tlsCertificate, let key = self.tlsKey else { return nil }
        return TLSOptions(certificate: certificate, key: key)
    }

    /// What every answer carries.
    var answerFields: AnswerFields {
        AnswerFields(
            cors: self.corsOrigins, transportSecurity: self.strictTransportSecurity.map { Int($0.components.seconds) })
    }
}
