"""Read an image over HTTP: python client.py URL IMAGE [ocr|meter]. Needs no package."""

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def ask(base: str, endpoint: str, image: bytes, key: str = "", tries: int = 5) -> dict:
    """The result. Where the service asks for patience, it is asked again."""
    body = json.dumps({"file": base64.b64encode(image).decode("ascii")}).encode("ascii")
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )
    for attempt in range(tries):
        request = urllib.request.Request(f"{base}/{endpoint}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            wait = error.headers.get("Retry-After")
            if wait is None or attempt == tries - 1:
                raise RuntimeError(json.load(error)["errorMsg"]) from None
            time.sleep(int(wait))
    raise AssertionError("unreachable")


def main() -> int:
    """Print one text a line; 1 where the service refuses."""
    base, path = sys.argv[1:3]
    endpoint = sys.argv[3] if len(sys.argv) > 3 else "ocr"
    try:
        result = ask(base, endpoint, Path(path).read_bytes())
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    texts = (
        [result["text"]]
        if endpoint == "meter"
        else result["ocrResults"][0]["prunedResult"]["rec_texts"]
    )
    print("\n".join(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
