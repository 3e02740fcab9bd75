"""What Home Assistant is told, so that it shows our ports and mailboxes without being set up for them."""

from __future__ import annotations

import re
from typing import Any

_STATES = ["disconnected", "idle", "ringing", "calling", "answered"]


class Discovery:
    """Makes one configuration for each sensor, all of one device; each is a topic and what is kept on it.

    Args:
        prefix: What the topics begin with on which Home Assistant listens.
        topic: What our own begin with: it tells one ctportd from another.
        name: What the device is called.
    """

    def __init__(self, prefix: str, topic: str, name: str) -> None:
        self._prefix = prefix
        self._topic = topic
        self._node = _slug(topic)
        self._name = name

    def port(self, address: str, name: str) -> tuple[str, dict[str, Any]]:
        """The state of a port."""
        return self._sensor(
            f"port_{_slug(address)}",
            f"port/{address}",
            name=name or f"Port {address}",
            icon="mdi:phone",
            device_class="enum",
            options=_STATES,
            value_template="{{ value_json.state }}",
        )

    def trouble(self, address: str, name: str) -> tuple[str, dict[str, Any]]:
        """Whether something is wrong with the line of a port."""
        return self._sensor(
            f"trouble_{_slug(address)}",
            f"trouble/{address}",
            kind="binary_sensor",
            name=f"Trouble on {name or f'port {address}'}",
            device_class="problem",
            value_template="{{ 'ON' if value_json.problem else 'OFF' }}",
        )

    def last_call(self) -> tuple[str, dict[str, Any]]:
        """Who called last."""
        return self._sensor(
            "last_call",
            "last_call",
            name="Last caller",
            icon="mdi:phone-incoming",
            value_template="{{ value_json.name or value_json.number or 'withheld' }}",
        )

    def mailbox(self, mailbox: str) -> tuple[str, dict[str, Any]]:
        """New messages of a mailbox."""
        return self._sensor(
            f"mailbox_{_slug(mailbox)}",
            f"mailbox/{mailbox}",
            name=f"New messages of {mailbox}",
            icon="mdi:voicemail",
            unit_of_measurement="messages",
            value_template="{{ value_json.new }}",
        )

    def _sensor(self, key: str, topic: str, kind: str = "sensor", **more: Any) -> tuple[str, dict[str, Any]]:
        config = {
            "unique_id": f"{self._node}_{key}",
            "state_topic": f"{self._topic}/{topic}",
            "json_attributes_topic": f"{self._topic}/{topic}",
            "availability_topic": f"{self._topic}/status",
            "device": {"identifiers": [self._node], "name": self._name, "manufacturer": "ctportd"},
            "origin": {"name": "ctportd"},
            **more,
        }
        return f"{self._prefix}/{kind}/{self._node}/{key}/config", config


def _slug(text: str) -> str:
    """Text as a part of an id: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)
