"""
Options of the whole node.

Source: reference 6.4 (lib/config/optionsconfiguration.go).
"""

# ruff: noqa: RUF009 (attribute and element make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from txsyncthing.config.entry import element
from txsyncthing.config.size import Size

DEFAULT = "default"
PASSWORD_NOTICE = "authenticationUserAndPassword"

DEFAULT_PORT = 22000
RELAY_POOL = "dynamic+https://relays.syncthing.net/endpoint"


def default_listeners(port: int = DEFAULT_PORT) -> tuple[str, ...]:
    """What ``default`` stands for in the listen addresses."""
    return (f"tcp://0.0.0.0:{port}", RELAY_POOL, f"quic://0.0.0.0:{port}")


@dataclass(frozen=True, slots=True)
class Options:
    """All that concerns no single folder or device. Rates are KiB/s, 0 is without limit."""

    listen_addresses: tuple[str, ...] = element(
        (DEFAULT,), "listenAddress", json="listenAddresses", stated=True
    )
    global_announce_servers: tuple[str, ...] = element(
        (DEFAULT,), "globalAnnounceServer", json="globalAnnounceServers", stated=True
    )
    global_announce_enabled: bool = element(True, "globalAnnounceEnabled")
    local_announce_enabled: bool = element(True, "localAnnounceEnabled")
    local_announce_port: int = element(21027, "localAnnouncePort")
    local_announce_mc_addr: str = element("[ff12::8384]:21027", "localAnnounceMCAddr")
    max_send_kbps: int = element(0, "maxSendKbps")
    max_recv_kbps: int = element(0, "maxRecvKbps")
    reconnection_interval_s: int = element(20, "reconnectionIntervalS", earlier=60, changed=52)
    relays_enabled: bool = element(True, "relaysEnabled")
    relay_reconnect_interval_m: int = element(10, "relayReconnectIntervalM")
    start_browser: bool = element(True, "startBrowser")
    nat_enabled: bool = element(True, "natEnabled")
    nat_lease_minutes: int = element(60, "natLeaseMinutes")
    nat_renewal_minutes: int = element(30, "natRenewalMinutes")
    nat_timeout_seconds: int = element(10, "natTimeoutSeconds")
    ur_accepted: int = element(0, "urAccepted")  # -1: declined
    ur_seen: int = element(0, "urSeen")
    ur_unique_id: str = element("", "urUniqueID", json="urUniqueId")
    ur_url: str = element("https://data.syncthing.net/newdata", "urURL")
    ur_post_insecurely: bool = element(False, "urPostInsecurely")
    ur_initial_delay_s: int = element(1800, "urInitialDelayS")
    restart_on_wakeup: bool = element(True, "restartOnWakeup", until=36)
    auto_upgrade_interval_h: int = element(12, "autoUpgradeIntervalH")
    upgrade_to_pre_releases: bool = element(False, "upgradeToPreReleases")
    keep_temporaries_h: int = element(24, "keepTemporariesH")
    cache_ignored_files: bool = element(False, "cacheIgnoredFiles", until=37)
    progress_update_interval_s: int = element(5, "progressUpdateIntervalS")  # negative: off
    limit_bandwidth_in_lan: bool = element(False, "limitBandwidthInLan")
    min_home_disk_free: Size = element(Size(1.0, "%"), "minHomeDiskFree")
    releases_url: str = element("https://upgrades.syncthing.net/meta.json", "releasesURL")
    always_local_nets: tuple[str, ...] = element((), "alwaysLocalNet", json="alwaysLocalNets")
    overwrite_remote_device_names_on_connect: bool = element(
        False, "overwriteRemoteDeviceNamesOnConnect"
    )
    temp_index_min_blocks: int = element(10, "tempIndexMinBlocks")
    unacked_notification_ids: tuple[str, ...] = element(
        (), "unackedNotificationID", json="unackedNotificationIDs"
    )
    traffic_class: int = element(0, "trafficClass")
    set_low_priority: bool = element(True, "setLowPriority")
    max_folder_concurrency: int = element(0, "maxFolderConcurrency")
    crash_reporting_url: str = element(
        "https://crash.syncthing.net/newcrash", "crashReportingURL", json="crURL"
    )
    crash_reporting_enabled: bool = element(True, "crashReportingEnabled")
    stun_keepalive_start_s: int = element(180, "stunKeepaliveStartS")
    stun_keepalive_min_s: int = element(20, "stunKeepaliveMinS")
    stun_servers: tuple[str, ...] = element(
        (DEFAULT,), "stunServer", json="stunServers", stated=True
    )
    database_tuning: str = element("auto", "databaseTuning", until=37)
    max_concurrent_incoming_request_kib: int = element(0, "maxConcurrentIncomingRequestKiB")
    announce_lan_addresses: bool = element(True, "announceLANAddresses")
    send_full_index_on_upgrade: bool = element(False, "sendFullIndexOnUpgrade")
    feature_flags: tuple[str, ...] = element((), "featureFlag", json="featureFlags")
    audit_enabled: bool = element(False, "auditEnabled", since=50)
    audit_file: str = element("", "auditFile", since=50)
    connection_limit_enough: int = element(0, "connectionLimitEnough")
    connection_limit_max: int = element(0, "connectionLimitMax")
    insecure_allow_old_tls_versions: bool = element(False, "insecureAllowOldTLSVersions", until=37)
    connection_priority_tcp_lan: int = element(10, "connectionPriorityTcpLan", since=37)
    connection_priority_quic_lan: int = element(20, "connectionPriorityQuicLan", since=37)
    connection_priority_tcp_wan: int = element(30, "connectionPriorityTcpWan", since=37)
    connection_priority_quic_wan: int = element(40, "connectionPriorityQuicWan", since=37)
    connection_priority_relay: int = element(50, "connectionPriorityRelay", since=37)
    connection_priority_upgrade_threshold: int = element(
        0, "connectionPriorityUpgradeThreshold", since=37
    )

    @property
    def listeners(self) -> tuple[str, ...]:
        """The listen addresses with ``default`` spelled out, each once."""
        spelled: list[str] = []
        for address in self.listen_addresses:
            spelled += default_listeners() if address == DEFAULT else (address.strip(),)
        return tuple(dict.fromkeys(address for address in spelled if address))
