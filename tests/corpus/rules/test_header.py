import pytest
from support.corpus_pages import settings
from support.languages import LANGUAGES, Language, composed, decomposed

from builder.method.corpus.rules.header import capitals, header_fault, normalise_header


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
def test_headers_of_every_language_pass_in_every_form(spoken: Language, tmp_path) -> None:
    config = settings(tmp_path)
    for header in (*spoken.names, spoken.question):
        assert header_fault(header, config) is None
        assert header_fault(decomposed(header), config) is None
        assert capitals(decomposed(header)) == capitals(composed(header))
        assert normalise_header(decomposed(header)) == normalise_header(composed(header).upper())


@pytest.mark.parametrize(
    "header",
    [
        "ПОЧЕМУ ЗИМОЙ ХОЛОДНО",
        "ΓΙΑΤΊ ΤΟΝ ΧΕΙΜΏΝΑ",
        "İSTANBUL'DA IŞIK NEREDE",
        "ÜBER DIE GRÖSSE DER BÄUME",
        "OÙ VA L’ÉTÉ",
    ],
)
def test_shouting_is_found_in_scripts_with_capitals(header: str, tmp_path) -> None:
    assert header_fault(header, settings(tmp_path)) == "header_capitals"
    assert header_fault(decomposed(header), settings(tmp_path)) == "header_capitals"


def test_an_acronym_is_one_however_it_is_composed() -> None:
    assert capitals("ÉTÉ") == capitals(decomposed("ÉTÉ")) == 0
    assert capitals("ΔΕΗ") == capitals("ООН") == capitals("İTÜ") == 0


@pytest.mark.parametrize(
    ("listed", "written"),
    [
        ("相关文章", "相关文章（12）"),
        ("関連記事", "関連記事："),
        ("관련 글", decomposed("관련 글")),
        ("İlgili yazılar", "ILGILI YAZILAR (3)"),
        ("Σχετικά άρθρα", "ΣΧΕΤΙΚΆ ΆΡΘΡΑ"),
        ("Похожие статьи", "ПОХОЖИЕ СТАТЬИ »"),
        ("Ähnliche Beiträge", decomposed("ähnliche BEITRÄGE")),
        ("مقالات ذات صلة", "مقـالات ذات صلة"),
        ("संबंधित लेख", "संबंधित लेख (१२)"),
        ("บทความที่เกี่ยวข้อง", decomposed("บทความที่เกี่ยวข้อง")),
        ("כתבות קשורות", "כתבות קשורות:"),
        ("Articles liés", "ARTICLES LIÉS"),
        ("ဆက်စပ်ဆောင်းပါးများ", "ဆက်စပ်ဆောင်းပါးများ။"),
    ],
)
def test_a_list_of_navigation_headers_is_compared_by_words_of_any_script(listed: str, written: str, tmp_path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{decomposed(listed)}\n", encoding="utf-8")
    config = settings(tmp_path, navigation_headers=path)
    assert header_fault(listed, config) == "header_navigation"
    assert header_fault(written, config) == "header_navigation"


@pytest.mark.parametrize(
    "header",
    [
        "首页", "相关文章（5）", "お問い合わせ", "関連記事：", "댓글 3", "관련 글", "ติดต่อเรา",
        "บทความที่เกี่ยวข้อง", "اتصل بنا", "مقالات ذات صلة", "צור קשר", "संपर्क करें", "ဆက်သွယ်ရန်",
        "КОНТАКТЫ", "ΕΠΙΚΟΙΝΩΝΙΑ", "İLETİŞİM", "Iletişim", "ÜBER UNS", "Mentions légales",
    ],
)  # fmt: skip
def test_furniture_is_known_in_every_language(header: str, tmp_path) -> None:
    assert header_fault(decomposed(header), settings(tmp_path)) == "header_navigation"


def test_a_header_is_too_long_by_what_it_says(tmp_path) -> None:
    assert header_fault("青石镇港口" * 12, settings(tmp_path)) == "header_too_long"
    assert header_fault("青石镇港口" * 12, settings(tmp_path, weigh_scripts=False)) is None
    assert header_fault("harbour " * 12, settings(tmp_path)) is None
