"""Units of text: words where spaces part them, characters where a script has none."""

from __future__ import annotations

import pytest

from zoo import writing_systems


@pytest.mark.parametrize(
    "text, expected",
    [
        ("I don't know, 3.5 times!", ["I", "don't", "know,", "3.5", "times!"]),
        ("¿Dónde está la estación?", ["¿Dónde", "está", "la", "estación?"]),
        ("안녕하세요 세계", ["안녕하세요", "세계"]),
        ("我爱北京。", ["我", "爱", "北", "京", "。"]),
        ("我有3只cats。", ["我", "有", "3", "只", "cats", "。"]),
        ("你好,世界!", ["你", "好", ",", "世", "界", "!"]),
        ("我 们", ["我", "们"]),
        ("2021年3月", ["2021", "年", "3", "月"]),
        ("ｉＰｈｏｎｅ１５を買う", ["ｉＰｈｏｎｅ１５", "を", "買", "う"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("ｶﾞﾑ", ["ｶﾞ", "ﾑ"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("กำลัง 10 คน", ["กำ", "ลั", "ง", "10", "ค", "น"]),
        ("ສະບາຍດີ", ["ສ", "ະ", "ບ", "າ", "ຍ", "ດີ"]),
        ("ខ្ញុំ", ["ខ្ញុំ"]),
        ("မြန်မာ ၁၂", ["မြ", "န်", "မာ", "၁၂"]),
        ("", []),
    ],
)
def test_units(text, expected):
    assert writing_systems.units(text) == expected
    assert "".join(expected) == "".join(text.split())


@pytest.mark.parametrize(
    "texts, expected",
    [
        (["我爱北京。", "请在 GitHub 上提交"], "zh"),
        (["ありがとう", "東京駅"], "ja"),
        (["สวัสดีครับ"], "th"),
        (["ສະບາຍດີ"], "lo"),
        (["ខ្ញុំស្រលាញ់"], "km"),
        (["မြန်မာစာ"], "my"),
        (["안녕하세요 세계"], "ko"),
        (["Hola", "¿Qué tal?"], ""),
        (["привет", "мир"], ""),
        (["The word 猫 is Chinese for cat."], ""),
        (["1, 2, 3."], ""),
        ([], ""),
    ],
)
def test_the_language_that_a_script_tells(texts, expected):
    assert writing_systems.language(texts) == expected
