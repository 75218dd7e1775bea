"""Texts that steer terminals, screens and readers: by name, and mixed with one another from a seed.

Sources: ECMA-48 (controls, CSI, DCS, OSC, APC, PM, SOS in 7 and 8 bits), "XTerm Control Sequences" (OSC 52, titles,
DECRQSS, modes, reports), the kitty protocols (graphics, keyboard), Unicode TR 9 (bidirectional controls), TR 51 (tags
and joiners), and the markup of Rich and Textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

ESC, ST, BEL = "\x1b", "\x1b\\", "\x07"
REACHED = f"{ESC}[/x]"
"""What each mark is followed by: shown harmlessly it is a sign for the escape and four characters of no meaning."""

_CONTROLS = {
    **{f"C0 {code:02x}": chr(code) for code in range(0x20)},
    "DEL": "\x7f",
    **{f"C1 {code:02x}": chr(code) for code in range(0x80, 0xA0)},
}

_BODIES = {
    "clear": "CSI 2J", "home": "CSI H", "scroll away": "CSI 999S", "red": "CSI 31m", "blink and hide": "CSI 5;8m",
    "cursor query": "CSI 6n", "attributes": "CSI c", "more attributes": "CSI >c", "name": "CSI >0q",
    "mode query": "CSI ?2004$p", "paste off": "CSI ?2004l", "paste begins": "CSI 200~", "paste ends": "CSI 201~",
    "mouse on": "CSI ?1003h", "other screen": "CSI ?1049h", "own screen": "CSI ?1049l", "cursor away": "CSI ?25l",
    "frame never ends": "CSI ?2026h", "keys of kitty": "CSI >31u", "keys given back": "CSI <u", "reset": "CSI !p",
    "window small": "CSI 8;1;1t", "title report": "CSI 21t", "title pushed": "CSI 22;0t", "insert": "CSI 4h",
    "repeat": "CSI 99999b", "checksum": "CSI 1;1;1;1;1;1*y", "fill": "CSI 65;1;1;99;99$x",
    "clipboard": "OSC 52;c;aGFja2VkIQ== ST", "clipboard asked": "OSC 52;c;? ST", "title": "OSC 0;pwned ST",
    "icon": "OSC 1;pwned ST", "link": "OSC 8;;file:///etc/passwd ST", "colours": "OSC 4;1;rgb:ff/00/00 ST",
    "colour asked": "OSC 11;? ST", "font": "OSC 50;x ST", "notice": "OSC 777;notify;a;b ST",
    "pointer": "OSC 22;wait ST",
    "folder": "OSC 7;file://x/ ST", "iterm file": "OSC 1337;File=inline=1:AAAA ST", "hyperprompt": "OSC 133;A ST",
    "setting asked": "DCS $qm ST", "key names asked": "DCS +q544e ST", "macro": 'DCS 1;1;1!z1b5b324a ST',
    "sixel": 'DCS 0;1q"1;1;6;6#0;2;99;0;0#0~~~~~~ ST', "tmux": "DCS tmux;\x1b\x1b]52;c;aA==\x07 ST",
    "graphics": "APC Ga=T,f=24,s=1,v=1;AAAA ST", "graphics asked": "APC Gi=1,a=q;AAAA ST",
    "private": "PM quiet ST", "string": "SOS never ends", "osc never ends": "OSC 0;", "dcs never ends": "DCS",
    "full reset": "ESC c", "keypad": "ESC =", "graphic letters": "ESC (0", "other letters": "ESC N",
    "aligned": "ESC #8",
    "index up": "ESC M", "saved": "ESC 7", "restored": "ESC 8", "utf-8 off": "ESC %@", "lone": "ESC",
}  # fmt: skip
"""Sequences with their introducers by name, so that each is made in both forms."""

_SEVEN = {"CSI": "\x1b[", "OSC": "\x1b]", "DCS": "\x1bP", "APC": "\x1b_", "PM": "\x1b^", "SOS": "\x1bX", "ESC": "\x1b"}
_EIGHT = {"CSI": "\x9b", "OSC": "\x9d", "DCS": "\x90", "APC": "\x9f", "PM": "\x9e", "SOS": "\x98", "ESC": "\x1b"}


def _spelled(body: str, introducers: Mapping[str, str], end: str) -> str:
    name, _, rest = body.partition(" ")
    return introducers[name] + (rest.removesuffix(" ST") + end if rest.endswith(" ST") else rest)


_SEQUENCES = {
    **{f"{name}, 7 bits": _spelled(body, _SEVEN, ST) for name, body in _BODIES.items()},
    **{f"{name}, bell": _spelled(body, _SEVEN, BEL) for name, body in _BODIES.items() if body.startswith("OSC")},
    **{f"{name}, 8 bits": _spelled(body, _EIGHT, "\x9c") for name, body in _BODIES.items()},
}

_MARKUP = {
    "closing": "[/red]", "closing nothing": "[/]", "begun": "[b +", "begun, closed": "[b +](", "open": "[",
    "backslash": "\\[", "backslashes": "\\\\\\[/b]", "action": "[@click=app.quit]x[/]",
    "action, quoted": "[@click='app.leave()']x[/]", "variable": "[$primary on $error]x[/]", "emoji": ":skull: [bold]",
    "link": "[link=file:///etc/passwd]x[/link]", "repr": "[#fff on #zzz]x[/]", "nested": "[[[]]]" * 30,
    "template": "${HOME} {0.__class__} %s %(x)s $(id) `id`", "css": "} * { display: none; } /*",
    "markdown link": "[x](javascript:alert(1)) <file:///etc/passwd> ![x](http://192.0.2.1/x.png)",
    "html": "<script>x</script><!-- <b>", "fence": "```\n~~~\n```sh\nrm -rf /\n", "table": "|a|b|\n|-|-|\n|[/x]|`|`|",
    "deep list": "\n".join("  " * depth + "- x" for depth in range(60)), "deep quote": ">" * 300 + " x",
    "emphasis": "*_" * 400 + "x",
}  # fmt: skip

_READERS = {
    "bidi override": "\u202egnp.exe\u202c",
    "bidi all": "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])),
    "marks": "\u200e\u200f\u061c", "zero width": "pay\u200bpal\u2060\ufeff\u180e", "joiners": "a\u200cb\u200dc",
    "soft hyphen": "pass\u00adword", "separators": "a\u2028b\u2029c\u0085d",
    "tags": "x" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all"),
    "variation": "x" + "".join(map(chr, range(0xE0100, 0xE0140))), "fillers": "\u3164\u115f\u1160\uffa0\u2800",
    "combining": "Z" + "\u0301\u0489\u20dd" * 1667, "combining, spread": "a\u0300" * 3000,
    "rtl": "שלום عليكم \u0645\u0631\u062d\u0628\u0627", "family": "👩‍👩‍👧‍👦🏳️‍🌈👨🏿‍🚀", "flags": "🇩🇪🇫🇷🇯" * 20,
    "wide": "漢字" * 60,
    "half": "ｱｲｳ", "ligature": "﷽" * 5, "private use": "\ue000\U000f0000\U0010fffd",
    "nonchar": "\ufffe\uffff\U0001ffff",
    "placeholder": "\U0010eeee\u0305\u0305", "surrogate": "\ud800x\udfff", "replaced": "\ufffd\ufffc\ufff9\ufffa\ufffb",
    "invisible maths": "\u2061\u2062\u2063\u2064", "old controls": "\u206a\u206b\u206c\u206d\u206e\u206f",
    "music": "\U0001d173\U0001d174\U0001d17a", "shorthand": "\U0001bca0\U0001bca3",
}  # fmt: skip

_LINES = {
    "mixed newlines": "a\r\nb\rc\n\rd\n\n\re\x0bf\x0cg\x1ch\x85i",
    "progress": "".join(f"\r{step:3} %" for step in range(0, 101, 5)) + "\n",
    "overstruck": "secret\b\b\b\b\b\bhidden",
    "art": "\n".join(f"\x1b[48;5;{row}m\x1b[{row};1H{'▀▄█' * 12}\x1b[0m" for row in range(12)),
    "tabs": "\t" * 300,
    "spaces": " " * 4000 + "x",
    "nul": "a\0b\0\0c",
    "long word": "x" * 20_000,
}

HOSTILE: Mapping[str, str] = {**_CONTROLS, **_SEQUENCES, **_MARKUP, **_READERS, **_LINES}
"""Every text by its name."""

MEGABYTE = "x\x1b]0;m\x07" * (1_000_000 // 7)
"""One line of a million characters; for the places that take as much."""


def mixed(chance: random.Random, *, least: int = 3, most: int = 8, limit: int = 3000) -> str:
    """Put texts together: as they are, cut somewhere, torn apart by another one, doubled."""
    names = list(HOSTILE)
    made = ""
    for _ in range(chance.randint(least, most)):
        text = HOSTILE[chance.choice(names)]
        at = chance.randrange(len(text) + 1)
        match chance.randrange(6):
            case 0:
                text = text[:at]
            case 1:
                text = text[at:]
            case 2:
                text = text[:at] + HOSTILE[chance.choice(names)][:200] + text[at:]
            case 3:
                text = text[:200] * 2
            case _:
                pass
        made += text[:limit]
    return made[:limit]


def batches(size: int = 600) -> Iterator[str]:
    """Every text at least once, several short ones in each; long ones by themselves."""
    batch = ""
    for text in HOSTILE.values():
        if batch and len(batch) + len(text) > size:
            yield batch
            batch = ""
        batch += text + " "
    if batch:
        yield batch


def line_of(text: str) -> str:
    """The text in one line, for places that end at a newline."""
    return text.replace("\n", "\x0b").replace("\r", "\x0c")


def without_nul(text: str) -> str:
    """The text for arguments, paths and the environment, which cannot hold NUL; surrogates as their bytes would be."""
    return "".join(char for char in text if char != "\0" and not 0xD800 <= ord(char) < 0xE000)
