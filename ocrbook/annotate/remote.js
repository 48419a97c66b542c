// The annotator's other side in the page of `ocrbook label`: messages go to ocrbook/annotate/local.py over HTTP.

const SAID = {
  en: {
    unread: "no model: start `ocrbook label` with --propose",
    lost: "ocrbook label does not answer. Your last change is not saved yet; keep this page open, it tries again …",
    refused: "Another tab has changed this image; here is what it has now. Undo (Ctrl+Z) brings back your version.",
  },
  zh: {
    unread: "没有模型：启动 `ocrbook label` 时请加上 --propose",
    lost: "ocrbook label 没有响应，最后的修改尚未保存。请不要关闭此页面，正在重试 …",
    refused: "另一个标签页修改了此图像，现在显示的是它的版本。撤销 (Ctrl+Z) 可恢复你的版本。",
  },
};

const languageOf = (names) => names.map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in SAID) ?? "en";

class Remote {
  constructor() {
    this.token = new URLSearchParams(location.search).get("token");
    this.language = languageOf(navigator.languages);
    this.listeners = [];
    this.waiting = []; // messages that are not answered, in their order
    this.seen = {}; // image -> number of the last change that its labels here contain
    addEventListener("beforeunload", (event) => {
      this.beforeLeaving();
      if (this.waiting.length) event.preventDefault();
    });
  }

  get(name) { return this[name]; }
  on(_, listener) { this.listeners.push(listener); }
  off(_, listener) { this.listeners = this.listeners.filter((each) => each !== listener); }
  tell(message, buffers = []) { this.listeners.forEach((listener) => listener(message, buffers)); }
  say(text) { this.tell({ show: "error", message: text, view: this.view }); }

  send(message) {
    this.view = message.view;
    this.waiting.push({ ...message, seen: this.seen[message.name] ?? 0 });
    if (this.waiting.length === 1) this.deliver();
  }

  async deliver() {
    while (this.waiting.length) {
      const [message] = this.waiting;
      const content = await this.ask("send", message);
      if (content) this.take(message, content);
      else this.waiting.shift();
    }
  }

  take(message, content) {
    const end = content.indexOf(10);
    const { number, refused, answers } = JSON.parse(new TextDecoder().decode(content.subarray(0, end)));
    if (refused) this.waiting = []; // what was done after it was done to labels that are not there any more
    else this.waiting.shift();
    let start = end + 1;
    for (const answer of answers) {
      const buffers = answer.bytes.map((length) => content.slice(start, (start += length)));
      if (answer.show === "page") this.seen[answer.name] = number;
      else if (answer.show === "image" && "labels" in message) this.seen[message.name] = number;
      this.tell(answer, buffers);
    }
    if (refused) this.say(SAID[this.language].refused);
    if (message.do === "start") this.listen(number);
  }

  async listen(after) {
    for (;;) {
      const { number, answers } = JSON.parse(new TextDecoder().decode(await this.ask("news", { after, view: this.view })));
      after = number;
      for (const answer of answers) {
        if (answer.labels) this.seen[answer.image.name] = number;
        this.tell(answer);
      }
    }
  }

  /** The answer's bytes; null where the message was refused. Asks again and again where nobody answers. */
  async ask(path, message) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
    for (;;) {
      try {
        const response = await fetch(`/${path}`, { method: "POST", headers, body: JSON.stringify(message) });
        if (response.ok) return new Uint8Array(await response.arrayBuffer());
        if (response.status !== 403) {
          this.say(await response.text());
          return null;
        }
      } catch { /* nobody is there */ }
      this.say(SAID[this.language].lost);
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

const remote = new Remote();
document.documentElement.lang = remote.language;
const annotator = start(remote, document.body);
annotator.texts = { ...annotator.texts, unread: SAID[remote.language].unread };
remote.beforeLeaving = () => annotator.flush();
