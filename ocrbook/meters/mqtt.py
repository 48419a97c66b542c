"""A meter for Home Assistant: MQTT with discovery."""

from __future__ import annotations

import json
import re
import secrets
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ocrbook import __version__
from ocrbook.meters.cameras import without_user

UNITS = {
    "water": ("m³", "L", "gal", "ft³", "CCF"),
    "gas": ("m³", "L", "ft³", "CCF"),
    "energy": ("kWh", "Wh", "MWh", "GWh", "MJ", "GJ", "kcal"),
}
"""What Home Assistant takes for a unit of each of its device classes."""

SPELLINGS = {"m3": "m³", "m^3": "m³", "ft3": "ft³", "ft^3": "ft³", "l": "L"}

PORTS = {"mqtt": 1883, "mqtts": 8883}


def topics(name: str) -> dict[str, str]:
    """Where what is known of a meter is published; all of it is retained.

    Examples
    --------
    >>> topics("cellar")["value"]
    'ocrbook/cellar/value'
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        raise ValueError(f"a name for MQTT has up to 40 letters (A to Z), digits, - and _, got {name!a}")
    return {each: f"ocrbook/{name}/{each}" for each in ("value", "reading", "status")} | {
        "discovery": f"homeassistant/sensor/ocrbook_{name}/config"
    }


def discovery(name: str, device_class: str, unit: str, decimals: int = 0, falls: bool = False) -> dict[str, Any]:
    """What Home Assistant wants to know of a meter, as it is published under `topics(name)["discovery"]`.

    Parameters
    ----------
    name : str
        Letters, digits, - and _.
    device_class : "water", "gas" or "energy"
    unit : str
        As in a profile; "m3" becomes "m³".
    decimals : int
    falls : bool
        Whether the meter may run backwards.

    Raises
    ------
    ValueError
        If Home Assistant would not take it.

    Examples
    --------
    >>> discovery("cellar", "water", "m3", 3)["state_class"]
    'total_increasing'
    """
    unit = SPELLINGS.get(unit, unit)
    if unit not in UNITS[device_class]:
        wanted = ", ".join(UNITS[device_class])
        raise ValueError(f"Home Assistant measures {device_class} in {wanted}; the profile's unit is {unit!a}")
    where, identity = topics(name), f"ocrbook_{name}"
    return {
        "name": None,  # that of the device
        "unique_id": identity,
        "device_class": device_class,
        "state_class": "total" if falls else "total_increasing",
        "unit_of_measurement": unit,
        "suggested_display_precision": decimals,
        "state_topic": where["value"],
        "json_attributes_topic": where["reading"],
        "availability_topic": where["status"],
        "payload_available": "online",
        "payload_not_available": "offline",
        "device": {"identifiers": [identity], "name": name},
        "origin": {"name": "ocrbook", "sw_version": __version__},
    }


class Broker:
    """A connection that comes back by itself, and then says again what was published last.

    Parameters
    ----------
    address : str
        mqtt://HOST, mqtts://HOST with TLS; a user's name before and a port after the host where they are needed.
    password : str or None
    name : str
    payload : dict
        See `discovery`.
    say : callable
        Is told in a line when the broker goes away or refuses, and when it is back.

    Raises
    ------
    ValueError
        If the address is none of these.
    """

    def __init__(
        self, address: str, password: str | None, name: str, payload: dict[str, Any], say: Callable[[str], object]
    ) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        address, user = without_user(address, tuple(PORTS))
        parts = urlsplit(address)
        self.host, self._topics, self._say, self._said = parts.hostname, topics(name), say, ""
        self._last = {"discovery": json.dumps(payload, ensure_ascii=False), "status": "online"}
        self._client = Client(CallbackAPIVersion.VERSION2, f"ocrbook-{name}-{secrets.token_hex(3)}")
        if user:
            self._client.username_pw_set(user, password)
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())
        self._client.will_set(self._topics["status"], "offline", qos=1, retain=True)
        self._client.reconnect_delay_set(1, 60)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = lambda *_: self._tell("can't be reached, is tried again")
        self._client.on_disconnect = lambda *_: self._tell("is gone, is tried again")
        self._client.connect_async(self.host, parts.port or PORTS[parts.scheme], keepalive=30)
        self._client.loop_start()

    def publish(self, line: dict[str, Any], value: str | None) -> None:
        """Publish a line, and the value if the reading was accepted; when the broker is there again if it is gone."""
        self._last["reading"] = json.dumps(line, ensure_ascii=False)
        if value is not None:
            self._last["value"] = value
        self._send("reading", *(["value"] if value is not None else []))

    def close(self) -> None:
        """Say that no more will come, and go."""
        self._client.on_disconnect = None
        if self._client.is_connected():
            self._client.publish(self._topics["status"], "offline", qos=0, retain=True).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, *names: str) -> None:
        # With QoS 0: what a broker that was away has missed is sent when it is back, and only the latest of it.
        for name in names:
            self._client.publish(self._topics[name], self._last[name], qos=0, retain=True)

    def _connected(self, client: Any, userdata: Any, flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self._tell(f"refuses: {code}")
            return
        if self._said:
            self._tell("is there")
        self._said = ""
        self._send(*self._last)

    def _tell(self, text: str) -> None:
        """Say something, once until something else has happened; a broker that refuses also goes away."""
        if text != self._said and not (self._said.startswith("refuses") and "again" in text):
            self._said = text
            self._say(f"the broker {self.host} {text}")
