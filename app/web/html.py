"""The HTML around pages that have no template of their own."""

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
    """Returns a whole page. Both arguments must be HTML: the caller must escape other text."""
    return _PAGE.format(body=body, head=head)
