"""The frame of the HTML pages that have no template of their own."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Profile API</title>
<link rel="icon" href="data:,">
{head}
</head>
<body>
{body}
</body>
</html>
"""


def to_page(body: str, head: str = "") -> str:
    """A whole page. Both arguments are HTML: the caller escapes what is not."""
    return _PAGE.format(body=body, head=head)
