"""What a viewer sees is what is read: pictures of every kind, shown by a browser and read by ocrbook.images."""

import base64

import numpy as np

from ocrbook import images
from tests.pictures import for_browsers

_SHOWN = """
const [pictures, done] = arguments;
Promise.all(Object.entries(pictures).map(async ([name, content]) => {
  const picture = new Image();
  picture.src = "data:image/" + name.split(".")[1].replace("jpg", "jpeg") + ";base64," + content;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let text = "";
  for (const value of pixels) text += String.fromCharCode(value);
  return [name, [canvas.width, canvas.height, btoa(text)]];
})).then((all) => done(Object.fromEntries(all)), (error) => done(String(error)));
"""


def test_pictures_are_read_as_a_browser_shows_them(chrome):
    pictures = for_browsers()
    chrome.get("about:blank")
    shown = chrome.execute_async_script(
        _SHOWN, {name: base64.b64encode(content).decode() for name, content in pictures.items()}
    )
    assert isinstance(shown, dict), shown
    wrong = {}
    for name, (width, height, content) in shown.items():
        seen = np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width, 4)[..., 2::-1]
        ours = images.decode(pictures[name], name)
        assert images.header(pictures[name])[1:] == ours.shape[1::-1], name
        if ours.shape != seen.shape:
            wrong[name] = ours.shape, seen.shape
            continue
        off = np.abs(ours.astype(int) - seen)
        if off.max() > 8 or off.mean() > 1:
            wrong[name] = int(off.max()), round(float(off.mean()), 2)
    assert not wrong, "\n".join(map(str, wrong.items()))
