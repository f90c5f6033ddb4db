#!/usr/bin/env python3
"""Reads a snapshot log of format 2 or 3 and prints what it adds up to, as `millpond cat FILE --json` does.

Written from FORMAT.md alone, with nothing but Python's standard library, to show that the description is enough. Prints one
JSON object for each live entry, ascending by the bytes of the key; with `--position` then one for the position, as in
`millpond inspect FILE --json`, or `null` where there is no snapshot. Damage, or what is no log, ends with status 1 and a line on
standard error: `CODE at byte OFFSET: WHY`. Of several files each begins with a line that names it, and a failure is a line too.
"""

import base64
import datetime
import json
import sys
import zlib

KEY_MAX = 65_535
VALUE_MAX = 16 * 1024 * 1024
TOKEN_MAX = 10


class LogError(Exception):
    def __init__(self, code, offset, why):
        super().__init__(f"{code} at byte {offset}: {why}")
        self.code = code
        self.offset = offset


def u16(data, at):
    return int.from_bytes(data[at : at + 2], "little")


def u32(data, at):
    return int.from_bytes(data[at : at + 4], "little")


def u64(data, at):
    return int.from_bytes(data[at : at + 8], "little")


def is_utf8(data):
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def is_zero(data):
    return not any(data)


def read_log(data):
    """The live entries by the bytes of their keys (value, version, time or None, ttl or None), and the position: cursor,
    its time, origin or None."""
    if data[:4] == b"MPND" and len(data) >= 24:
        return read_v3(data)
    if data[:4] == b"PGSS" and len(data) >= 6:
        return read_v2(data)
    raise LogError("invalid-format", 0, "no header of a snapshot log")


# Version 3


def read_v3(data):
    if u16(data, 4) != 3:
        raise LogError("invalid-format", 4, "an unknown version")
    if zlib.crc32(data[:20]) != u32(data, 20):
        raise LogError("corrupted", 0, "the header's checksum")
    if u16(data, 6) != 24:
        raise LogError("invalid-format", 6, "a header of another length")
    if u32(data, 16) != 0:
        raise LogError("invalid-format", 16, "unknown features")
    salt = data[8:16]
    entries = {}
    cursor, time, origin = b"", 0, None
    p = 24
    while p < len(data):
        if not head_holds(data, p, salt):
            require_torn_v3(data, p, salt)
            break
        kind, flags, body_len = data[p + 2], data[p + 3], u32(data, p + 4)
        if body_len > 64 * 1024 * 1024 or flags != 0 or (kind != 1 and kind < 0x80):
            raise LogError("invalid-format", p, "a frame of an unknown kind, flags or length")
        body = data[p + 16 : p + 16 + body_len]
        if len(body) < body_len or zlib.crc32(body) != u32(data, p + 8):
            require_torn_v3(data, p, salt)
            break
        if kind == 1:
            changes, position = batch(body, p)
            for key, entry in changes:
                entries.pop(key, None)
                if entry is not None:
                    entries[key] = entry
            if position is not None:
                cursor, time = position[:2]
                origin = origin if position[2] is None else position[2]
        p += 16 + body_len
    return entries, (cursor, time, origin)


def head_holds(data, p, salt):
    if p + 16 > len(data) or data[p : p + 2] != b"\x9d\xf3":
        return False
    return zlib.crc32(salt + p.to_bytes(8, "little") + data[p : p + 12]) == u32(data, p + 12)


def require_torn_v3(data, p, salt):
    end = len(data)
    if head_holds(data, p, salt):
        end = min(end, p + 16 + u32(data, p + 4))
    elif any(data[p + 16 :]):
        raise LogError("corrupted", p, "no frame starts there")
    if any(data[end:]):
        raise LogError("corrupted", p, "more follows than one frame that was cut short")
    q = data.find(b"\x9d\xf3", p + 1)
    while q != -1:
        if head_holds(data, q, salt):
            raise LogError("corrupted", p, f"a frame starts at {q}")
        q = data.find(b"\x9d\xf3", q + 1)


def batch(body, p):
    """The changes of a batch (the key, and its entry or None for a removal), and its position or None: cursor, time,
    origin or None."""

    def need(holds, why):
        if not holds:
            raise LogError("invalid-format", p, why)

    need(len(body) >= 16, "a batch that is too short")
    flags, cursor_len, count = body[0], body[1], u32(body, 4)
    need(flags <= 3 and u16(body, 2) == 0, "reserved bits of a batch")
    need(cursor_len <= TOKEN_MAX, "a cursor that is too long")
    if not flags & 1:
        need(flags == 0 and cursor_len == 0 and u64(body, 8) == 0, "part of a position without one")
    at = 16 + cursor_len
    need(at <= len(body), "a cursor past the end")
    origin = None
    if flags & 2:
        need(at + 4 <= len(body), "an origin past the end")
        origin_len = u32(body, at)
        need(origin_len <= 1024 * 1024, "an origin that is too long")
        need(at + 4 + origin_len <= len(body), "an origin past the end")
        origin = body[at + 4 : at + 4 + origin_len]
        need(is_utf8(origin), "an origin that is not UTF-8")
        at += 4 + origin_len
    changes = []
    for _ in range(count):
        need(at + 8 <= len(body), "a record past the end")
        kind, version_len, key_len, value_len = body[at], body[at + 1], u16(body, at + 2), u32(body, at + 4)
        need(kind & 0xC0 == 0 and 1 <= kind & 0x0F <= 3, "a record of an unknown kind")
        is_put = kind & 0x0F == 1
        need(version_len <= TOKEN_MAX, "a version that is too long")
        need(value_len <= (VALUE_MAX if is_put else 0), "a value that is too long")
        at += 8
        parts = []
        for length in (key_len, value_len, version_len, 8 if kind & 0x10 else 0, 8 if kind & 0x20 else 0):
            need(at + length <= len(body), "a record past the end")
            parts.append(body[at : at + length])
            at += length
        key, value, version, time, ttl = parts
        need(is_utf8(key), "a key that is not UTF-8")
        entry = (value, version, u64(time, 0) if time else None, u64(ttl, 0) if ttl else None)
        changes.append((key, entry if is_put else None))
    need(at == len(body), "bytes after the last record")
    position = (body[16 : 16 + cursor_len], u64(body, 8), origin) if flags & 1 else None
    return changes, position


