import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hang_guard import must_end

from builder.method.corpus.rules.pii import EMAIL, IPV4, IPV6, mask


@pytest.mark.parametrize(
    ("text", "masked", "emails", "ips"),
    [
        ("Write to jane.doe+x@mail.corp.co.uk.", f"Write to {EMAIL}.", 1, 0),
        ("(a@b.de) or MAILTO:x_y@z.org", f"({EMAIL}) or MAILTO:{EMAIL}", 2, 0),
        ("from 203.0.113.77 via 93.184.216.34:8080", f"from 203.0.113.77 via {IPV4}:8080", 0, 1),
        ("http://93.184.216.34/x and 93.184.216.34.", f"http://{IPV4}/x and {IPV4}.", 0, 2),
        ("at 2606:2800:220:1:248:1893:25c8:1946", f"at {IPV6}", 0, 1),
    ],
)
def test_addresses_become_fixed_stand_ins(text: str, masked: str, emails: int, ips: int) -> None:
    assert mask(text) == (masked, emails, ips)
    assert mask(masked) == (masked, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "git clone git@github.com:owner/name.git",
        "see Section 9.7.3.2 and version 24.2.2.4",
        "10.200.100.101, 192.168.100.200 and 127.100.100.100 are private",
        "OID 1.3.6.1.4.1.311.100.200",
        "999.999.999.999",
        "at 12:30:45, std::vector, Dead::Beef, 2001:db8::1",
        "medium.com/@some.name wrote; pkg@1.2.3; user@localhost",
        f"{EMAIL} and someone@example.org",
    ],
)
def test_what_only_looks_like_an_address_stays(text: str) -> None:
    assert mask(text) == (text, 0, 0)


_pieces = st.sampled_from(["a", "@", ".", "com", "8", "93.184.216.34", "x@y.org", ":", "2606:2800::1", " ", "-", "git"])


@given(st.lists(_pieces, max_size=20).map("".join))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    masked = mask(text)
    assert mask(masked.text) == (masked.text, 0, 0)
    assert (masked.emails + masked.ips == 0) == (masked.text == text)


def test_a_hostile_text_takes_no_quadratic_time() -> None:
    with must_end():
        mask("a-" * 500_000 + "@" + "1.1." * 200_000 + "2001:" * 100_000)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("请写信到lin.mei@ferry-school.cn或者打电话", "请写信到{}或者打电话"),
        ("也可以写给王老师wang@ferry-school.cn。谢谢", "也可以写给王老师{}。谢谢"),
        ("メールはinfo＠minato.co.jpまで", "メールは{}まで"),
        ("お問い合わせ：ｉｎｆｏ＠ｍｉｎａｔｏ．ｃｏ．ｊｐへ", "お問い合わせ：{}へ"),
        ("메일은kim.min@hanggu.kr로 보내 주세요", "메일은{}로 보내 주세요"),
        ("ติดต่อที่somchai@tharuea.or.thได้ทุกวัน", "ติดต่อที่{}ได้ทุกวัน"),
        ("اكتب إلىali@mina.aeوشكرا", "اكتب إلى{}وشكرا"),
        ("כתבו אל-dana@namal.il היום", "כתבו אל-{} היום"),
        ("راسلنا على ال-ali@mina.ae اليوم", "راسلنا على ال-{} اليوم"),
        ("כִּתְבוּ אֶלdana@namal.ilבְּבַקָּשָׁה", "כִּתְבוּ אֶל{}בְּבַקָּשָׁה"),
        ("ဆက်သွယ်ရန်mya@seikkan.com.mmသို့", "ဆက်သွယ်ရန်{}သို့"),
        ("ईमेलram@ghat.inपर लिखें", "ईमेल{}पर लिखें"),
        ("Пишите наivan@port.ruили звоните", "Пишите на{}или звоните"),
        ("Γράψτε στοnikos@limani.grκαι", "Γράψτε στο{}και"),
        ("Yazın: ışık.öz@liman.com.tr'ye", "Yazın: {}'ye"),
        ("Schreib an jürgen.groß@hafen.de oder ju\u0308rgen@hafen.de", "Schreib an {} oder {}"),
    ],
)
def test_an_address_right_beside_letters_of_another_script_is_masked_alone(text: str, masked: str) -> None:
    wanted = masked.replace("{}", EMAIL)
    assert mask(text) == (wanted, masked.count("{}"), 0)
    assert mask(wanted) == (wanted, 0, 0)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Пишите на иван@почта.рф сегодня", f"Пишите на {EMAIL} сегодня"),
        ("μιλήστε στο κώστας@λιμάνι.ελ τώρα", f"μιλήστε στο {EMAIL} τώρα"),
        ("info@müller.de", EMAIL),
        ("राम@डाक.भारत पर", f"{EMAIL} पर"),
        ("写信到lin@例子.中国或者", f"写信到{EMAIL}或者"),
        ("请写信到用户@例子.广告谢谢", f"请写信到用户{EMAIL}谢谢"),
        ("张三123@qq.com您好", f"张三{EMAIL}您好"),
        ("发到lin@ferry.cn。请看www.x.com", f"发到{EMAIL}。请看www.x.com"),
    ],
)
def test_addresses_in_other_scripts_take_no_words_with_them(text: str, masked: str) -> None:
    assert mask(text) == (masked, 1, 0)
    assert mask(masked) == (masked, 0, 0)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("服务器地址是91.198.174.192，请勿外传", f"服务器地址是{IPV4}，请勿外传"),
        ("サーバーは91.198.174.192です", f"サーバーは{IPV4}です"),
        ("서버는91.198.174.192입니다", f"서버는{IPV4}입니다"),
        ("ที่อยู่91.198.174.192ครับ", f"ที่อยู่{IPV4}ครับ"),
        ("العنوان91.198.174.192هو", f"العنوان{IPV4}هو"),
        ("地址2606:2800:220:1:248:1893:25c8:1946的机器", f"地址{IPV6}的机器"),
    ],
)
def test_the_address_of_a_machine_is_masked_beside_any_letter(text: str, masked: str) -> None:
    assert mask(text) == (masked, 0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "版本9.7.3.2和24.2.2.4",
        "关注我们@example.com网站",
        "在user@localhost好",
        "v91.198.174.192",
        "比例是3：4@下午",
        "名字@某地",
    ],
)
def test_what_only_looks_like_an_address_stays_in_other_scripts(text: str) -> None:
    assert mask(text) == (text, 0, 0)


_mixed = st.sampled_from(
    [
        "是",
        "は",
        "ก็",
        "ا",
        "ш",
        "ि",
        "a",
        "ü",
        "@",
        "＠",
        ".",
        "。",
        "com",
        "中国",
        "рф",
        "91.198.174.192",
        "1",
        "_",
        "-",
        " ",
    ]
)


@given(st.lists(_mixed, max_size=16).map("".join))
def test_masking_twice_changes_nothing_more_in_any_script(text: str) -> None:
    masked = mask(text)
    assert mask(masked.text) == (masked.text, 0, 0)


@pytest.mark.parametrize(
    "piece", ["ईमेलराम", "岩@", "a@1.1.1.1.1.1.1.1.1! ", "राम.राम@राम.राम.राम! ", "写a-@例子.", "1.1.是2001:"]
)
def test_hostile_texts_of_any_script_take_no_quadratic_time(piece: str) -> None:
    with must_end():
        mask(piece * 20_000 + "@")
