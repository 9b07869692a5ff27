"""The pieces of the loader: the environment's layers, and sentences about mistakes."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from bridge.config.environment import Origins, customary_variables, fill_customary, overlay, required_are_set
from bridge.config.load import SECTIONS
from bridge.config.mistakes import Mistake, nearest, show, show_key
from bridge.config.models import without_secrets
from bridge.extension import AdapterSettings


class Inner(BaseModel):
    """A section within a section."""

    key: str = Field("", json_schema_extra={"env": "INNER_KEY"})


class Sample(AdapterSettings):
    """An adapter's section with all kinds of fields."""

    token: SecretStr = Field(json_schema_extra={"env": ["NEW_TOKEN", "OLD_TOKEN"]})
    name: str = Field("x", json_schema_extra={"env": "NAME"})
    count: int = 3
    inner: Inner | None = None


def test_the_overlay_leaves_the_file_alone() -> None:
    """Layers are new trees: what was read stays as it was read."""
    file = {"bridge": {"scope": "thread"}}
    origins: Origins = {}
    assert overlay(file, {"COZE_BRIDGE__BRIDGE__SCOPE": "user"}, origins) == {"bridge": {"scope": "user"}}
    assert file == {"bridge": {"scope": "thread"}}
    assert origins == {("bridge", "scope"): "COZE_BRIDGE__BRIDGE__SCOPE"}


def test_the_overlay_follows_the_file_in_upper_and_lower_case() -> None:
    """Variables are upper case, names in the file may be anything."""
    tree = overlay({"agents": {"Sales": {}}}, {"COZE_BRIDGE__AGENTS__SALES__BOT_ID": "7"}, {})
    assert tree == {"agents": {"Sales": {"bot_id": "7"}}}


def test_variables_of_others_are_left_out() -> None:
    """Only the prefix counts, and COZE_BRIDGE_IDENTITY_SECRET is a customary name, not a path."""
    assert overlay({}, {"PATH": "/bin", "COZE_BRIDGE_IDENTITY_SECRET": "x", "COZE_BRIDGE__": "y"}, {}) == {}


@given(
    st.dictionaries(st.sampled_from(SECTIONS), st.dictionaries(st.text("abc", min_size=1), st.text("xyz")), max_size=4)
)
def test_any_file_can_be_written_as_environment(tree: dict[str, dict[str, str]]) -> None:
    """Round trip: a file of text values and its variables give the same tree."""
    environ = {f"COZE_BRIDGE__{s}__{k}".upper(): v for s, section in tree.items() for k, v in section.items()}
    assert overlay({}, environ, {}) == {name: section for name, section in tree.items() if section}


def test_customary_names_have_an_order() -> None:
    """The preferred variable goes first; a section within is filled only where it is begun."""
    environ = {"OLD_TOKEN": "old", "NEW_TOKEN": "new", "INNER_KEY": "k"}
    assert fill_customary({}, Sample, environ, (), {}) == {"token": "new"}
    assert fill_customary({"inner": {}}, Sample, environ, (), {}) == {"token": "new", "inner": {"key": "k"}}
    assert fill_customary({"token": "written"}, Sample, {"OLD_TOKEN": "old"}, (), {}) == {"token": "written"}


def test_what_the_environment_suffices_for() -> None:
    """A platform runs unasked only if all it requires is in the environment."""
    assert customary_variables(Sample) == {"NEW_TOKEN", "OLD_TOKEN", "NAME"}
    assert required_are_set(Sample, {"OLD_TOKEN": "x"})
    assert not required_are_set(Sample, {"NAME": "x"})
    assert not required_are_set(Inner, {})


def test_a_model_without_its_secrets_keeps_its_other_rules() -> None:
    """Only required secrets become optional, and empty; their variables still fill them."""
    lenient = without_secrets(Sample)
    assert lenient(count=4).model_dump() == {"token": SecretStr(""), "name": "x", "count": 4, "inner": None}
    assert lenient.model_fields["token"].json_schema_extra == Sample.model_fields["token"].json_schema_extra
    assert not lenient.model_fields["token"].is_required()
    assert Sample.model_fields["token"].is_required()


def test_keys_are_written_as_in_the_file() -> None:
    """People search the file for what they read."""
    assert show_key(("bridge", "scope")) == "[bridge] scope"
    assert show_key(("agents", "default", "oauth", "key_id")) == "[agents.default.oauth] key_id"
    assert show_key(("gate", "allow", "users", 3)) == "[gate.allow] users"
    assert show_key(("routes", 0, "team")) == "[[routes]] number 1, team"
    assert show_key(("adapters", "slack")) == "[adapters.slack]"
    assert show_key(()) == "the file"


def test_values_are_written_as_in_the_file() -> None:
    """Text in quotes, truth values in lower case, long ones shortened, secrets masked."""
    assert show("a") == '"a"'
    assert show(True) == "true"
    assert show(["a", 1]) == '["a", 1]'
    assert show({"a": 1}) == "{…}"
    assert show("x" * 100) == '"' + "x" * 60 + '…"'
    assert show(SecretStr("pat_0123456789abc")) == '"pat_…" (17 characters)'
    assert show("hunter2", secret=True) == '"…" (7 characters)'
    assert show("see pat_0123456789abc") == '"see pat_…"'


def test_suggestions_are_not_far_fetched() -> None:
    """Only a near name is suggested."""
    assert nearest("langage", ["language", "scope"]) == " Did you mean language?"
    assert nearest("zzz", ["language", "scope"]) == ""


def test_a_sentence_has_key_value_origin_and_fix() -> None:
    """In this order, whatever is known."""
    assert Mistake(("log", "level"), "is wrong.").sentence() == "[log] level: is wrong."
    full = Mistake(("log", "level"), "is wrong.", "loud", origin="LEVEL")
    assert full.sentence() == '[log] level = "loud" (from the environment: LEVEL): is wrong.'
