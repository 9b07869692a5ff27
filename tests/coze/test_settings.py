"""How to reach an agent: what is accepted, and the sentence for what is not."""

from typing import Any

import pytest
from pydantic import ValidationError

from bridge.coze.settings import CozeConnection, OAuthApp

GOOD: dict[str, Any] = {"token": "pat_x"}
OAUTH: dict[str, Any] = {"client_id": "a", "key_id": "b", "private_key": "c"}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.coze.cn",
        "https://api.coze.com",
        "http://localhost:8888",
        "http://127.0.0.1:1",
        "https://coze.example:8443/behind/a/proxy",
    ],
)
def test_any_address(url: str) -> None:
    """Every region, Studio, emulators and reverse proxies."""
    assert CozeConnection(base_url=url, **GOOD).base_url == url


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"base_url": "https://api.coze.cn/"}, "write https://api.coze.cn"),
    ({"base_url": "https://api.coze.cn/open_api/v2"}, "write https://api.coze.cn"),
    ({"base_url": "https://api.coze.cn/v3/chat"}, "adds paths itself"),
    ({"base_url": "api.coze.cn"}, "such as https://api.coze.cn"),
    ({"base_url": "ftp://api.coze.cn"}, "such as https://api.coze.cn"),
    ({"base_url": "https://user:pw@api.coze.cn"}, "no password"),
    ({"base_url": "https://api.coze.cn?x=1"}, "no password, query"),
    ({"token": None}, "COZE_API_TOKEN"),
    ({"token": ""}, "COZE_API_TOKEN"),
    ({"token": "Bearer pat_x"}, "bare token"),
    ({"token": "pat_ключ"}, "bare token"),
    ({"oauth": OAUTH}, "two credentials"),
    ({"oauth": OAUTH, "token": None, "profile": "studio"}, "personal tokens only"),
    ({"mode": "poll", "auto_save_history": False}, "nothing to fetch the answer"),
    ({"profile": "studio", "auto_save_history": False}, "always saves"),
    ({"idle_timeout_s": 700}, "must grow"),
    ({"connect_timeout_s": 0}, "greater than 0"),
    ({"chats_per_s": 0}, "greater than 0"),
    ({"proxy": "proxy:3128"}, "such as http://proxy.example:3128"),
    ({"mode": "strem"}, "'stream' or 'poll'"),
    ({"bot": "1"}, "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("change", "sentence"), MISTAKES)
def test_mistakes_say_what_to_write(change: dict[str, Any], sentence: str) -> None:
    """Every mistake is refused with words that help, and without the token."""
    with pytest.raises(ValidationError) as caught:
        CozeConnection(**(GOOD | change))
    assert sentence in str(caught.value)


def test_a_token_is_not_shown() -> None:
    """Settings can be printed; blanks around a pasted token do not matter."""
    settings = CozeConnection(token=" pat_secret\n")
    assert "secret" not in repr(settings)
    assert settings.token is not None
    assert settings.token.get_secret_value() == "pat_secret"


@pytest.mark.parametrize("keys", [{}, {"private_key": "a", "private_key_file": "b"}])
def test_one_private_key(keys: dict[str, str]) -> None:
    """An OAuth application has one key."""
    with pytest.raises(ValidationError, match="either private_key or private_key_file"):
        OAuthApp(client_id="a", key_id="b", **keys)


def test_settings_do_not_change() -> None:
    """They are fixed once read."""
    with pytest.raises(ValidationError):
        CozeConnection(**GOOD).mode = "poll"  # type: ignore[misc]  # what the test is about


def test_every_key_is_described() -> None:
    """The example configuration explains every key from its description."""
    for model in (CozeConnection, OAuthApp):
        assert all(field.description for field in model.model_fields.values())
