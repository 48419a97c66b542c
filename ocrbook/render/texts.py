"""What the synthetic pages say: sentences and records of our own, with names, numbers and dates filled in."""

from __future__ import annotations

import numpy as np

_FILL = {
    "en": {
        "person": ["Mrs Alder", "Mr Novak", "Dr Ibanez", "Ms Okoye", "J. Lindqvist", "K. Tanaka", "P. Moreau"],
        "place": ["Mill Lane 14", "Harbour Road 7", "Station Square 2", "Kiln Street 31", "Old Market 9"],
        "thing": ["meter", "valve", "cable drum", "fuse box", "ladder", "filter", "pump", "spare key", "lamp"],
        "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
    },
    "zh": {
        "person": ["王建国", "李晓梅", "张伟", "陈静", "刘洋", "赵敏", "周涛"],
        "place": ["人民路十八号", "中山北路六号", "解放大街二号", "滨江花园三栋", "新华书店对面"],
        "thing": ["电能表", "阀门", "电缆", "配电箱", "梯子", "滤芯", "水泵", "备用钥匙", "照明灯"],
        "day": ["星期一", "星期二", "星期三", "星期四", "星期五"],
    },
}

_SENTENCES = {
    "en": [
        "The {thing} at {place} was checked on {day}.",
        "Please return the {thing} before {day} noon.",
        "{person} signed for one {thing}.",
        "Water was shut off from {hour} to {hour}.",
        "Reading taken by {person}, no damage seen.",
        "Next visit: {day}, between {hour} and {hour}.",
        "The old {thing} weighs {small} kilograms.",
        "Keep this sheet with your records.",
        "Call {phone} if the {thing} is noisy.",
        "{person} asked for a second look.",
        "All parts are listed on the back.",
        "The door code changes every {day}.",
        "Do not open the {thing} while it is warm.",
        "Two copies go to {place}.",
        "A quiet week: {small} calls, none urgent.",
        "The seal was found intact.",
    ],
    "zh": [
        "{day}检查了{place}的{thing}。",
        "请在{day}中午之前归还{thing}。",
        "{person}领取了一件{thing}。",
        "{hour}至{hour}停水检修。",
        "抄表人{person}，未发现损坏。",
        "下次上门时间：{day}下午。",
        "旧{thing}重{small}公斤。",
        "请妥善保存本单据。",
        "如{thing}有异响，请拨打{phone}。",
        "{person}要求再次核对。",
        "全部零件清单见背面。",
        "门禁密码每逢{day}更换。",
        "{thing}发热时切勿打开。",
        "一式两份送至{place}。",
        "本周共接到{small}个电话，均不紧急。",
        "封印完好无损。",
    ],
    "mixed": [
        "型号 {model} 额定电压 220V",
        "订单号 {code} 共 {small} 件",
        "Wi-Fi 密码: {code}",
        "{person}预约 {date} {hour}",
        "合计 Total ¥{money}",
        "温度 {small}.5℃ 湿度 {small}%",
        "电能表 No.{number}",
        "读数 {number} kWh",
        "邮箱 {mail}",
        "USB 接口 {small} 个 Type-C",
        "有效期至 {date} (EXP)",
        "净重 {small}kg / Net weight",
        "版本 v{small}.{small} 已更新",
        "收货地址 {place} A{small} 室",
        "电话 Tel: {phone}",
        "尺寸 {small}×{small}×{small} mm",
    ],
}

_FIELDS = {
    "en": [
        ("Name", "{person}"), ("Address", "{place}"), ("Date", "{date}"), ("Meter no.", "{number}"),
        ("Reading", "{number} kWh"), ("Phone", "{phone}"), ("Order", "{code}"), ("Amount", "{money} EUR"),
        ("Checked by", "{person}"), ("Time", "{hour}"),
    ],
    "zh": [
        ("姓名", "{person}"), ("地址", "{place}"), ("日期", "{date}"), ("表号", "{number}"),
        ("读数", "{number} 千瓦时"), ("电话", "{phone}"), ("订单", "{code}"), ("金额", "{money} 元"),
        ("核对人", "{person}"), ("时间", "{hour}"),
    ],
}  # fmt: skip

_TITLES = {
    "en": ["Service report", "Receipt", "Meter record", "Notice to residents", "Delivery note"],
    "zh": ["检修报告", "收款收据", "抄表记录", "住户通知", "送货单"],
    "mixed": ["设备标签 Label", "发货清单 Packing list", "仪表参数 Data sheet"],
}

LANGUAGES = tuple(_SENTENCES)
"""Languages that texts come in: "en", "zh", and "mixed", which has Chinese, Latin letters and digits in one line."""


def _fill(template: str, language: str, rng: np.random.Generator) -> str:
    words = _FILL["en" if language == "en" else "zh"]

    def digits(count: int) -> str:
        return "".join(str(digit) for digit in rng.integers(0, 10, count))

    makers = {name: (lambda choices=choices: str(rng.choice(choices))) for name, choices in words.items()} | {
        "hour": lambda: f"{rng.integers(7, 20):02d}:{rng.choice(['00', '15', '30', '45'])}",
        "small": lambda: str(rng.integers(2, 99)),
        "number": lambda: digits(6),
        "phone": lambda: f"{digits(3)}-{digits(4)}-{digits(4)}",
        "money": lambda: f"{rng.integers(3, 4000)}.{rng.integers(0, 100):02d}",
        "date": lambda: f"2026-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}",
        "code": lambda: "".join(rng.choice(list("ABCDEFGHJKLMNPRSTUVWXYZ23456789"), 8)),
        "model": lambda: f"{''.join(rng.choice(list('ADSTX'), 3))}{rng.integers(100, 999)}-{rng.choice(list('BCEK'))}",
        "mail": lambda: f"{''.join(rng.choice(list('abcdefghkmnop'), 5))}{rng.integers(10, 99)}@example.com",
    }
    for name, make in makers.items():
        while f"{{{name}}}" in template:
            template = template.replace(f"{{{name}}}", make(), 1)
    return template


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"no texts in {language!r}; there are {', '.join(LANGUAGES)}")


def sentences(language: str, count: int, rng: np.random.Generator) -> list[str]:
    """Several sentences; none is made from the same template twice until all have been used."""
    _check(language)
    templates: list[str] = []
    while len(templates) < count:
        templates += rng.permutation(_SENTENCES[language]).tolist()
    return [_fill(template, language, rng) for template in templates[:count]]


def fields(language: str, count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Several different (name, value) pairs of a form; at most ten, of "mixed" twenty: it draws from both."""
    _check(language)
    sources = ["en", "zh"] if language == "mixed" else [language]
    choices = [(source, *field) for source in sources for field in _FIELDS[source]]
    order = rng.permutation(len(choices))[:count]
    return [(choices[i][1], _fill(choices[i][2], choices[i][0], rng)) for i in order]


def title(language: str, rng: np.random.Generator) -> str:
    """A heading."""
    _check(language)
    return str(rng.choice(_TITLES[language]))
