"""The configuration: what it may come from, and every mistake at once, each with key, value and fix."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from bridge.config import Config
from bridge.config.load import Purpose, load_config, load_section
from bridge.errors import ConfigError
from bridge.model import Scope

TOKEN = "pat_0123456789abcdefghijklmnop"
BOT_TOKEN = "xoxb-1111-2222-abcdefghijkl"
APP_TOKEN = "xapp-1-A111-222-abcdefghijkl"
SECRET = "a-secret-of-more-than-16-characters"

COMPLETE = f"""
[bridge]
identity_secret = "{SECRET}"
[agents.default]
bot_id = "73"
token = "{TOKEN}"
[adapters.slack]
bot_token = "{BOT_TOKEN}"
app_token = "{APP_TOKEN}"
"""

EVERYTHING = {
    "COZE_API_TOKEN": TOKEN,
    "COZE_BOT_ID": "73",
    "SLACK_BOT_TOKEN": BOT_TOKEN,
    "SLACK_APP_TOKEN": APP_TOKEN,
    "COZE_BRIDGE_IDENTITY_SECRET": SECRET,
}


def load(folder: Path, text: str, environ: dict[str, str] | None = None, purpose: Purpose = Purpose.RUN) -> Config:
    """Load ``text`` as if it were the file."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ or {}, purpose)


def mistakes(
    folder: Path, text: str, environ: dict[str, str] | None = None, purpose: Purpose = Purpose.RUN
) -> list[str]:
    """Load what must be refused; return the sentences."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ, purpose)
    return caught.value.mistakes


def test_a_complete_file_is_read(tmp_path: Path) -> None:
    """A small file gives a whole configuration; what it does not say has its default."""
    config = load(tmp_path, COMPLETE)
    assert config.agents["default"].bot_id == "73"
    assert config.agents["default"].token == SecretStr(TOKEN)
    assert config.default_agent == "default"
    assert config.bridge.scope is Scope.THREAD
    assert config.bridge.identity_key == SECRET.encode()
    assert config.adapters["slack"].kind == "slack"
    assert config.gate.allow.users is None
    assert config.source.endswith("config.toml")


def test_the_configuration_is_immutable(tmp_path: Path) -> None:
    """Nobody changes a setting at run time."""
    config = load(tmp_path, COMPLETE)
    with pytest.raises(ValidationError):
        config.bridge.scope = Scope.USER  # type: ignore[misc]  # that is the test
    with pytest.raises(AttributeError):
        config.default_agent = "other"  # type: ignore[misc]  # that is the test


def test_the_environment_alone_suffices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any file the customary variables configure an agent and every platform whose tokens are there."""
    monkeypatch.chdir(tmp_path)
    config = load_config(None, EVERYTHING)
    assert config.agents["default"].bot_id == "73"
    assert list(config.adapters) == ["slack"]
    assert config.source == "the environment"


def test_customary_variables_fill_what_is_absent_or_empty(tmp_path: Path) -> None:
    """The file goes before a customary variable; an empty value counts as absent."""
    text = COMPLETE.replace(f'token = "{TOKEN}"', 'token = ""').replace(BOT_TOKEN, "xoxb-from-the-file")
    config = load(tmp_path, text, EVERYTHING)
    assert config.agents["default"].token == SecretStr(TOKEN)
    assert config.adapters["slack"].settings.model_dump()["bot_token"] == SecretStr("xoxb-from-the-file")


