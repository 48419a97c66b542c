import pytest

from ocrbook import strict_json


def test_what_is_json_is_read():
    assert strict_json.parse('[{"a": -1.5e3, "b": ["\\ud83d\\ude00", null, true]}]') == [
        {"a": -1500.0, "b": ["😀", None, True]}
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 1}}', "'c' comes twice"),
        ('{"a\\n": 1, "a\\n": 2}', r"'a\\n' comes twice"),
        ("[NaN]", "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[" + "1" * 5000 + "]", "digits"),
        ("[1] 2", "Extra data"),
        ("", "Expecting value"),
    ],
)
def test_what_programs_read_differently_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        strict_json.parse(text)
    assert "\n" not in str(caught.value)
