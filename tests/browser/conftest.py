import functools
import http.server
import json
import shutil
import threading

import pytest
from selenium import webdriver

from tools.book_files import ROOT

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def site():
    """The address of the built book, served from this machine."""
    folder = ROOT / "_build" / "html"
    if not (folder / "index.html").is_file():
        pytest.skip("build the book first: make book")
    handler = functools.partial(_Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def chrome():
    """Headless Chromium that can reach this machine only."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no Chromium with chromedriver: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def browser(chrome, site):
    """The browser at its usual size, with empty logs."""
    chrome.set_window_size(1280, 900)
    chrome.get("about:blank")
    for kind in ("browser", "performance"):
        chrome.get_log(kind)
    return chrome


@pytest.fixture
def requests(browser):
    """A function that returns the requests since the last call: address and bytes received."""

    def collect():
        addresses, received = {}, {}
        for entry in browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            parameters = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                addresses[parameters["requestId"]] = parameters["request"]["url"]
            elif message["method"] == "Network.loadingFinished":
                received[parameters["requestId"]] = parameters["encodedDataLength"]
        return [(address, received.get(number, 0)) for number, address in addresses.items()]

    return collect
