"""Every encoding is told from the others, by a few words."""

# ruff: noqa: RUF001 # alphabets

import pytest

from core.text_decoding import decode_text, detect_text_encoding, is_text

TEXTS = {
    "Japanese": "このヒートポンプの価格は百二十万円です。保証期間は七年間です。設置工事には三日かかります。",
    "short Japanese": "東京都の人口は約千四百万人である。",
    "Russian": "Стоимость теплового насоса составляет двенадцать тысяч рублей. Гарантия семь лет.",
    "Russian capitals": "ДОГОВОР АРЕНДЫ 15\nСрок: 3 года",
    "Ukrainian": "Вартість теплового насоса становить дванадцять тисяч гривень. Є ґрунтові.",
    "Chinese": "这台热泵的价格是一万二千元，保修期为七年。安装需要三天。",
    "traditional Chinese": "這台熱泵的價格是一萬二千元，保固期為七年。安裝需要三天。",
    "Korean": "이 히트 펌프의 가격은 천이백만 원입니다. 보증 기간은 7년입니다.",
    "Turkish": "Isı pompasının fiyatı on iki bin liradır. Garanti süresi yedi yıldır. Değişiklik için.",
    "Turkish capitals": "ÇAĞRI MERKEZİ ŞİKAYET",
    "German": "Die Größe der Häuser war für alle neu.",
    "French": "La pompe à chaleur coûte douze mille euros. La garantie est de sept années, très « sûre »",
    "Spanish": "El precio de la bomba de calor es de doce mil euros. Garantía: siete años. ¿Qué más?",
    "Polish": "Pompa ciepła kosztuje dwanaście tysięcy złotych. Gwarancja obejmuje siedem lat, części też.",
    "Czech": "Tepelné čerpadlo stojí dvanáct tisíc korun. Záruka je sedm let. Příliš žluťoučký kůň.",
    "Hungarian": "A hőszivattyú ára tizenkét ezer forint. A garancia hét év. Tűrő őrző.",
    "Greek": "Η τιμή της αντλίας θερμότητας είναι δώδεκα χιλιάδες ευρώ. Εγγύηση επτά έτη.",
    "Hebrew": "מחיר משאבת החום הוא שנים עשר אלף שקלים. האחריות לשבע שנים.",
    "Arabic": "سعر المضخة الحرارية اثنا عشر ألف ريال. الضمان سبع سنوات.",
    "Lithuanian": "Šilumos siurblys kainuoja dvylika tūkstančių eurų. Garantija ilga, čia ąžuolas.",
    "Latvian": "Siltumsūknis maksā divpadsmit tūkstošus eiro. Garantija ir septiņi gadi.",
    "Icelandic": "Varmadælan kostar tólf þúsund evrur. Ábyrgðin gildir í sjö ár og það er gott.",
    "Danish": "Varmepumpen koster tolv tusinde kroner på øen. Garantien gælder i syv år.",
    "Portuguese": "A bomba de calor custa doze mil euros. A garantia é de sete anos, não há manutenção.",
    "Thai": "ปั๊มความร้อนราคาหนึ่งหมื่นสองพันบาท รับประกันเจ็ดปี",
    "Bulgarian": "Цената на термопомпата е дванадесет хиляди лева. Гаранцията е седем години.",
    "Romanian": "Pompa de căldură costă douăsprezece mii de lei. Garanţia este de şapte ani.",
    "a German table": "Stadt;Größe\nMünchen;12\nKöln;3\n",
    "one German word": "Müller",
    "signs": "Vorlauf 35 °C, 50 % – Preis 12 €",
    "Chinese with English": "使用Python语言编写的GraphQL服务器",
    "Japanese with English": "GraphQLサーバーはPythonで書かれている。",
    "Russian with figures": "Насос Borealis 9 стоит 14350 рублей",
    "one Japanese word": "すべて",
}

