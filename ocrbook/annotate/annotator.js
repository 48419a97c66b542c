// The annotator. In a notebook it talks to ocrbook.annotate (Python) through the widget's messages; without a kernel
// the class Offline below answers the same messages, and the three files of PPOCRLabel are downloaded and imported.

const TEXTS = {
  en: {
    select: "Select and move (V)", rectangle: "Rectangle (W)", quad: "Four corners (Q)", polygon: "Polygon (N)",
    undo: "Undo (Ctrl+Z)", redo: "Redo (Ctrl+Y)", duplicate: "Duplicate (C)", straighten: "To rectangle (T)",
    sort: "Sort in reading order (S)", lock: "Lock: copy this box to the next images (L)", remove: "Delete (Del)",
    hard: "Difficult (X)", read: "Read this box again (R)", readAll: "Read all boxes again (Shift+R)",
    fit: "Fit (0)", zoomIn: "Zoom in (+)", zoomOut: "Zoom out (−)", previous: "Previous image (A)",
    next: "Next image, leave this one as it is (D)", accept: "Accept and go on (Ctrl+Enter)", flag: "Flag (F)",
    reopen: "Take back the acceptance", theme: "Light or dark", help: "Keys (?)", image: "Image", text: "Text",
    kind: "Class", download: "Download the three files", import: "Import the three files", why: "What is wrong with it?",
    new: "new", proposed: "proposed", confirmed: "confirmed", all: "All images are confirmed.", saved: "saved",
    waiting: "saving …", unread: "no model: give one to annotate(project, ocr)", none: "No images in this folder.",
    broken: "This image can't be shown.", imported: "rows imported", rejected: "rows could not be read:", selectFirst: "Select a box first.",
    keys: [
      ["W, Q, N", "draw a rectangle, four corners, a polygon (Enter or double-click closes it, Esc gives up)"],
      ["V, Esc", "back to selecting"], ["Arrows", "move the box by 1 pixel, with Shift by 10; after a click on a corner, the corner"],
      ["F2", "edit the text"], ["Tab, Shift+Tab, Enter", "next, previous, next text"], ["C, T, Del", "duplicate, make it a rectangle, delete"],
      ["X, K", "difficult, class"], ["S", "sort in reading order"], ["L", "lock: the box is copied to the next images"],
      ["R, Shift+R", "read this box, all boxes again"], ["Ctrl+Enter", "accept and go on"], ["A, D", "previous, next image"],
      ["F", "flag"], ["Ctrl+Z, Ctrl+Y", "undo, redo, texts too"], ["+, −, 0, wheel", "zoom in, out, fit"], ["Drag the background", "move the image"],
    ],
  },
  zh: {
    select: "选择与移动 (V)", rectangle: "矩形 (W)", quad: "四点框 (Q)", polygon: "多边形 (N)",
    undo: "撤销 (Ctrl+Z)", redo: "重做 (Ctrl+Y)", duplicate: "复制框 (C)", straighten: "转为矩形 (T)",
    sort: "按阅读顺序排序 (S)", lock: "锁定：把此框带到后面的图像 (L)", remove: "删除 (Del)",
    hard: "难以辨认 (X)", read: "重新识别此框 (R)", readAll: "重新识别全部 (Shift+R)",
    fit: "适合窗口 (0)", zoomIn: "放大 (+)", zoomOut: "缩小 (−)", previous: "上一张 (A)",
    next: "下一张，本张保持不变 (D)", accept: "确认并继续 (Ctrl+Enter)", flag: "标记问题 (F)",
    reopen: "撤回确认", theme: "浅色 / 深色", help: "快捷键 (?)", image: "图像", text: "文本",
    kind: "类别", download: "下载三个文件", import: "导入三个文件", why: "有什么问题？",
    new: "未标注", proposed: "待确认", confirmed: "已确认", all: "所有图像均已确认。", saved: "已保存",
    waiting: "正在保存 …", unread: "没有模型：请使用 annotate(project, ocr)", none: "此文件夹中没有图像。",
    broken: "无法显示此图像。", imported: "行已导入", rejected: "行无法读取：", selectFirst: "请先选择一个框。",
    keys: [
      ["W、Q、N", "画矩形、四点框、多边形（回车或双击闭合，Esc 放弃）"],
      ["V、Esc", "回到选择"], ["方向键", "框移动 1 像素，按住 Shift 移动 10 像素；点过角点后移动的是角点"],
      ["F2", "编辑文本"], ["Tab、Shift+Tab、回车", "下一个、上一个、下一个文本"], ["C、T、Del", "复制框、转为矩形、删除"],
      ["X、K", "难以辨认、类别"], ["S", "按阅读顺序排序"], ["L", "锁定：把此框带到后面的图像"],
      ["R、Shift+R", "重新识别此框、全部"], ["Ctrl+Enter", "确认并继续"], ["A、D", "上一张、下一张"],
      ["F", "标记问题"], ["Ctrl+Z、Ctrl+Y", "撤销、重做，文本也可以"], ["+、−、0、滚轮", "放大、缩小、适合窗口"], ["拖动背景", "移动图像"],
    ],
  },
};

const SVG = "http://www.w3.org/2000/svg";

