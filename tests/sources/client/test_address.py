"""Where no connection may lead, however it is written, redirected or resolved; and what is shown of an address."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from phonolith.errors import BadInput, PhonolithError, SettingError
from phonolith.sources.client import address
from phonolith.sources.client.answers import Limits, Manners
from phonolith.sources.client.client import Client
from phonolith.sources.client.connect import Lookup
from tests.lying import Origin, reply
from tests.virtual import virtual_clock, virtually

_OPEN = Manners(rate=1000.0, robots=False)
_ONCE = Limits(tries=1)

_INWARD = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254",
    "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
    "::127.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",
    "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "::ffff:0:7f00:1", "fd00:ec2::254", "not-an-address", "1.2.3",
    "2130706433",
]  # fmt: skip
_OUTWARD = ["8.8.8.8", "207.241.224.2", "1.1.1.1", "2606:4700::1111", "2a01:4f8::1", "2001:4860:4860::8888"]


@pytest.mark.parametrize("text", _INWARD)
def test_inward(text: str) -> None:
    assert not address.is_global(text)


@pytest.mark.parametrize("text", _OUTWARD)
def test_outward(text: str) -> None:
    assert address.is_global(text)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://example.org/", "file:///etc/passwd", "//example.org/", "example.org", "", "http://", "http:///x",
        "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/", "http://0177.0.0.1/",
        "http://0x7f.0.0.1/", "http://127.0.0.1./", "http://127.0.0.01/", "http://1.2.3.4.5/", "http://256.1.1.1/",
        "http://me@example.org/", "http://me:secret@example.org/", "http://example.org\\@10.0.0.1/", "http://[fe80::1%25eth0]/",
        "http://[::1", "http://exa mple.org/", "http://example.org:0/", "http://example.org:99999/", "http://a%2eb/",
        "http://exa\nmple.org/", "javascript:alert(1)", "http://" + "a" * 300 + ".org/", "http://e.org/" + "a" * 9000,
    ],
)  # fmt: skip
def test_no_address(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        address.read(text)
    assert caught.value.code == "http.address" and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://example.org/a%2Fb?c=%7Ed#part", "https://example.org/a%2Fb?c=%7Ed"),
        ("https://example.org/a b/ü", "https://example.org/a%20b/%C3%BC"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://example.org", "https://example.org/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),  # and is then looked at as what it is
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://[2606:4700::1111]:8080/x", "http://[2606:4700::1111]:8080/x"),
    ],
)
def test_addresses_stay_as_they_are(text: str, read: str) -> None:
    assert str(address.read(text)).rstrip("/") == read.rstrip("/")


def test_hosts_in_capitals_are_the_same_host() -> None:
    assert address.origin(address.read("HTTP://Example.ORG/X")) == "http://example.org:80"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@a.org/x?id=1&api_key=secret&b=2#secret", "https://a.org/x?id=1&api_key=…&b=2"),
        ("https://a.org/x?X-Amz-Signature=secret&token=secret", "https://a.org/x?X-Amz-Signature=…&token=…"),
        ("https://a.org/\x1b[31m", "https://a.org/?[31m"),
    ],
)
def test_no_secret_is_shown(text: str, shown: str) -> None:
    assert address.shown(text) == shown


async def _verdict(client: Client, url: str) -> str:
    try:
        await client.get(url, manners=_OPEN, limits=_ONCE)
    except PhonolithError as error:
        return error.code
    return "answer"


def _lookup(*answers: str) -> Lookup:
    """Each look-up gets the next address; the last one stays."""
    left = list(answers)

    async def look(host: str, port: int) -> Sequence[tuple[int, str]]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in found.split()]

    return look


@pytest.mark.parametrize("found", ["127.0.0.1", "10.0.0.1 192.168.1.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_a_name_that_means_an_inner_address(found: str) -> None:
    async def main() -> None:
        async with Origin({"*": reply(200)}) as origin:
            async with Client("a@example.org", clock=virtual_clock(), lookup=_lookup(found)) as client:
                assert await _verdict(client, origin.url("/", "rebound.example")) == "http.inward"
            assert not origin.connections

    virtually(main())


def test_a_name_that_changes_its_mind_between_look_and_connection() -> None:
    """DNS rebinding: whoever looks first and connects by name later is led inward. Here the address that was looked at
    is the one that is connected to; and a resolver that lies to the first look is caught at the socket."""

    async def main() -> None:
        async with (
            Origin({"*": reply(200)}) as origin,
            Client("a@example.org", clock=virtual_clock(), lookup=_lookup("127.0.0.1")) as client,
        ):
            assert client._exchange.session is not None
            connector: Any = client._exchange.session.connector

            async def blind(*_: object, **__: object) -> list[dict[str, object]]:
                return [{"hostname": "x", "host": "127.0.0.1", "port": origin.port, "family": socket.AF_INET,
                         "proto": 0, "flags": 0}]  # fmt: skip

            connector._resolver.resolve = blind
            assert await _verdict(client, origin.url("/", "rebound.example")) == "http.inward"
            assert not origin.connections
            connector._socket_factory = None  # control: without the second look it gets through
            assert await _verdict(client, origin.url("/", "rebound2.example")) == "answer"

    virtually(main())


def test_only_what_was_named_may_lie_within() -> None:
    async def main() -> None:
        async with Origin({"/go": reply(302, Location="http://127.0.0.1:9/"), "*": reply(200)}) as origin:
            named = [f"http://mirror.lan:{origin.port}/musicbrainz"]
            settings: dict[str, Any] = {"clock": virtual_clock(), "lookup": _lookup("127.0.0.1"), "trusted": named}
            async with Client("a@example.org", **settings) as client:
                assert await _verdict(client, origin.url("/", "mirror.lan")) == "answer"
                assert await _verdict(client, origin.url("/", "other.lan")) == "http.inward"
                assert await _verdict(client, origin.url("/go", "mirror.lan")) == "http.inward"
                assert await _verdict(client, origin.url("/")) == "http.inward"

    virtually(main())


def test_environment_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def main() -> None:
        async with (
            Origin({"*": reply(200)}) as origin,
            Client("a@example.org", clock=virtual_clock(), trusted=[origin.base]) as client,
        ):
            assert await _verdict(client, origin.url("/")) == "answer"

    virtually(main())


def test_a_name_that_is_not_there() -> None:
    async def nobody(host: str, port: int) -> Sequence[tuple[int, str]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main() -> None:
        async with Client("a@example.org", clock=virtual_clock(), lookup=nobody) as client:
            assert await _verdict(client, "https://nowhere.example/") == "http.dns"

    virtually(main())


# TLS


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem", folder / "key.pem"


def test_certificates_are_checked_and_https_stays_https(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path, "good.test")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    ours = ssl.create_default_context(cafile=str(certificate))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        where = b"Location: http://good.test/\r\n" if b"/down" in request else b""
        writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: 0\r\n%s\r\n" % (302 if where else 200, where))
        await writer.drain()
        writer.close()

    async def main() -> None:
        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
        port = listening.sockets[0].getsockname()[1]
        named = [f"https://{name}.test:{port}" for name in ("good", "bad")]
        settings: dict[str, Any] = {"lookup": _lookup("127.0.0.1"), "trusted": named}
        async with listening, Client("a@example.org", tls=ours, **settings) as client:
            assert await _verdict(client, named[0]) == "answer"
            assert await _verdict(client, named[1]) == "http.tls"
            assert await _verdict(client, f"{named[0]}/down") == "http.downgrade"
            async with Client("a@example.org", **settings) as strict:
                assert await _verdict(strict, named[0]) == "http.tls"

    asyncio.run(main())


def test_a_client_that_would_not_check_is_not_made() -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False

    async def main() -> None:
        with pytest.raises(SettingError):
            async with Client("a@example.org", tls=careless):
                pass

    asyncio.run(main())
