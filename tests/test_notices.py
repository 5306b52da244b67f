from builder.notices import notice, read_notices


def test_a_notice_is_in_the_log_at_once_and_told_once(tmp_path, capsys):
    assert read_notices(tmp_path) == []
    for text in ("The scores are all alike.", "Something else.", "The scores are all alike."):
        notice(tmp_path, text)
    assert read_notices(tmp_path) == ["The scores are all alike.", "Something else."]
    assert capsys.readouterr().err == "warning: The scores are all alike.\nwarning: Something else.\n"