// Paths of the buttons' icons, on a grid of 16.
const ICONS = {
  select: "M4 2l8 7-4 .5 2 4-2 .9-1.9-4L4 13z", rectangle: "M2 4h12v8H2z", quad: "M3 3l11 2-2 8-9-1z",
  polygon: "M8 2l6 4-2 7H4L2 6z", undo: "M6 3L2 7l4 4M2 7h8a4 4 0 010 7H7", redo: "M10 3l4 4-4 4M14 7H6a4 4 0 000 7h3",
  duplicate: "M2 2h9v9H2zM5 5h9v9H5z", straighten: "M3 5l9-2 1 8-9 2zM2 15h12", sort: "M2 3h12M2 8h8M2 13h5",
  lock: "M4 7h8v7H4zM5.5 7V5a2.5 2.5 0 015 0v2", remove: "M3 3l10 10M13 3L3 13", hard: "M8 2v8M8 13v1",
  read: "M2 8s2.5-4 6-4 6 4 6 4-2.5 4-6 4-6-4-6-4zM8 7v2", readAll: "M1 6s2.5-4 7-4 7 4 7 4M1 10s2.5 4 7 4 7-4 7-4M4 8h8",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", zoomIn: "M8 3v10M3 8h10", zoomOut: "M3 8h10",
  previous: "M10 3L5 8l5 5", next: "M6 3l5 5-5 5", accept: "M2 8l4 4 8-9", flag: "M4 14V2h8l-2 3 2 3H4",
  reopen: "M3 8a5 5 0 105-5H4M6 1L4 3l2 2", theme: "M8 2a6 6 0 100 12zM8 2a6 6 0 010 12", help: "M6 6a2 2 0 113 2l-1 1v1M8 13v.5",
  download: "M8 2v8M4 7l4 4 4-4M2 14h12", import: "M8 11V3M4 6l4-4 4 4M2 14h12",
};

// ---- geometry and order, the same as in ocrbook/annotate/edits.py

/** The upright rectangle around points, clockwise from the top left. */
export function toRectangle(points) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

/** Indices in reading order: rows of boxes whose middles lie within half the height of the row's first, left to right. */
export function readingOrder(boxes) {
  const known = boxes.map((points, index) => {
    const [[left, top], , [, bottom]] = toRectangle(points);
    return { index, left, middle: (top + bottom) / 2, height: bottom - top };
  });
  known.sort((a, b) => a.middle - b.middle || a.left - b.left || a.index - b.index);
  const rows = [];
  for (const box of known) {
    const row = rows.at(-1);
    if (row && box.middle - row[0].middle < Math.max(row[0].height, box.height) / 2) row.push(box);
    else rows.push([box]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.left - b.left || a.index - b.index).map((box) => box.index));
}

// ---- the files of PPOCRLabel, the same as in ocrbook/labels/ppocrlabel.py

const escapeLiterals = (text) =>
  text.replace(/true|false|null/g, (found) => `${found[0]}\\u${found.charCodeAt(1).toString(16).padStart(4, "0")}${found.slice(2)}`);

// As Python's json.dumps with ensure_ascii=False: the same escapes, and a space after commas and colons.
const quote = (text) => JSON.stringify(text);

/** A row of Label.txt or Cache.cach; PPOCRLabel replaces true, false and null in texts, so they are escaped. */
export function joinRow(key, labels) {
  const entries = labels.map((label) => {
    const points = label.points.map((point) => `[${point.map(roundHalfEven).join(", ")}]`).join(", ");
    const kind = label.key_cls == null ? "" : `, "key_cls": ${escapeLiterals(quote(label.key_cls))}`;
    const difficult = label.difficult ? "true" : "false";
    return `{"transcription": ${escapeLiterals(quote(label.text))}, "points": [${points}], "difficult": ${difficult}${kind}}`;
  });
  return `${key}\t[${entries.join(", ")}]\n`;
}

const roundHalfEven = (value) => {
  const down = Math.floor(value), rest = value - down;
  return (rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down) + 0;
};

/** File name and labels of a row; throws an Error that says what is wrong. Nothing is evaluated as code. */
export function splitRow(row) {
  const tab = row.indexOf("\t");
  if (tab < 0) throw new Error("no tab between the image and its labels");
  const name = row.slice(0, tab).split(/[\\/]/).at(-1);
  if (!name) throw new Error("no file name");
  const entries = JSON.parse(row.slice(tab + 1));
  if (!Array.isArray(entries)) throw new Error("the labels are not a list");
  const labels = entries.map((entry, index) => {
    const fail = (reason) => { throw new Error(`label ${index + 1}: ${reason}`); };
    if (typeof entry?.transcription !== "string") fail("no transcription");
    if (/\p{Surrogate}/u.test(entry.transcription + (entry.key_cls ?? ""))) fail("half of a character");
    if (!Array.isArray(entry.points) || entry.points.length < 3) fail("points must be a list of three corners or more");
    for (const point of entry.points)
      if (!Array.isArray(point) || point.length !== 2 || !point.every((value) => Number.isFinite(value) && Math.abs(value) < 1e9)) fail("a corner must be two numbers");
    if (!["undefined", "boolean"].includes(typeof entry.difficult)) fail("difficult must be true or false");
    if (!["undefined", "string"].includes(typeof entry.key_cls)) fail("key_cls must be a text");
    return { points: entry.points, text: entry.transcription, score: 1, difficult: entry.difficult ?? false, key_cls: entry.key_cls ?? null };
  });
  return { name, labels };
}

/** The text of a file, or null if it is not UTF-8. */
function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

