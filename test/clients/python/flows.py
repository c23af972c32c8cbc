"""What is tried with each client; see flows.mjs, which says the same for npm."""

import asyncio
import base64
import json
import os
import re
import sys

FLOWS = [
    "plain", "stream", "many turns", "tools", "structured", "picture",
    "file", "branch", "session", "error", "resume", "cancel",
]
BASE = os.environ["BANYAN_URL"]
TOKEN = os.environ["BANYAN_TOKEN"]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
TEXT_FILE = base64.b64encode(b"Trees have leaves.").decode()
COUNT, FAIL, SLOW, HANG = "How many?", "FAIL", "SLOW", "HANG"
SLOW_ANSWER = "One two three four five six"
# A file that is text may be told as text.
FILE_SEEN = "1 file|Trees have leaves"
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PATIENCE_SECONDS = 25


def check(ok, what, got=None):
    if not ok:
        raise AssertionError(f"{what}: {str(got)[:300]}")


def includes(text, part):
    check(text and re.search(part, text), f"should have “{part}”", text)


def thrown(work):
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("should have failed")


async def thrown_by(work):
    try:
        await work
    except Exception as error:
        return error
    raise AssertionError("should have failed")


async def tried(work):
    try:
        done = work() if asyncio.iscoroutinefunction(work) else asyncio.to_thread(work)
        await asyncio.wait_for(done, PATIENCE_SECONDS)
        return {"result": "works"}
    except Exception as error:
        # The server says that it cannot, and why.
        if getattr(error, "status_code", None) == 400:
            told = getattr(error, "body", None) or {}
            return {"result": "refused", "reason": str(told.get("message", error))[:500]}
        return {"result": "fails", "reason": f"{type(error).__name__}: {error}"[:500]}


async def _run(flows):
    for flow in FLOWS:
        work = flows.get(flow, "")
        told = {"result": "not offered", "reason": work} if isinstance(work, str) else await tried(work)
        print(json.dumps({"flow": flow, **told}), flush=True)


def run(flows):
    asyncio.run(_run(flows))
    sys.stdout.flush()
    os._exit(0)
