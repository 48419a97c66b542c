import pytest

from ocrbook import fonts


@pytest.mark.parametrize("name", [*fonts.CHINESE, *fonts.LATIN])
def test_every_font_is_there_and_draws_digits(name):
    assert fonts.font(name, 30).getmask("0123").getbbox()


@pytest.mark.parametrize("name", fonts.CHINESE)
def test_chinese_fonts_have_chinese(name):
    face = fonts.font(name, 30)
    assert bytes(face.getmask("电")) != bytes(face.getmask("表"))


def test_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(fonts, "find_spec", lambda package: None)
    with pytest.raises(FileNotFoundError, match="pip install mplfonts"):
        fonts.font_path("noto-sans-cjk")