// ---- the annotator

/** Make a field as high as its text, so that all of a long line is seen. */
function grow(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes))
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const flat = (points) => points.map((point) => point.join(",")).join(" ");

class Annotator {
  constructor(model, host) {
    this.model = model;
    this.texts = TEXTS[model.get("language")] ?? TEXTS.en;
    this.images = [];
    this.page = null; // {name, labels, state, flag, width, height}
    this.histories = new Map(); // name -> {undo, redo}, lists of labels as JSON
    this.selected = -1;
    this.corner = -1;
    this.tool = "select";
    this.drawn = [];
    this.locked = [];
    this.scale = 1;
    this.offset = [0, 0];
    this.notice = null; // said together with the next page
    this.pending = 0;
    this.nextId = 1;
    this.view = Math.random(); // one widget may be shown several times; answers go to the view that asked
    this.build(host);
    this.receive = (message, buffers) => this.onMessage(message, buffers);
    model.on("msg:custom", this.receive);
    this.send({ do: "start" });
  }

  dispose() {
    this.flush();
    this.model.off("msg:custom", this.receive);
    this.observer.disconnect();
    if (this.address) URL.revokeObjectURL(this.address);
  }

  send(message) {
    this.model.send({ ...message, view: this.view });
  }

  // -- what is on the screen

