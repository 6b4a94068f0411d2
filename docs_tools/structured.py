"""What search engines read of the FAQ: its questions with their short answers (schema.org)."""

import json
from pathlib import Path

from lxml import html

from selfservice.help import FAQ, FAQ_KEYS

SHORT = "En bref"


def add_questions(folder: Path) -> None:
    """Write FAQPage into the head of the built FAQ, in its neutral words."""
    page = folder / FAQ / "index.html"
    text = page.read_text("utf-8")
    article = html.document_fromstring(text).xpath("//article")[0]
    data = {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "mainEntity": [_question(article, key) for key in FAQ_KEYS],
    }
    written = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    script = f'<script type="application/ld+json">{written}</script>'
    page.write_text(text.replace("</head>", f"{script}</head>", 1), "utf-8")


def _question(article: html.HtmlElement, key: str) -> dict[str, object]:
    (heading,) = article.xpath(f".//h2[@id='{key}']")
    name = " ".join(heading.text_content().rstrip("¶ ").split()).partition(". ")[2]
    # Where the answer depends on the supplier, that of whom nothing is known.
    first = heading.xpath("following-sibling::*[not(@data-if)]")[0]
    short = first[0] if first.get("data-unless") else first
    answer = " ".join(short.text_content().split())
    if answer.startswith(SHORT):
        answer = answer.partition(":")[2].strip()
    return {
        "@type": "Question",
        "name": name,
        "acceptedAnswer": {"@type": "Answer", "text": answer[:1].upper() + answer[1:]},
    }
