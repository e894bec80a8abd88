"""Makes PNG pictures small: 256 colors, for those of a page more than enough. Needs no library."""
import struct
import zlib


def read(data):
    """The width, the height, the bytes of a pixel and the pixels of a PNG of 8 bits without interlacing."""
    at, body = 8, b""
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at:at + 4]), data[at + 4:at + 8]
        part = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", part)
            if depth != 8 or color not in (2, 6) or interlaced:
                raise ValueError("not a PNG of red, green and blue bytes")
            size = 3 if color == 2 else 4
        elif kind == b"IDAT":
            body += part
        at += 12 + length
    raw, stride, rows, above = zlib.decompress(body), width * size, [], bytearray(width * size)
    for number in range(height):
        start = number * (stride + 1)
        kind, row = raw[start], bytearray(raw[start + 1:start + 1 + stride])
        if kind == 1:
            for i in range(size, stride):
                row[i] = (row[i] + row[i - size]) & 255
        elif kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, above))
        elif kind == 3:
            for i in range(stride):
                row[i] = (row[i] + ((row[i - size] if i >= size else 0) + above[i]) // 2) & 255
        elif kind == 4:
            for i in range(stride):
                a, b, c = (row[i - size] if i >= size else 0), above[i], (above[i - size] if i >= size else 0)
                p = a + b - c
                x, y, z = abs(p - a), abs(p - b), abs(p - c)
                row[i] = (row[i] + (a if x <= y and x <= z else b if y <= z else c)) & 255
        rows.append(row)
        above = row
    return width, height, size, rows


def shrink(path):
    """Rewrites a PNG with the 256 colors that it has most, and the nearest of these for the others."""
    with open(path, "rb") as file:
        width, height, size, rows = read(file.read())
    counts = {}
    lines = []
    for row in rows:
        line = list(zip(row[0::size], row[1::size], row[2::size]))
        lines.append(line)
        for color in line:
            counts[color] = counts.get(color, 0) + 1
    palette = sorted(counts, key=counts.get, reverse=True)[:256]
    places = {color: place for place, color in enumerate(palette)}
    for color in counts:
        if color not in places:
            places[color] = min(range(len(palette)), key=lambda i: sum((a - b) ** 2 for a, b in zip(palette[i], color)))
    body = b"".join(b"\0" + bytes(places[color] for color in line) for line in lines)

    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
                   + part(b"PLTE", b"".join(bytes(color) for color in palette)) + part(b"IDAT", zlib.compress(body, 9))
                   + part(b"IEND", b""))