  build(host) {
    const button = (name, action) => {
      const made = element("button", { type: "button", title: this.texts[name], "aria-label": this.texts[name], "data-do": name, onclick: () => { this.root.focus({ preventScroll: true }); action(); } });
      const icon = shape("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
      icon.append(shape("path", { d: ICONS[name] }));
      made.append(icon);
      return made;
    };
    this.tools = Object.fromEntries(["select", "rectangle", "quad", "polygon"].map((name) => [name, button(name, () => this.choose(name))]));
    this.picker = element("select", { "aria-label": this.texts.image, onchange: () => this.open(this.picker.value) });
    this.acceptButton = button("accept", () => this.accept());
    this.reopenButton = button("reopen", () => this.reopen());
    const group = (...buttons) => element("span", { class: "oa-group" }, ...buttons);
    const offline = this.model.offline
      ? [group(button("download", () => this.model.download()), button("import", () => this.upload.click()))]
      : [];
    this.upload = element("input", { type: "file", multiple: true, hidden: true, onchange: () => this.importFiles() });
    this.bar = element("div", { class: "oa-bar", role: "toolbar" },
      group(button("previous", () => this.step(-1)), this.picker, button("next", () => this.step(1))),
      group(this.acceptButton, this.reopenButton, button("flag", () => this.flag())),
      group(...Object.values(this.tools)),
      group(button("undo", () => this.undo()), button("redo", () => this.redo())),
      group(button("duplicate", () => this.duplicate()), button("straighten", () => this.straighten()), button("remove", () => this.remove()), button("hard", () => this.toggleHard()), button("lock", () => this.toggleLock()), button("sort", () => this.sort())),
      group(button("read", () => this.read(false)), button("readAll", () => this.read(true))),
      group(button("zoomOut", () => this.zoom(1 / 1.25)), button("zoomIn", () => this.zoom(1.25)), button("fit", () => this.fit())),
      ...offline,
      group(button("theme", () => this.toggleTheme()), button("help", () => this.toggleHelp())),
      this.upload);
    this.picture = element("img", { alt: "", draggable: "false" });
    this.boxes = shape("svg", {});
    this.world = element("div", { class: "oa-world" }, this.picture, this.boxes);
    this.stage = element("div", { class: "oa-stage" }, this.world);
    this.list = element("ol", { class: "oa-list" });
    this.status = element("div", { class: "oa-status", role: "status" });
    this.why = element("input", { type: "text", placeholder: this.texts.why, "aria-label": this.texts.why, class: "oa-why", hidden: true });
    const rows = this.texts.keys.map(([key, what]) => element("tr", {}, element("th", {}, key), element("td", {}, what)));
    this.help = element("table", { class: "oa-help", hidden: true }, ...rows);
    this.root = element("div", { class: "ocr-annotator", tabindex: "0" }, this.bar, element("div", { class: "oa-main" }, this.stage, this.list, this.help), this.why, this.status);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.stage.addEventListener("pointerdown", (event) => this.onDown(event));
    this.stage.addEventListener("pointermove", (event) => this.onMove(event));
    this.stage.addEventListener("pointerup", (event) => this.onUp(event));
    this.stage.addEventListener("dblclick", (event) => { event.preventDefault(); this.closePolygon(); });
    this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.picture.addEventListener("load", () => this.onPicture());
    this.picture.addEventListener("error", () => this.say(this.page.problem || this.texts.broken)); // it can be flagged and left
    host.append(this.root);
    this.observer = new ResizeObserver(() => {
      this.growAll();
      if (this.page && this.untouched) this.fit();
    });
    this.observer.observe(this.stage);
    this.choose("select");
  }

  say(text) {
    this.status.textContent = text;
  }

  onMessage(message, buffers) {
    const mine = message.view === this.view;
    if (!mine && message.show !== "image") return;
    if (message.show === "project") {
      this.images = message.images;
      this.classes = message.classes;
      this.canRead = message.can_read;
      for (const name of ["read", "readAll"]) this.bar.querySelector(`[data-do=${name}]`).disabled = !this.canRead;
      this.showPicker();
      if (message.problems.length) this.notice = message.problems.join("\n");
      if (!this.images.length) this.say(this.texts.none);
    } else if (message.show === "page") this.showPage(message, buffers);
    else if (message.show === "image") {
      const image = Object.assign(this.images.find((each) => each.name === message.image.name), message.image);
      this.describe(image);
      if (this.page?.name === image.name) Object.assign(this.page, { state: image.state, flag: image.flag });
      this.showState();
      if (!mine && message.labels && this.page?.name === image.name) this.adopt(message.labels);
      if (mine && message.pending === this.pending) this.say(this.texts.saved);
    } else if (message.show === "texts") this.takeTexts(message);
    else if (message.show === "error") this.say(message.message);
  }

  showPicker() {
    this.options = new Map(this.images.map((image) => [image.name, element("option", { value: image.name })]));
    this.images.forEach((image) => this.describe(image));
    this.picker.replaceChildren(...this.options.values());
    this.showState();
  }

  describe(image) {
    const certain = image.state === "proposed" ? ` · ${Math.round(image.confidence * 100)} %` : "";
    const sign = { confirmed: "✓", proposed: "…", new: "○" }[image.state];
    const option = this.options.get(image.name);
    option.textContent = `${sign} ${image.name}${certain}${image.flag ? " ⚑" : ""}`;
    option.title = image.flag;
  }

  showState() {
    if (!this.page) return;
    this.picker.value = this.page.name;
    this.root.dataset.state = this.page.state;
    this.root.dataset.image = this.page.name;
    this.reopenButton.disabled = this.page.state !== "confirmed";
  }

  showPage(message, buffers) {
    if (this.page) this.flush();
    if (this.address) URL.revokeObjectURL(this.address);
    const blob = new Blob([buffers[0]], { type: message.mime });
    this.address = URL.createObjectURL(blob);
    this.page = { ...message, labels: message.labels.map((label) => ({ ...label, id: this.nextId++ })) };
    this.selected = this.corner = -1;
    this.drawn = [];
    if (!this.histories.has(message.name)) this.histories.set(message.name, { undo: [], redo: [], now: this.snapshot() });
    else this.histories.get(message.name).now = this.snapshot();
    this.loading = true;
    this.shapes = [];
    this.boxes.replaceChildren();
    this.list.replaceChildren(); // nobody types into the rows of the image before
    this.root.dataset.ready = "no";
    this.picture.src = this.address;
    this.showState();
    this.say(this.notice ?? (message.flag ? `⚑ ${message.flag}` : this.texts[message.state]));
    this.notice = null;
  }

  onPicture() {
    this.loading = false;
    this.page.width = this.picture.naturalWidth;
    this.page.height = this.picture.naturalHeight;
    for (const [key, value] of Object.entries({ width: this.page.width, height: this.page.height })) this.boxes.setAttribute(key, value);
    this.fit();
    this.draw();
    const missing = this.locked.filter((box) => !this.page.labels.some((label) => flat(label.points) === flat(box.points)));
    if (missing.length && this.page.state !== "confirmed") {
      this.page.labels.push(...missing.map((box) => ({ ...structuredClone(box), id: this.nextId++ })));
      this.commit();
      this.draw();
    }
    this.root.dataset.ready = "yes";
  }

  draw() {
    this.shapes = this.page.labels.map((label, index) => shape("polygon", { "data-index": index }));
    this.boxes.replaceChildren(...this.shapes);
    this.page.labels.forEach((_, index) => this.drawShape(index));
    this.drawHandles();
    const rows = this.page.labels.map((label, index) => this.row(label, index));
    this.list.replaceChildren(...rows);
    this.growAll();
    this.showSelected();
  }

  drawShape(index) {
    const label = this.page.labels[index];
    this.shapes[index].setAttribute("points", flat(label.points));
    this.shapes[index].setAttribute("class", this.kindOf(label));
  }

  kindOf(label) {
    return `oa-box ${label.score < 0.5 ? "oa-poor" : label.score < 0.9 ? "oa-fair" : "oa-good"}${label.difficult ? " oa-hard" : ""}`;
  }

  row(label, index) {
    const input = element("textarea", { rows: 1, "aria-label": `${this.texts.text} ${index + 1}`, spellcheck: "false" });
    input.value = label.text;
    input.addEventListener("focus", () => this.select(index));
    input.addEventListener("input", () => {
      if (/[\r\n]/.test(input.value)) input.value = input.value.replace(/\s*[\r\n]+\s*/g, " "); // pasted; a label is one line
      grow(input);
      Object.assign(this.page.labels[index], { text: input.value, score: 1 });
      this.drawShape(index);
      row.querySelector(".oa-score").textContent = "";
      this.say(this.texts.waiting);
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.commit(), 500);
    });
    input.addEventListener("blur", () => this.flush());
    const score = label.score < 1 ? `${Math.round(label.score * 100)} %` : "";
    const parts = [input, element("span", { class: "oa-score" }, score)];
    if (this.classes.length) {
      const names = [...new Set(["None", ...this.classes, ...(label.key_cls ? [label.key_cls] : [])])];
      const kind = element("select", { "aria-label": `${this.texts.kind} ${index + 1}` }, ...names.map((name) => element("option", {}, name)));
      kind.value = label.key_cls ?? "None";
      kind.addEventListener("change", () => { this.page.labels[index].key_cls = kind.value; this.commit(); });
      parts.push(kind);
    }
    const row = element("li", { "data-index": index }, ...parts);
    row.addEventListener("pointerdown", () => this.select(index));
    return row;
  }