def test_any_key_can_come_from_the_environment(tmp_path: Path) -> None:
    """COZE_BRIDGE__SECTION__KEY goes before the file, for text, numbers, truth values, lists and deep keys."""
    config = load(
        tmp_path,
        COMPLETE,
        {
            "COZE_BRIDGE__BRIDGE__SCOPE": "user",
            "COZE_BRIDGE__BRIDGE__MAX_WAITING": "3",
            "COZE_BRIDGE__BRIDGE__NAME_AUTHORS": "false",
            "COZE_BRIDGE__GATE__ALLOW__USERS": "U1, U2",
            "COZE_BRIDGE__GATE__DENY__TEAMS": '["T1"]',
            "COZE_BRIDGE__AGENTS__DEFAULT__BOT_ID": "99",
        },
    )
    assert config.bridge.scope is Scope.USER
    assert config.bridge.max_waiting == 3
    assert config.bridge.name_authors is False
    assert config.gate.allow.users == ("U1", "U2")
    assert config.gate.deny.teams == ("T1",)
    assert config.agents["default"].bot_id == "99"


def test_an_empty_list_is_not_an_absent_one(tmp_path: Path) -> None:
    """Written empty means nobody, absent means everybody; an empty variable is written too."""
    config = load(tmp_path, COMPLETE + "[gate.allow]\nusers = []\n", {"COZE_BRIDGE__GATE__ALLOW__TEAMS": ""})
    assert config.gate.allow.users == ()
    assert config.gate.allow.teams == ()
    assert config.gate.allow.channels is None


def test_one_kind_may_run_twice(tmp_path: Path) -> None:
    """Two sections of one kind have their own names; then a customary token fills neither."""
    text = COMPLETE + '[adapters.berlin]\nkind = "slack"\napp_token = "xapp-2"\n'
    found = mistakes(tmp_path, text, EVERYTHING)
    assert len(found) == 1
    assert found[0].startswith("[adapters.berlin] bot_token: is missing")
    config = load(tmp_path, text + 'bot_token = "xoxb-2"\n', EVERYTHING)
    assert config.adapters["berlin"].kind == "slack"


def test_routes_lead_to_agents(tmp_path: Path) -> None:
    """A second agent answers where a route says so; the token may serve both."""
    text = COMPLETE + '[agents.sales]\nbot_id = "74"\n[[routes]]\nagent = "sales"\nadapter = "slack"\nteam = "T1"\n'
    config = load(tmp_path, text, {"COZE_API_TOKEN": TOKEN})
    assert config.agents["sales"].token == SecretStr(TOKEN)
    assert config.routes[0].team == "T1"


def test_the_only_agent_is_the_default(tmp_path: Path) -> None:
    """One agent needs no special name; of several, one must be called default."""
    assert load(tmp_path, COMPLETE.replace("agents.default", "agents.sales")).default_agent == "sales"
    text = COMPLETE.replace("agents.default", "agents.sales") + f'[agents.b]\nbot_id = "2"\ntoken = "{TOKEN}"\n'
    assert mistakes(tmp_path, text) == [
        "[agents]: there are several agents (sales, b) but none is the default; "
        "rename the one that answers where no route fits to [agents.default]."
    ]


def test_an_oauth_application_is_not_disputed_by_a_token_in_the_environment(tmp_path: Path) -> None:
    """What the file says of the credential counts; its key may come from the environment."""
    text = COMPLETE.replace(f'token = "{TOKEN}"', '[agents.default.oauth]\nclient_id = "c"\nkey_id = "k"')
    config = load(tmp_path, text, {"COZE_API_TOKEN": TOKEN, "COZE_OAUTH_PRIVATE_KEY": "-----BEGIN..."})
    oauth = config.agents["default"].oauth
    assert config.agents["default"].token is None
    assert oauth is not None
    assert oauth.private_key == SecretStr("-----BEGIN...")


# --- bad input --------------------------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Nobody mends ten mistakes in ten starts."""
    found = mistakes(
        tmp_path,
        """
        [bridg]
        [bridge]
        scope = "thred"
        max_waiting = "many"
        langage = "zh"
        [store]
        path = 7
        [agents.default]
        bot_id = 73
        [adapters.telegraph]
        [[routes]]
        agent = "sale"
        team = "T1"
        """,
    )
    keys = [sentence.partition(":")[0] for sentence in found]
    assert keys == [
        "[bridg]",
        '[bridge] scope = "thred"',
        '[bridge] max_waiting = "many"',
        '[bridge] langage = "zh"',
        "[store] path = 7",
        "[agents.default] bot_id = 73",
        "[agents.default]",
        "[adapters.telegraph]",
        '[[routes]] number 1, agent = "sale"',
        "[bridge] identity_secret",
    ]