ENCODINGS = {
    "Japanese": (
        "cp932",
        "euc_jp",
        "iso2022_jp",
    ),
    "short Japanese": (
        "cp932",
        "euc_jp",
    ),
    "Japanese with English": (
        "cp932",
        "euc_jp",
    ),
    "one Japanese word": (
        "cp932",
        "euc_jp",
    ),
    "Russian": (
        "koi8_r",
        "cp1251",
        "iso8859_5",
        "cp866",
    ),
    "Russian capitals": (
        "koi8_r",
        "cp1251",
        "iso8859_5",
        "cp866",
    ),
    "Russian with figures": (
        "koi8_r",
        "cp1251",
    ),
    "Ukrainian": (
        "koi8_u",
        "cp1251",
    ),
    "Chinese": (
        "gb18030",
        "gb2312",
    ),
    "Chinese with English": ("gb18030",),
    "traditional Chinese": ("big5",),
    "Korean": ("cp949",),
    "Turkish": (
        "cp1254",
        "iso8859_9",
    ),
    "Turkish capitals": ("cp1254",),
    "German": ("cp1252",),
    "French": ("cp1252",),
    "Spanish": ("cp1252",),
    "Polish": (
        "cp1250",
        "iso8859_2",
    ),
    "Czech": (
        "cp1250",
        "iso8859_2",
    ),
    "Hungarian": ("cp1250",),
    "Greek": (
        "cp1253",
        "iso8859_7",
    ),
    "Hebrew": ("cp1255",),
    "Arabic": (
        "cp1256",
        "iso8859_6",
    ),
    "Lithuanian": ("cp1257",),
    "Latvian": ("cp1257",),
    "Icelandic": ("cp1252",),
    "Danish": ("cp1252",),
    "Portuguese": ("cp1252",),
    "Thai": ("cp874",),
    "Bulgarian": ("cp1251",),
    "Romanian": ("cp1250",),
    "a German table": ("cp1252",),
    "one German word": ("cp1252",),
    "signs": ("cp1252",),
}
CASES = [(name, encoding) for name, encodings in ENCODINGS.items() for encoding in encodings]


@pytest.mark.parametrize(("name", "encoding"), CASES)
def test_text_is_read_in_its_encoding(name: str, encoding: str) -> None:
    content = TEXTS[name].encode(encoding)

    assert decode_text(content).text == TEXTS[name]
    assert is_text(content)


@pytest.mark.parametrize(("name", "encoding"), [(n, e) for n, e in CASES if len(TEXTS[n]) > 20])
def test_a_beginning_that_cuts_a_character_is_text_in_the_same_encoding(name: str, encoding: str) -> None:
    content = TEXTS[name].encode(encoding) * 3
    cut = content[:-1]

    detected = detect_text_encoding(cut, complete=False)
    assert detected is not None
    assert content.decode(detected) == TEXTS[name] * 3


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"])
def test_wide_text_is_read_with_and_without_a_mark(encoding: str) -> None:
    text = "Some words in English."

    assert decode_text(text.encode(encoding)).text.lstrip("\ufeff") == text


def test_damaged_characters_are_counted() -> None:
    found = decode_text("Häuser und Größe, für alle schön. Ärger, Übel, Öl.".encode() * 3 + b"\xff")

    assert (found.encoding, found.damaged) == ("utf-8", 1)


def test_a_line_in_another_encoding_is_read_in_its_own() -> None:
    lines = [f"Строка {n}\n".encode() for n in range(20)]
    other = "Гарантия семь лет"

    found = decode_text(b"".join([*lines, other.encode("koi8-r")]))

    assert found.text.endswith(other)
    assert (found.encoding, found.foreign_lines, found.foreign_encoding) == ("utf-8", 1, "koi8_r")


def test_a_doubtful_encoding_has_an_alternative() -> None:
    clear = decode_text(TEXTS["Spanish"].encode("cp1252"))
    doubtful = decode_text("El año 2031.".encode("cp1252"))
    same = decode_text(TEXTS["German"].encode("cp1252"))

    assert [found.alternative for found in (clear, same)] == [None, None]
    assert (doubtful.text, doubtful.alternative) == ("El año 2031.", "iso8859_2")


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 30,
        b"words\x00words",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        bytes(range(128, 256)) * 4,
        b"\x01\x02\x03 text",
    ],
)
def test_other_bytes_are_no_text(content: bytes) -> None:
    assert not is_text(content)
