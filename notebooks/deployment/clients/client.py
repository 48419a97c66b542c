"""Read an image over HTTP: python client.py URL IMAGE [ocr|meter]. Needs no package."""

import base64
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def told(status: int, body: bytes) -> str:
    """What was answered where there is no result: by the service, or before it."""
    try:
        return " ".join(str(json.loads(body)["errorMsg"]).split())[:300]
    except (ValueError, TypeError, KeyError):
        words = " ".join(body[:1000].decode("utf-8", "replace").split())[:100]
        return f"answered {status}, and no JSON of the service: {words or '(empty)'}"


def ask(base: str, endpoint: str, image: bytes, key: str = "", tries: int = 5) -> dict:
    """The result. Where the service asks for patience, it is asked again."""
    body = json.dumps({"file": base64.b64encode(image).decode("ascii")}).encode("ascii")
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )
    for attempt in range(tries):
        try:
            request = urllib.request.Request(f"{base}/{endpoint}", body, headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
            wait = error.headers.get("Retry-After", "")
            if wait.isdecimal() and attempt < tries - 1:
                time.sleep(min(int(wait), 60))
                continue
        except urllib.error.URLError as error:
            raise RuntimeError(f"{base} can't be reached: {error.reason}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = error if str(error) else type(error).__name__
            raise RuntimeError(f"{base} did not answer: {why}") from None
        try:
            return json.loads(content)["result"]
        except (ValueError, TypeError, KeyError):
            raise RuntimeError(told(status, content)) from None
    raise AssertionError("unreachable")


def main() -> int:
    """Print one text a line; 1 where the service refuses."""
    if len(sys.argv) not in (3, 4):
        print("usage: python client.py URL IMAGE [ocr|meter]", file=sys.stderr)
        return 2
    base, path = sys.argv[1:3]
    endpoint = sys.argv[3] if len(sys.argv) > 3 else "ocr"
    try:
        result = ask(base.rstrip("/"), endpoint, Path(path).read_bytes())
        texts = (
            [result["text"]]
            if endpoint == "meter"
            else result["ocrResults"][0]["prunedResult"]["rec_texts"]
        )
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except (LookupError, TypeError):
        print(f"{base} answered with no result of this service", file=sys.stderr)
        return 1
    print("\n".join(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