  growAll() {
    this.list.querySelectorAll("textarea").forEach(grow);
  }

  drawHandles() {
    this.boxes.querySelectorAll(".oa-handle, .oa-draft").forEach((each) => each.remove());
    const label = this.page.labels[this.selected];
    if (label)
      label.points.forEach(([x, y], corner) =>
        this.boxes.append(shape("circle", { class: `oa-handle${corner === this.corner ? " oa-chosen" : ""}`, cx: x, cy: y, r: 5 / this.scale, "data-corner": corner })));
    if (this.drawn.length) this.boxes.append(shape("polyline", { class: "oa-draft", points: flat(this.drawn) }));
  }

  select(index, corner = -1) {
    if (this.selected === index && this.corner === corner) return;
    this.selected = index;
    this.corner = corner;
    this.drawHandles();
    this.showSelected();
  }

  showSelected() {
    this.shapes.forEach((each, index) => each.classList.toggle("oa-selected", index === this.selected));
    [...this.list.children].forEach((row, index) => {
      row.classList.toggle("oa-selected", index === this.selected);
      row.classList.toggle("oa-hard", this.page.labels[index].difficult);
      row.classList.toggle("oa-locked", this.isLocked(this.page.labels[index]));
      if (index === this.selected) {
        const [top, bottom] = [row.offsetTop - this.list.offsetTop, row.offsetTop - this.list.offsetTop + row.offsetHeight];
        if (top < this.list.scrollTop) this.list.scrollTop = top;
        else if (bottom > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = bottom - this.list.clientHeight;
      }
    });
  }

  // -- changes

  snapshot() {
    return JSON.stringify(this.page.labels.map(({ id, ...label }) => label));
  }

  commit() {
    clearTimeout(this.typing);
    this.typing = null;
    const history = this.histories.get(this.page.name), now = this.snapshot();
    if (now === history.now) return;
    history.undo.push(history.now);
    history.redo = [];
    history.now = now;
    this.store();
  }

  store() {
    this.pending += 1;
    this.say(this.texts.waiting);
    this.send({ do: "change", name: this.page.name, labels: JSON.parse(this.snapshot()), pending: this.pending });
  }

  flush() {
    if (this.typing) this.commit();
  }

  undo() { this.travel("undo", "redo"); }
  redo() { this.travel("redo", "undo"); }

  travel(from, to) {
    if (!this.page) return;
    this.flush();
    const history = this.histories.get(this.page.name);
    if (!history[from].length) return;
    history[to].push(history.now);
    history.now = history[from].pop();
    this.replace(JSON.parse(history.now));
    this.store();
  }

  /** Labels that another view has changed: the last change holds, and can be undone here, too. */
  adopt(labels) {
    clearTimeout(this.typing);
    this.typing = null;
    const history = this.histories.get(this.page.name);
    this.replace(labels);
    history.undo.push(history.now);
    history.redo = [];
    history.now = this.snapshot();
  }

  replace(labels) {
    this.page.labels = labels.map((label) => ({ ...label, id: this.nextId++ }));
    this.selected = Math.min(this.selected, this.page.labels.length - 1);
    this.corner = -1;
    this.draw();
  }

  withSelected(action) {
    if (!this.page?.labels[this.selected]) return this.say(this.texts.selectFirst);
    action(this.page.labels[this.selected]);
    this.commit();
    this.draw();
  }

  add(points) {
    this.page.labels.push({ points, text: "", score: 1, difficult: false, key_cls: this.classes.length ? "None" : null, id: this.nextId++ });
    this.selected = this.page.labels.length - 1;
    this.corner = -1;
    this.commit();
    this.draw();
    if (this.canRead) this.read(false);
    this.edit();
  }

  edit() {
    const input = this.list.children[this.selected]?.querySelector("textarea");
    input?.focus({ preventScroll: true });
    input?.select();
  }

  duplicate() {
    this.withSelected((label) => {
      const step = Math.min(10, Math.max(0, this.page.width - Math.max(...label.points.map((p) => p[0]))));
      const copy = structuredClone(label);
      this.page.labels.splice(this.selected + 1, 0, { ...copy, points: copy.points.map(([x, y]) => [x + step, y]), id: this.nextId++ });
      this.selected += 1;
    });
  }

  straighten() { this.withSelected((label) => { label.points = toRectangle(label.points); }); }
  toggleHard() { this.withSelected((label) => { label.difficult = !label.difficult; }); }

  remove() {
    this.withSelected(() => {
      this.page.labels.splice(this.selected, 1);
      this.selected = Math.min(this.selected, this.page.labels.length - 1);
      this.corner = -1;
    });
  }

  isLocked(label) {
    return this.locked.some((box) => flat(box.points) === flat(label.points));
  }

  toggleLock() {
    this.withSelected((label) => {
      if (this.isLocked(label)) this.locked = this.locked.filter((box) => flat(box.points) !== flat(label.points));
      else this.locked.push(structuredClone({ ...label, text: "", score: 1 }));
    });
  }

  sort() {
    if (!this.page) return;
    const chosen = this.page.labels[this.selected];
    this.page.labels = readingOrder(this.page.labels.map((label) => label.points)).map((index) => this.page.labels[index]);
    this.selected = this.page.labels.indexOf(chosen);
    this.commit();
    this.draw();
  }

  nudge(dx, dy) {
    this.withSelected((label) => {
      const moved = this.corner >= 0 ? [label.points[this.corner]] : label.points;
      [dx, dy] = this.limit(moved, dx, dy);
      for (const point of moved) { point[0] += dx; point[1] += dy; }
    });
  }

  limit(points, dx, dy) {
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const within = (value, low, high) => Math.max(Math.min(low, 0), Math.min(Math.max(high, 0), value));
    return [within(dx, -Math.min(...xs), this.page.width - Math.max(...xs)), within(dy, -Math.min(...ys), this.page.height - Math.max(...ys))];
  }

  read(all) {
    if (!this.page) return;
    if (!this.canRead) return this.say(this.texts.unread);
    if (!all && !this.page.labels[this.selected]) return this.say(this.texts.selectFirst);
    const wanted = all ? this.page.labels : [this.page.labels[this.selected]];
    this.send({ do: "read", name: this.page.name, ids: wanted.map((label) => label.id), boxes: wanted.map((label) => label.points) });
  }

  takeTexts(message) {
    if (this.page?.name !== message.name) return;
    message.ids.forEach((id, number) => {
      const index = this.page.labels.findIndex((label) => label.id === id);
      if (index < 0) return;
      Object.assign(this.page.labels[index], { text: message.texts[number], score: message.scores[number] });
      const row = this.list.children[index];
      const input = row.querySelector("textarea");
      input.value = message.texts[number];
      grow(input);
      row.querySelector(".oa-score").textContent = `${Math.round(message.scores[number] * 100)} %`;
      this.drawShape(index);
    });
    this.showSelected();
    this.commit();
  }

  // -- from image to image

  open(name) {
    this.flush();
    this.send({ do: "open", name });
  }

  step(by) {
    if (!this.page) return;
    const index = this.images.findIndex((image) => image.name === this.page.name) + by;
    if (this.images[index]) this.open(this.images[index].name);
  }

  accept() {
    if (!this.page || this.loading) return;
    this.flush();
    this.send({ do: "confirm", name: this.page.name, labels: JSON.parse(this.snapshot()) });
    const start = this.images.findIndex((image) => image.name === this.page.name);
    const order = [...this.images.slice(start + 1), ...this.images.slice(0, start)];
    const next = order.find((image) => image.state !== "confirmed");
    if (next) this.open(next.name);
    else this.say(this.texts.all);
  }

  reopen() {
    this.flush();
    this.send({ do: "reopen", name: this.page.name });
  }

  flag() {
    if (!this.page) return;
    this.why.value = this.page.flag ?? "";
    this.why.hidden = false;
    this.why.focus({ preventScroll: true });
  }

  flagged(keep) {
    this.why.hidden = true;
    this.root.focus({ preventScroll: true });
    if (keep) this.send({ do: "flag", name: this.page.name, reason: this.why.value });
  }

  async importFiles() {
    const files = await Promise.all([...this.upload.files].map(async (file) => [file.name, textOf(await file.arrayBuffer())]));
    this.upload.value = "";
    const { count, problems } = this.model.take(Object.fromEntries(files));
    this.histories.clear();
    this.send({ do: "start" });
    const refused = problems.length ? `; ${problems.length} ${this.texts.rejected} ${problems.join("; ")}` : "";
    this.notice = `${count} ${this.texts.imported}${refused}`;
    this.root.focus({ preventScroll: true });
  }

  // -- view

  choose(tool) {
    this.tool = tool;
    this.drawn = [];
    for (const [name, button] of Object.entries(this.tools)) button.setAttribute("aria-pressed", name === tool);
    this.stage.dataset.tool = tool;
    if (this.page) this.drawHandles();
  }

  toggleTheme() {
    const dark = getComputedStyle(this.root).getPropertyValue("--oa-dark").trim() === "1";
    this.root.dataset.theme = dark ? "light" : "dark";
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
  }

  fit() {
    const { width, height } = this.page;
    this.scale = Math.min(this.stage.clientWidth / width, this.stage.clientHeight / height) || 1;
    this.offset = [(this.stage.clientWidth - width * this.scale) / 2, (this.stage.clientHeight - height * this.scale) / 2];
    this.untouched = true;
    this.place();
  }

  zoom(factor, center = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    if (!this.page) return;
    const scale = Math.max(0.02, Math.min(40, this.scale * factor)), change = scale / this.scale;
    this.offset = this.offset.map((value, axis) => center[axis] - (center[axis] - value) * change);
    this.scale = scale;
    this.untouched = false;
    this.place();
  }

  place() {
    this.world.style.transform = `translate(${this.offset[0]}px, ${this.offset[1]}px) scale(${this.scale})`;
    this.boxes.querySelectorAll(".oa-handle").forEach((each) => each.setAttribute("r", 5 / this.scale));
  }

  at(event) {
    const frame = this.stage.getBoundingClientRect();
    const point = [(event.clientX - frame.left - this.offset[0]) / this.scale, (event.clientY - frame.top - this.offset[1]) / this.scale];
    return [Math.max(0, Math.min(this.page.width, point[0])), Math.max(0, Math.min(this.page.height, point[1]))].map(Math.round); // the files know whole pixels
  }

  onWheel(event) {
    if (!this.page || !this.root.contains(document.activeElement)) return; // a page that is only read keeps scrolling
    event.preventDefault();
    const frame = this.stage.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 400), [event.clientX - frame.left, event.clientY - frame.top]);
  }

  onDown(event) {
    if (!this.page || this.loading || event.button !== 0) return;
    this.flush();
    this.root.focus({ preventScroll: true });
    event.preventDefault();
    const point = this.at(event);
    if (this.tool === "quad" || this.tool === "polygon") {
      this.drawn.push(point);
      if (this.tool === "quad" && this.drawn.length === 4) this.closePolygon();
      else this.drawHandles();
      return;
    }
    this.stage.setPointerCapture(event.pointerId);
    const target = event.target, corner = target.dataset?.corner, index = target.dataset?.index;
    if (this.tool === "rectangle") this.drag = { kind: "draw", from: point };
    else if (corner !== undefined) {
      this.select(this.selected, Number(corner));
      this.drag = { kind: "corner", from: point, points: structuredClone(this.page.labels[this.selected].points) };
    } else if (index !== undefined) {
      this.select(Number(index));
      this.drag = { kind: "box", from: point, points: structuredClone(this.page.labels[this.selected].points) };
    } else {
      this.select(-1);
      this.drag = { kind: "pan", from: [event.clientX, event.clientY], offset: [...this.offset] };
    }
  }

  onMove(event) {
    const drag = this.drag;
    if (!drag) return;
    if (drag.kind === "pan") {
      this.offset = [drag.offset[0] + event.clientX - drag.from[0], drag.offset[1] + event.clientY - drag.from[1]];
      this.untouched = false;
      return this.place();
    }
    const point = this.at(event);
    if (drag.kind === "draw") {
      const box = toRectangle([drag.from, point]);
      this.drawn = [...box, box[0]];
      return this.drawHandles();
    }
    const label = this.page.labels[this.selected];
    let dx = point[0] - drag.from[0], dy = point[1] - drag.from[1];
    if (drag.kind === "corner") label.points[this.corner] = drag.points[this.corner].map((value, axis) => value + [dx, dy][axis]);
    else {
      [dx, dy] = this.limit(drag.points, dx, dy);
      label.points = drag.points.map(([x, y]) => [x + dx, y + dy]);
    }
    this.shapes[this.selected].setAttribute("points", flat(label.points));
    this.drawHandles();
  }

  onUp() {
    const drag = this.drag;
    this.drag = null;
    if (!drag || drag.kind === "pan") return;
    if (drag.kind === "draw") {
      const box = this.drawn.slice(0, 4);
      this.drawn = [];
      if (box.length === 4 && box[1][0] - box[0][0] >= 2 && box[2][1] - box[1][1] >= 2) {
        this.choose("select");
        this.add(box);
      } else this.drawHandles();
    } else this.commit();
  }

  closePolygon() {
    const apart = this.drawn.filter((point, index) => index === 0 || flat([point]) !== flat([this.drawn[index - 1]]));
    if (this.tool === "polygon" || this.tool === "quad") {
      if (apart.length < (this.tool === "quad" ? 4 : 3)) return;
      this.choose("select");
      this.add(apart);
    }
  }

  onKey(event) {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    const control = event.ctrlKey || event.metaKey;
    if (!(control && event.key.toLowerCase() === "s")) event.stopPropagation(); // JupyterLab has shortcuts of its own
    const done = () => event.preventDefault();
    if (!this.page) return;
    if (control && event.key === "Enter") { done(); return this.accept(); }
    if (control && event.key.toLowerCase() === "z") { done(); return event.shiftKey ? this.redo() : this.undo(); }
    if (control && event.key.toLowerCase() === "y") { done(); return this.redo(); }
    if (control || event.altKey || event.isComposing) return;
    if (event.target.closest(".oa-list") && event.target.tagName === "TEXTAREA") {
      if (event.key === "Enter" || event.key === "Tab") {
        const next = this.selected + (event.shiftKey ? -1 : 1);
        if (next >= 0 && next < this.page.labels.length) { done(); this.select(next); this.edit(); }
        else if (event.key === "Enter") { done(); this.root.focus({ preventScroll: true }); }
      } else if (event.key === "Escape") { done(); this.root.focus({ preventScroll: true }); }
      return;
    }
    if (event.target === this.why && ["Enter", "Escape"].includes(event.key)) { done(); return this.flagged(event.key === "Enter"); }
    if (typing) return;
    const amount = event.shiftKey ? 10 : 1;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (arrows[event.key]) { done(); return this.nudge(...arrows[event.key].map((value) => value * amount)); }
    if (event.key === "Tab" && event.target === this.root && this.page.labels.length) {
      done();
      const count = this.page.labels.length;
      this.select(this.selected < 0 ? (event.shiftKey ? count - 1 : 0) : Math.max(0, Math.min(count - 1, this.selected + (event.shiftKey ? -1 : 1))));
      return this.edit();
    }
    const actions = {
      w: () => this.choose("rectangle"), q: () => this.choose("quad"), n: () => this.choose("polygon"), v: () => this.choose("select"),
      escape: () => this.choose("select"), enter: () => this.closePolygon(), f2: () => (this.selected < 0 ? this.say(this.texts.selectFirst) : this.edit()),
      c: () => this.duplicate(), t: () => this.straighten(), delete: () => this.remove(), backspace: () => this.remove(), x: () => this.toggleHard(),
      k: () => this.list.children[this.selected]?.querySelector("select")?.focus(), s: () => this.sort(), l: () => this.toggleLock(),
      r: () => this.read(event.shiftKey), a: () => this.step(-1), d: () => this.step(1), f: () => this.flag(),
      "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(1 / 1.25), 0: () => this.fit(), "?": () => this.toggleHelp(),
    };
    const action = actions[event.key.toLowerCase()];
    if (action && !(event.target.tagName === "BUTTON" && event.key === "Enter")) { done(); action(); }
  }
}