@pytest.mark.parametrize(
    ("addition", "sentence"),
    [
        ("[bridge]\nlangage = 'zh'", '[bridge] langage = "zh": there is no such key. Did you mean language?'),
        ("[bridge]\nzzz = 1", "[bridge] zzz = 1: there is no such key. There are language, scope,"),
        ("[gat]\nx = 1", "[gat]: there is no such section. Did you mean gate?"),
        ("[log]\nlevel = 'loud'", '[log] level = "loud": must be one of debug, info, warning, error.'),
        ("[bridge]\nscope = 'thred'", "must be one of thread, channel, user. Did you mean thread?"),
        ("[bridge]\ndrain_s = -1", "[bridge] drain_s = -1: must be 0 or more."),
        ("[bridge]\nturn_timeout_s = 0", "[bridge] turn_timeout_s = 0: must be more than 0."),
        ("[bridge]\nname_authors = 'perhaps'", "must be true or false, without quotes."),
        ("[gate.allow]\nusers = 5", '[gate.allow] users = 5: must be a list, such as ["A", "B"].'),
        ("[gate.allow]\nusers = [5]", "[gate.allow] users = 5: must be text: put it in quotes."),
        ("gate = 5", "[gate] = 5: must be a section of keys and values."),
        ("agents = 5", "[agents] = 5: must be sections [agents.NAME]."),
        ("[agents]\nbot_id = '7'", '[agents.bot_id] = "7": must be a section [agents.bot_id].'),
        ("[routes]\nagent = 'a'", "[routes]: each route is a section with double brackets: [[routes]]."),
        ("[[routes]]\nagent = 'default'", "[[routes]] number 1: fits everything; name adapter, team or channel"),
        (
            "[agents.default.variables]\nx = '{nmae}'",
            "'x' mentions {nmae}, which does not exist; there are {author_name}",
        ),
        ("[agents.default.variables]\nx = '{'", "the braces of 'x' do not match"),
        ("[agents.default.variables]\n'x-y' = ''", "the name 'x-y' may consist of letters and underscores only"),
        ("[adapters.slak]\nkind = 'slak'", "kind must be one of those installed: console, discord, slack"),
        ("[adapters.slack]\nbot_tokn = 'x'", "there is no such key. Did you mean bot_token?"),
    ],
)
def test_one_mistake_one_sentence(tmp_path: Path, addition: str, sentence: str) -> None:
    """Each mistake names its key, shows its value and says what to do."""
    found = mistakes(tmp_path, addition, purpose=Purpose.CHECK)
    assert any(sentence in mistake for mistake in found), found


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        (Purpose.RUN, ["[agents]", "[adapters]", "[bridge] identity_secret"]),
        (Purpose.CHECK, ["[agents]"]),
        (Purpose.CHAT, ["[agents]"]),
    ],
)
def test_nothing_at_all(tmp_path: Path, purpose: Purpose, expected: list[str]) -> None:
    """An empty file: each command asks for what it needs itself."""
    found = mistakes(tmp_path, "", purpose=purpose)
    assert [sentence.partition(":")[0] for sentence in found] == expected


def test_run_without_the_secret_refuses_and_gives_a_fresh_one(tmp_path: Path) -> None:
    """The sentence holds a line to paste, another one each time; plain ids need none."""
    text = COMPLETE.replace(f'identity_secret = "{SECRET}"', "")
    first, second = (mistakes(tmp_path, text)[0] for _ in range(2))
    pasted = first.rpartition("\n")[2].strip()
    assert pasted != second.rpartition("\n")[2].strip()
    assert load(tmp_path, text.replace("[bridge]", f"[bridge]\n{pasted}")).bridge.identity_key
    assert load(tmp_path, text.replace("[bridge]", '[bridge]\nuser_id = "plain"')).bridge.identity_key is None


