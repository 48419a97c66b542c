"""Training the networks again, and measuring them on photographs: what the commands say, and what they count."""

import csv
import json
import sys

import cv2
import numpy as np
import pytest

from ocrbook.meters import Reading
from tools import measure_real, weights
from tools.datasets import held_out_dial, held_out_photo, held_out_window


def test_an_unknown_network_is_named(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["weights", "drums"])
    with pytest.raises(SystemExit, match="no network called drums; there are drum, positions"):
        weights.main()


def test_measuring_needs_a_folder_with_labels(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["measure_real", str(tmp_path)])
    assert measure_real.main() == 2
    assert "labels.csv" in capsys.readouterr().err


def test_drums_are_counted_as_settled_rolling_and_ties():
    value = np.array([3.0, 2.9, 5.1, 3.5, 7.4, 0.0])
    scores = measure_real.drum_scores(np.array([3.05, 3.0, 5.0, 3.4, 8.0, 9.9]), value)
    assert (scores["count"], scores["count settled"]) == (6, 4)
    assert scores["settled"] == 1.0  # 9.9 shows most of the 0
    assert scores["rolling"] == 0.0 and scores["either"] == 0.5  # at 3.5 the 3 is as good as the 4
    assert scores["within"] == round(5 / 6, 4)


def test_a_folder_of_digits_is_measured(tmp_path):
    rows = []
    for kind in ("drum", "lcd"):
        for seed in range(6_000, 6_006):
            window = held_out_window(kind, seed)
            for number, (place, box) in enumerate(zip(window.positions, window.boxes, strict=True)):
                (left, top), (right, bottom) = box.min(axis=0).astype(int), box.max(axis=0).astype(int)
                crop = window.image[max(0, top) : bottom, max(0, left) : right]
                if min(crop.shape[:2]) < 10:
                    continue
                name = f"{kind}_{seed}_{number}.png"
                cv2.imwrite(str(tmp_path / name), crop)
                rows.append([name, kind, f"meter {seed % 2}", max(0, round(float(place), 1) % 10)])
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "kind", "meter", "value"], *rows])
    result = measure_real.measure(tmp_path)
    assert result["drum"]["all"]["count"] == sum(row[1] == "drum" for row in rows)
    assert set(result["drum"]) == {"all", "meter 0", "meter 1"}
    assert result["drum"]["all"]["within"] > 0.7 and result["lcd"]["as cut"]["right"] > 0.7


def test_windows_and_dials_and_photographs_are_counted_beside_stock(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(measure_real, "stock_digits", lambda image: "")
    monkeypatch.setattr(measure_real, "stock_number", lambda image: "")
    for name, header in (("windows", "path,kind,text"), ("dials", "path,camera,value"), ("photos", "path,kind,text")):
        folder = tmp_path / f"real-{name}"
        folder.mkdir()
        lines = [header]
        for seed in range(6_000, 6_003):
            made = {"windows": lambda s: held_out_window("drum", s), "dials": held_out_dial, "photos": held_out_photo}
            drawn = made[name](seed)
            cv2.imwrite(str(folder / f"{seed}.png"), drawn.image)
            if name == "dials":
                lines.append(f"{seed}.png,cellar,{drawn.value}")
            else:
                lines.append(f"{seed}.png,drum,{drawn.text if name == 'windows' else drawn.reading}")
        (folder / "labels.csv").write_text("\n".join(lines) + "\n", "utf-8")
        assert measure_real.main([str(folder), "--failures", str(tmp_path / "sheets")]) == 0
        groups = json.loads(capsys.readouterr().out)[name]
        for counts in groups.values():
            assert counts["n"] == 3
            assert counts["accepted"] >= counts["right and accepted"] + counts["wrong and accepted"]
            assert name == "dials" or counts["stock right"] == 0
        assert name != "dials" or set(groups) == {"all", "cellar"}
    told_wrong = tmp_path / "sheets" / "real-windows" / "drum-digits-told-3-wrong-0.png"
    assert cv2.imread(str(told_wrong)) is not None  # three digits fewer than there are
    assert measure_real.main([str(tmp_path)]) == 2


def test_right_and_accepted_are_counted():
    def answer(right, accepted, stock=True):
        reading = Reading("1", 1.0, 0.9, accepted)
        return measure_real.Answer(("all",), np.zeros((8, 8, 3), np.uint8), "a", "1", reading, right, not right, stock)

    pairs = [(True, True), (True, False), (False, True), (False, True), (False, False)]
    counted = measure_real.tally(answer(*pair) for pair in pairs)
    assert list(counted.values()) == [5, 2, 3, 1, 2, 5]


def test_the_stock_pipeline_gives_the_longest_number_of_a_photograph():
    photo = np.full((200, 420, 3), 235, np.uint8)
    for text, y in (("No 71", 60), ("40713 kWh", 140)):
        cv2.putText(photo, text, (40, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (30, 30, 30), 3, cv2.LINE_AA)
    assert measure_real.stock_number(photo) == "40713"