# Version 2

RECORD_MAX = 5 + 2 + KEY_MAX + 4 + VALUE_MAX + 1 + TOKEN_MAX


class Stop(Exception):
    """Why there is no good record."""

    def __init__(self, why, end=None):
        super().__init__(why)
        self.why = why
        self.end = end


def read_v2(data):
    if u16(data, 4) != 2:
        raise LogError("invalid-format", 4, "an unknown version")
    entries = {}
    cursor = b""
    d = 6
    while d < len(data):
        try:
            kind, key, value, token, end = record(data, d)
        except Stop as stop:
            if stop.why == "bad token":
                raise LogError("invalid-format", d, "a version or cursor that is too long")
            require_torn_v2(data, d, stop)
            break
        if kind == 3:
            cursor = token
        else:
            if not is_utf8(key):
                raise LogError("invalid-format", d, "a key that is not UTF-8")
            entries.pop(key, None)
            if kind == 1:
                entries[key] = (value, token, None, None)
        d = end
    return entries, (cursor, 0, None)


def record(data, d):
    """Type, key, value, token and end of the good record at `d`."""
    size = len(data)

    def need(end):
        if end > size:
            raise Stop("past the end")

    need(d + 5)
    kind = data[d + 4]
    if kind not in (1, 2, 3):
        raise Stop("unknown type")
    at = d + 5
    key = value = b""
    if kind != 3:
        need(at + 2)
        key_end = at + 2 + u16(data, at)
        key = data[at + 2 : key_end]
        at = key_end
    if kind == 1:
        need(at + 4)
        value_len = u32(data, at)
        if value_len > VALUE_MAX:
            raise Stop("bad length")
        value = data[at + 4 : at + 4 + value_len]
        at += 4 + value_len
    need(at + 1)
    token_len = data[at]
    if token_len > TOKEN_MAX:
        raise Stop("bad token")
    end = at + 1 + token_len
    need(end)
    if zlib.crc32(data[d + 4 : end]) != u32(data, d):
        raise Stop("bad checksum", end)
    return kind, key, value, data[at + 1 : end], end


def require_torn_v2(data, d, stop):
    code = "invalid-format" if stop.why == "unknown type" else "corrupted"
    size = len(data)
    if is_zero(data[d:]):
        return
    if size - d >= 6 and is_zero(data[d : d + 6]):
        raise LogError(code, d, "a hole of zeros")
    if not is_zero(data[d + RECORD_MAX :]):
        raise LogError(code, d, "more than a torn record leaves")
    if stop.end is not None and size - stop.end >= 6 and not is_zero(data[stop.end :]):
        raise LogError(code, d, "a bad checksum, and more follows")
    for at in range(d + 1, min(size, d + RECORD_MAX)):
        if data[at + 4 : at + 5] not in (b"\1", b"\2", b"\3"):
            continue
        try:
            record(data, at)
        except Stop:
            continue
        raise LogError(code, d, f"a good record starts at {at}")


def print_line(line):
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")


def print_entries(entries):
    for key in sorted(entries):
        value, version, time, ttl = entries[key]
        line = {
            "key": key.decode("utf-8"),
            "value": base64.b64encode(value).decode("ascii"),
            "version": version.hex(),
        }
        if time is not None:
            line["timeMs"] = time
        if ttl is not None:
            line["ttlMs"] = ttl
        print_line(line)


def print_position(entries, position):
    cursor, time, origin = position
    if not entries and not cursor:
        print_line(None)
        return
    line = {"cursor": cursor.hex()}
    if time != 0:
        seconds, ns = divmod(time, 1_000_000_000)
        day = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        line["cursorTime"] = f"{day:%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"
    if origin is not None:
        line["origin"] = origin.decode("utf-8")
    print_line(line)


def main():
    paths = [argument for argument in sys.argv[1:] if argument != "--position"]
    with_position = len(paths) < len(sys.argv) - 1
    if not paths:
        sys.exit("usage: read-log.py [--position] FILE...")
    status = 0
    for path in paths:
        if len(paths) > 1:
            print_line({"file": path})
        try:
            with open(path, "rb") as file:
                entries, position = read_log(file.read())
            print_entries(entries)
            if with_position:
                print_position(entries, position)
        except LogError as error:
            status = 1
            print(error, file=sys.stderr)
            if len(paths) > 1:
                print_line({"code": error.code, "offset": error.offset})
    sys.exit(status)


if __name__ == "__main__":
    main()