// ---- without a kernel

/** Answers the annotator's messages from memory. `project`: {folder, images: [{name, mime, data, state, labels, flag}]}. */
class Offline {
  constructor(project) {
    this.offline = true;
    this.project = project;
    this.listeners = [];
  }

  get(name) { return this.project[name]; }
  on(_, listener) { this.listeners.push(listener); }
  off(_, listener) { this.listeners = this.listeners.filter((each) => each !== listener); }

  tell(message, buffers) {
    setTimeout(() => this.listeners.forEach((listener) => listener(message, buffers)));
  }

  /** The image with this name, or else the only one that is equal but for its Unicode form, then for case. */
  find(name) {
    const composed = (each) => each?.normalize("NFC");
    for (const fold of [(each) => each, composed, (each) => composed(each)?.toLowerCase()]) {
      const found = this.project.images.filter((image) => fold(image.name) === fold(name));
      if (found.length === 1) return found[0];
    }
    return undefined;
  }

  row({ name, state, flag, labels }) {
    return { name, state, flag, confidence: Math.min(1, ...labels.map((label) => label.score)) };
  }

  send(message) {
    const image = this.find(message.name);
    if (message.do === "start") {
      const { images, classes } = this.project;
      this.tell({ show: "project", images: images.map((each) => this.row(each)), classes, can_read: false, problems: [], view: message.view });
      const first = images.find((each) => each.name === this.current) ?? images.find((each) => each.state !== "confirmed") ?? images[0];
      if (first) this.send({ do: "open", name: first.name, view: message.view });
      return;
    }
    if (message.do === "open") {
      this.current = image.name;
      const bytes = Uint8Array.from(atob(image.data), (character) => character.charCodeAt(0));
      return this.tell({ show: "page", name: image.name, labels: structuredClone(image.labels), state: image.state, flag: image.flag, mime: image.mime, view: message.view }, [bytes]);
    }
    if (message.do === "change") Object.assign(image, { labels: message.labels, state: image.state === "confirmed" ? "confirmed" : "proposed" });
    else if (message.do === "confirm") Object.assign(image, { labels: message.labels, state: "confirmed" });
    else if (message.do === "reopen") image.state = "proposed";
    else if (message.do === "flag") image.flag = message.reason;
    this.tell({ show: "image", image: this.row(image), pending: message.pending, labels: message.labels, view: message.view });
  }

