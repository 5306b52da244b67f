"""Pages that declare an encoding, in every place where one may stand and in many where none counts."""

TEXT = "<p>caf\u00e9 \u2013 na\u00efve".encode("cp1252")
_FILLED = b"<!-- " + b"x" * 3_000 + b" -->"
_LONG_HEAD = b"<script>" + b"var a = 1;\n" * 400 + b"</script>"
HTML = "text/html"

PAGES: list[tuple[bytes, str, str]] = [
    # What stands before the text, the Content-Type, the encoding that counts.
    (b"<meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<META CHARSET='KOI8-R'/>", HTML, "koi8-r"),
    (b'<meta\ncharset = " koi8-r " name=x>', HTML, "koi8-r"),
    (b"<html lang=en><head><title>x</title><meta name=a content=b><meta charset=koi8-r>", HTML, "koi8-r"),
    (b'<meta http-equiv=Content-Type content="text/html; charset=koi8-r">', HTML, "koi8-r"),
    (b"<meta content=\"text/html;charset = 'koi8-r'\" http-equiv=content-type>", HTML, "koi8-r"),
    (b'<meta http-equiv=content-type content="charset charset=koi8-r;x">', HTML, "koi8-r"),
    (b'<meta name=x content="text/html; charset=koi8-r"><meta charset=windows-1251>', HTML, "windows-1251"),
    (b'<meta http-equiv=refresh content="900; charset=koi8-r"><meta charset=windows-1251>', HTML, "windows-1251"),
    (b"<meta charset=nonsense><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<meta data-charset=windows-1251 charset=koi8-r>", HTML, "koi8-r"),
    (b"<meta charset=koi8-r><meta charset=windows-1251>", HTML, "koi8-r"),
    (b"<!-- <meta charset=windows-1251> --><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<!--> <meta charset=koi8-r> -->", HTML, "koi8-r"),
    (b"<script>'<meta charset=windows-1251>'</script><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<title><meta charset=windows-1251></title><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<style>/*<meta charset=windows-1251>*/</style><meta charset=koi8-r>", HTML, "koi8-r"),
    (b'<link title="<meta charset=windows-1251>"><meta charset=koi8-r>', HTML, "koi8-r"),
    (b"</meta charset=windows-1251><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<metadata charset=windows-1251><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<? <meta charset=windows-1251> ><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"1 < 2 <meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<body><div><meta charset=koi8-r>", HTML, "koi8-r"),
    (_LONG_HEAD + b"<meta charset=koi8-r>", HTML, "koi8-r"),
    (_FILLED + b"<meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<meta charset=utf-16le>", HTML, "utf-8"),
    (b"<meta charset=unicode>", HTML, "utf-8"),
    (b"<meta charset=x-user-defined>", HTML, "windows-1252"),
    (b"<meta charset=iso-8859-1>", HTML, "windows-1252"),
    (b"<?xml version='1.0' encoding='koi8-r'?>", HTML, "koi8-r"),
    (b'<?xml version="1.0" encoding = "koi8-r" standalone="yes"?><html>', HTML, "koi8-r"),
    (b"<?xml version='1.0' encoding='windows-1251'?><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<?xml version='1.0'?><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"\n<?xml version='1.0' encoding='windows-1251'?><meta charset=koi8-r>", HTML, "koi8-r"),
    (b"<meta charset=windows-1251>", "text/html; charset=koi8-r", "koi8-r"),
    (b"<meta charset=windows-1251>", 'text/html;charset="koi8-r"; boundary=x', "koi8-r"),
    (b"<meta charset=windows-1251>", "text/html; CHARSET=KOI8-R", "koi8-r"),
    (b"<meta charset=windows-1251>", "text/html; xcharset=utf-8; charset=koi8-r", "koi8-r"),
    (b"<meta charset=koi8-r>", "text/html; charset=nonsense", "koi8-r"),
    (b"<meta charset=koi8-r>", "text/html; charset=", "koi8-r"),
    (b"\xef\xbb\xbf<meta charset=koi8-r>", "text/html; charset=windows-1251", "utf-8"),
    (b"\xff\xfe<\x00p\x00>\x00\xe9\x00", "text/html; charset=windows-1251", "utf-16le"),
    (b"\xfe\xff\x00<\x00p\x00>\x00\xe9", HTML, "utf-16be"),
    (b"<\x00p\x00>\x00\xe9\x00", "text/html; charset=utf-16", "utf-16le"),
]

TOKENS = (
    b"<meta charset=koi8-r>", b"<meta charset='windows-1251'>", b"<meta charset=nonsense>",
    b"<meta name=a content=b>", b"<meta http-equiv=content-type content='text/html; charset=gbk'>", b"<!--", b"-->",
    b"<!-->", b"<title>", b"</title>", b"<script>", b"</script>", b"<style>", b"</style>", b"<head>", b"</head>",
    b"<body>", b"<html lang=en>", b"<p>", b"</p>", b"<link rel=x href='a>b'>", b"text ", b" < ", b"<!doctype html>",
    b"<?pi x?>", b"\n", b"<noscript>", b"</noscript>", b"<textarea>", b"</textarea>", b"<br/>",
    b"<a title=\"<meta charset=big5>\">", b"</ x>", b"<1>", b"y" * 700,
)  # fmt: skip
"""Parts of the head of a page, to be put together at random."""
