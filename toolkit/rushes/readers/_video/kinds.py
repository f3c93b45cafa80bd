"""Which media container a file is, by its first bytes."""

FOLDER_FILE = "recording.yaml"
"""Name of the manifest that makes a folder one recording."""
_ISO_KINDS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_IMAGE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")


def container_of(head: bytes) -> str | None:
    """Name the container that starts with these bytes; None if it is none that is read here."""
    if head[4:8] in _ISO_KINDS and not (head[4:8] == b"ftyp" and head[8:12] in _IMAGE_BRANDS):
        return "MP4 or MOV"
    if head.startswith((b"RIFF", b"RF64")):
        return {b"AVI ": "AVI", b"WAVE": "WAV"}.get(head[8:12])
    known = {b"\x1a\x45\xdf\xa3": "Matroska or WebM", b"OggS": "Ogg", b"fLaC": "FLAC", b"ID3": "MP3"}
    known |= {b"\xff\xfb": "MP3", b"\xff\xf3": "MP3", b"\xff\xf2": "MP3", b"FLV\1": "Flash video"}
    known |= {b"\x30\x26\xb2\x75": "ASF or WMV", b"\0\0\1\xba": "MPEG program stream"}
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return "MPEG transport stream"
    return next((name for magic, name in known.items() if head.startswith(magic)), None)
