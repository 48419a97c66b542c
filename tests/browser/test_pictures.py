"""What a viewer sees is what is read: pictures of every kind, shown by a browser and read by ocrbook.images."""

import base64

import numpy as np

from ocrbook import images
from ocrbook.annotate.images import encoded
from ocrbook.labels import Project
from tests.pictures import for_browsers, others, told_strangely

_SHOWN = """
const [pictures, done] = arguments;
Promise.all(Object.entries(pictures).map(async ([name, content]) => {
  const picture = new Image();
  picture.src = content;
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


def shown(chrome, pictures):
    """What a browser shows of files (content and MIME type by name), on white; uint8 (H, W, 3), BGR, by name."""
    chrome.get("about:blank")
    sent = {
        name: f"data:{mime};base64,{base64.b64encode(content).decode()}" for name, (content, mime) in pictures.items()
    }
    answer = chrome.execute_async_script(_SHOWN, sent)
    assert isinstance(answer, dict), answer
    return {
        name: np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., 2::-1]
        for name, (width, height, text) in answer.items()
    }


def differences(read, seen):
    """Those that differ by more than two decoders of JPEG or WebP do."""
    wrong = {}
    for name, image in read.items():
        if image.shape != seen[name].shape:
            wrong[name] = image.shape, seen[name].shape
            continue
        off = np.abs(image.astype(int) - seen[name])
        if off.max() > 8 or off.mean() > 1:
            wrong[name] = int(off.max()), round(float(off.mean()), 2)
    return wrong


def test_pictures_are_read_as_a_browser_shows_them(chrome):
    pictures = for_browsers() | told_strangely()
    mimes = {name: "image/" + name.split(".")[1].replace("jpg", "jpeg") for name in pictures}
    seen = shown(chrome, {name: (content, mimes[name]) for name, content in pictures.items()})
    assert differences({name: images.decode(content) for name, content in pictures.items()}, seen) == {}


def test_the_annotator_shows_what_is_read(chrome, tmp_path):
    for name, content in (for_browsers() | others()).items():
        (tmp_path / name).write_bytes(content)
    with Project.open(tmp_path, read_only=True) as project:
        assert len(project.images) > 60
        read = {name: project.read(name) for name in project.images}
        seen = shown(chrome, {name: encoded(project, name) for name in project.images})
    assert differences(read, seen) == {}
