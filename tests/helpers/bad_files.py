"""Files that are damaged, odd or malicious, for tests of the doors."""

import io
import os
import stat
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image


def png_chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def huge_png(side=100_000):
    """A PNG of a few bytes that declares ``side`` x ``side`` pixels."""
    header = struct.pack('>IIBBBBB', side, side, 8, 0, 0, 0, 0)
    parts = ((b'IHDR', header), (b'IDAT', zlib.compress(b'\0' * 1000)), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(png_chunk(kind, data) for kind, data in parts)


def encoded(array, fmt='PNG', orientation=None, **options):
    """An array as the bytes of an image file, with an EXIF orientation if one is given."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
        options['exif'] = exif
    file = io.BytesIO()
    Image.fromarray(array).save(file, fmt, **options)
    return file.getvalue()


def soft_mask(shape=(60, 100)):
    """A disc with a soft rim: uint8 ``(H, W)``, 0 outside, 255 inside, some twenty levels in between."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - shape[0] / 2, x - shape[1] / 2)
    return np.clip((20 - distance) * 40, 0, 255).astype(np.uint8)


def make_zip(path, entries, compression=zipfile.ZIP_STORED):
    """A zip file of ``{name: bytes}``."""
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def flip(path, what, offset=0):
    """Invert a byte of a file, ``offset`` behind the first occurrence of some bytes."""
    data = bytearray(path.read_bytes())
    data[data.index(what) + offset] ^= 0xFF
    path.write_bytes(bytes(data))
    return path


def set_flag(path, flag=None, method=None):
    """Set the flags (1: encrypted) or the compression method of all entries of a zip file, in both of its tables."""
    data = bytearray(path.read_bytes())
    for signature, place in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
        start = data.find(signature)
        while start >= 0:
            if flag is not None:
                data[start + place : start + place + 2] = struct.pack('<H', flag)
            if method is not None:
                data[start + place + 2 : start + place + 4] = struct.pack('<H', method)
            start = data.find(signature, start + 4)
    path.write_bytes(bytes(data))
    return path


def add_symlink(path, name, target):
    """A symbolic link in a zip file."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr(info, target)
    return path


def pipe(path):
    os.mkfifo(path)
    return path
