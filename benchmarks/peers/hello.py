"""The limit: Flask, and nothing to do."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return "Bonjour"
