"""A certificate for this computer that nobody trusts; its key is no secret, and of no use to anyone."""

from __future__ import annotations

import ssl
from pathlib import Path

_PEM = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWoeO8UMJLN7eQylG
ozXUzA6vBBT5AeIhTdhT4hbi9JChRANCAATjjRi8qIUJkS+PZGaoxYSwHdOZIYnd
e+WiMVedjBHMRJuHZFPctimVUk2y37eT6a2o9ub/eOZGAGh0ac245yct
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBhTCCASygAwIBAgIUJMXUfRgdtKQN6mFNeDHAChzmYSEwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIxNzI2NDVaGA8yMTI2MTAyOTE3MjY0
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOON
GLyohQmRL49kZqjFhLAd05khid175aIxV52MEcxEm4dkU9y2KZVSTbLft5Ppraj2
5v945kYAaHRpzbjnJy2jZDBiMB0GA1UdDgQWBBT+Oygj1ckgYLmGB+pUubICrxE+
lzAfBgNVHSMEGDAWgBT+Oygj1ckgYLmGB+pUubICrxE+lzAPBgNVHRMBAf8EBTAD
AQH/MA8GA1UdEQQIMAaHBH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgalrggQU6I/0W
Oj+S3kot6T6SEXcJNWG2W0n8MuTW6EICIEPBFB4iWGiPU95YF7Eeb9y+zyopAfBB
PD18qoOYsIry
-----END CERTIFICATE-----
"""


def untrusted(folder: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS with it; writes a file to the folder."""
    path = folder / "certificate.pem"
    path.write_text(_PEM, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
