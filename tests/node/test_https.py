from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from txsyncthing.node.home import Seams, open_home
from txsyncthing.node.https import LIFE, RENEW_BEFORE, host_name, https_context
from txsyncthing.node.paths import Paths

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path, tmp_path)


def certificate(paths: Paths) -> x509.Certificate:
    return x509.load_pem_x509_certificate(paths.https_certificate_file.read_bytes())


def test_the_first_use_makes_a_pair_for_the_host(paths: Paths) -> None:
    https_context(paths, "My Host", NOW).getContext()
    made = certificate(paths)
    (name,) = made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "myhost"
    assert made.not_valid_after_utc == NOW + LIFE
    assert paths.https_key_file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in paths.config.iterdir()) == [
        "https-cert.pem",
        "https-key.pem",
    ]


def test_the_pair_is_used_again_until_shortly_before_its_end(paths: Paths) -> None:
    https_context(paths, "host", NOW)
    made = certificate(paths)
    end = made.not_valid_after_utc
    https_context(paths, "other", end - RENEW_BEFORE - timedelta(seconds=1))
    assert certificate(paths) == made
    https_context(paths, "other", end - RENEW_BEFORE)
    assert certificate(paths) != made


def test_a_users_own_certificate_is_never_replaced(paths: Paths) -> None:
    seams = Seams(lambda n: bytes(range(n)), lambda: 0.0, "h", lambda *_: True, lambda _: 1)
    home = open_home(paths, seams, probe_ports=False)  # its names are not ours: "syncthing"
    home.close()
    own = home.identity.certificate_pem()
    other = x509.load_pem_x509_certificate(own)
    paths.https_certificate_file.write_bytes(own)
    paths.https_key_file.write_bytes(home.identity.key_pem())
    https_context(paths, "host", other.not_valid_after_utc - RENEW_BEFORE - timedelta(days=1))
    assert paths.https_certificate_file.read_bytes() == own


@pytest.mark.parametrize("broken", ["https_certificate_file", "https_key_file"])
def test_a_file_that_does_not_parse_is_told_of_and_stays(paths: Paths, broken: str) -> None:
    https_context(paths, "host", NOW)
    path: Path = getattr(paths, broken)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError):
        https_context(paths, "host", NOW)
    assert path.read_bytes() == b"nonsense"


@pytest.mark.parametrize(
    ("name", "as_carried"),
    [("Host", "host"), ("my.host-1", "my.host-1"), ("ünï", "n"), ("世界", "syncthing")],
)
def test_a_host_name_is_written_as_certificates_may(name: str, as_carried: str) -> None:
    assert host_name(name) == as_carried
