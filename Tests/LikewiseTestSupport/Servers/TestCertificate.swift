// Certificates for tests of TLS: for localhost and 127.0.0.1, signed by themselves, with keys that protect nothing.

/// A certificate and its key, as PEM.
package struct TestCertificate: Sendable {
    /// The certificate.
    package let certificate: String
    /// Its private key.
    package let key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Valid until 2099.
    package static let first = TestCertificate(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBZTCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
            c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjA5OTAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
            CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCua1FcetCTGC8gJ
            iZFRjXApkvr0pxmxSaHdCPPTYbI3tiCQPR3/z6cVbrvCyB5WrKQLVErY3OCvqCdg
            c6x0S1ujTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
            BTADAQH/MB0GA1UdDgQWBBTY2rprRZ7KhHqDlfS7O13DyhqVHzAKBggqhkjOPQQD
            AgNGADBDAh8notX/pzNmVv8bQqmx46bTrqRQr2UHRrLTYvJDuZ4YAiADEryHBAXL
            CazuNzJPUNkyetFsYI8R2zF2/H6nZbvadg==
            -----END CERTIFICATE-----

            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguazUrfll2dNLukhf
            wGbx4e0i8YsBqCxv60N7HGBri2ahRANCAAQrmtRXHrQkxgvICYmRUY1wKZL69KcZ
            sUmh3Qjz02GyN7YgkD0d/8+nFW67wsgeVqykC1RK2Nzgr6gnYHOsdEtb
            -----END PRIVATE KEY-----

            """)

    /// Another, valid until 2098.
    package static let second = TestCertificate(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBZzCCAQ2gAwIBAgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
            c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjA5ODAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
            CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLVg+v9bPRHikfVS
            O9Ij0U3AZ1KDLosSEhtGbWev9ftBF3IsbQvC9gdZTlbKKH4RmVtUkQu/d1/kg6H7
            WLVD4MKjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
            BTADAQH/MB0GA1UdDgQWBBQ5K1mOhMIJk24+AxjxBfpBf+cwPzAKBggqhkjOPQQD
            AgNIADBFAiEAhSz3krA2y3vCWcVIT45iucWmC1AdOv3IJWG/BgkLetcCIBQOhsgf
            JF+MLzsb2M6yCFH6a12Ucuo1GEyy69cdfBbQ
            -----END CERTIFICATE-----

            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOuf8BBuvXsNUmP8M
            uqdC9apkNrhlZscMgbHO7pfediGhRANCAAS1YPr/Wz0R4pH1UjvSI9FNwGdSgy6L
            EhIbRm1nr/X7QRdyLG0LwvYHWU5Wyih+EZlbVJELv3df5IOh+1i1Q+DC
            -----END PRIVATE KEY-----

            """)

    /// Expired in 2021.
    package static let expired = TestCertificate(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBZTCCAQugAwIBAgIBAzAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
            c3QwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAls
            b2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATf85dEI3CCSMGqgFJ8
            Xu8hD5I1Av406/ISWjxutDDzLcSh5zD5E9C2m2QsIlBWA3oOkg1mD5yvUbbMsQKJ
            PeZ8o04wTDAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDwYDVR0TAQH/BAUw
            AwEB/zAdBgNVHQ4EFgQU9zBEmBBDrYGV9KZeVP2X3k5jlI0wCgYIKoZIzj0EAwID
            SAAwRQIhAOy/mYeLkpTWaLbdfXmeyECXu+64VXItr0IvmxkXGn9LAiBChyEL+Tlv
            +AmeVquTGMa/Bhze8aNw+hg1KLUFElsGwg==
            -----END CERTIFICATE-----

            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRG311su+MG5SCA5K
            8UxUwe2KSp23vtwD7IR0Lsxa3DChRANCAATf85dEI3CCSMGqgFJ8Xu8hD5I1Av40
            6/ISWjxutDDzLcSh5zD5E9C2m2QsIlBWA3oOkg1mD5yvUbbMsQKJPeZ8
            -----END PRIVATE KEY-----

            """)

    /// When `first` and `second` expire, in seconds since 1970.
    package static let expiries = (first: 4_070_908_800, second: 4_039_372_800)
}