  /** The three files of PPOCRLabel, as texts. */
  files() {
    const files = { "Label.txt": "", "Cache.cach": "", "fileState.txt": "" };
    for (const image of this.project.images) {
      const key = `${this.project.folder}/${image.name}`;
      if (image.state === "confirmed") files["fileState.txt"] += `${key}\t1\n`;
      if (image.labels.length || image.state === "proposed") files[image.state === "confirmed" ? "Label.txt" : "Cache.cach"] += joinRow(key, image.labels);
    }
    return files;
  }

  download() {
    for (const [name, content] of Object.entries(this.files())) {
      const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
      const link = element("a", { href: address, download: name });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    }
  }

  /** Take over the labels of files with the names of PPOCRLabel's; returns how many rows, and what was wrong with others. */
  take(files) {
    let count = 0;
    const problems = Object.keys(files).filter((name) => files[name] === null).map((name) => `${name}: not UTF-8`);
    const rows = (name) => (files[name] ?? "").replace(/^\ufeff/, "").split("\n").map((row) => row.replace(/\r$/, "")).filter((row) => row.trim());
    const imageOf = (row) => this.find(row.split("\t")[0].split(/[\\/]/).at(-1));
    const unsure = new Set(); // images with a row that can't be read
    let incomplete = files["Label.txt"] == null; // whether nobody knows what a tick without a row means
    for (const [file, state] of [["Cache.cach", "proposed"], ["Label.txt", "confirmed"]])
      rows(file).forEach((row, number) => {
        const image = row.includes("\t") ? imageOf(row) : undefined;
        try {
          const { name, labels } = splitRow(row);
          if (!image) throw new Error(`no image ${name} here`);
          Object.assign(image, { labels, state });
          count += 1;
        } catch (error) {
          problems.push(`${file}, row ${number + 1}: ${error.message}`);
          if (image) unsure.add(image);
          else if (!row.includes("\t")) incomplete ||= file === "Label.txt";
        }
      });
    for (const row of rows("fileState.txt")) {
      const image = imageOf(row);
      if (!image || image.state !== "new") continue;
      if (incomplete || unsure.has(image)) problems.push(`fileState.txt: ${image.name} is ticked, but no row of Label.txt says with what labels`);
      else image.state = "confirmed";
    }
    return { count, problems };
  }
}

export function start(model, el) {
  return new Annotator(model, el);
}

export { Offline };

export default {
  render({ model, el }) {
    const annotator = new Annotator(model, el);
    return () => annotator.dispose();
  },
};