def test_no_mistake_shows_a_secret(tmp_path: Path) -> None:
    """A token under a misspelt key, a wrong type beside one, an unsuitable secret: none is printed."""
    long_token = "pat_" + "s3cret" * 8
    found = "\n".join(
        mistakes(
            tmp_path,
            f"""
            [bridge]
            identity_secret = "tooshort"
            [agents.default]
            bot_id = "{long_token}"
            tken = "{long_token}"
            token = ["{long_token}"]
            nonsense = "{long_token}"
            [adapters.slack]
            bot_tokn = "{BOT_TOKEN}"
            app_token = 5
            """,
            {"COZE_BRIDGE__AGENTS__DEFAULT__PROXY": f"ftp://me:{long_token}@proxy"},
        )
    )
    assert "s3cret" not in found
    assert "tooshort" not in found
    assert BOT_TOKEN not in found
    assert "pat_…" in found


def test_a_mistake_from_the_environment_names_its_variable(tmp_path: Path) -> None:
    """Otherwise people search the file for what is not there."""
    found = mistakes(tmp_path, COMPLETE, {"COZE_BRIDGE__LOG__LEVEL": "loud", "COZE_BRIDGE__STORE__PTH": "x"})
    assert found[0].startswith(
        '[store] pth = "x" (from the environment: COZE_BRIDGE__STORE__PTH): there is no such key'
    )
    assert found[1].startswith('[log] level = "loud" (from the environment: COZE_BRIDGE__LOG__LEVEL): must be one of')


def test_a_missing_token_names_its_variable(tmp_path: Path) -> None:
    """What is missing says where it may be written and what it is."""
    found = mistakes(tmp_path, COMPLETE.replace(f'bot_token = "{BOT_TOKEN}"', ""))
    assert "bot_token: is missing; write it here or set SLACK_BOT_TOKEN in the environment. The bot's" in found[0]


def test_a_missing_file(tmp_path: Path) -> None:
    """Naming a file that is not there tells how to get one; the environment's name counts too."""
    path = tmp_path / "nope.toml"
    for arguments in ((path, {}), (None, {"COZE_BRIDGE_CONFIG": str(path)})):
        with pytest.raises(ConfigError, match=r"nope\.toml: there is no such file; copy config\.example\.toml"):
            load_config(*arguments)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    """A syntax error names its line."""
    assert "line 2" in mistakes(tmp_path, "[bridge]\nscope = thread\n")[0]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """A file in another encoding, or a folder, ends in a sentence."""
    path = tmp_path / "config.toml"
    path.write_bytes("[bridge]\n# \xe9".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_config(path, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {})


def test_chat_needs_no_platform_and_no_secret(tmp_path: Path) -> None:
    """A terminal session takes the agents of a file whose platforms are unfinished."""
    config = load(
        tmp_path, f'[agents.default]\nbot_id = "1"\ntoken = "{TOKEN}"\n[adapters.slack]\n', purpose=Purpose.CHAT
    )
    assert [adapter.kind for adapter in config.adapters.values()] == ["console"]


def test_a_printing_command_needs_no_tokens(tmp_path: Path) -> None:
    """The app manifest comes before the tokens; other mistakes in the section still count."""
    path = tmp_path / "config.toml"
    path.write_text('[adapters.slack]\napp_name = "Ask us"\n', encoding="utf-8")
    assert load_section(path, {}, "slack").settings.model_dump()["app_name"] == "Ask us"
    path.write_text('[adapters.slack]\napp_nme = "Ask us"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="Did you mean app_name"):
        load_section(path, {}, "slack")
