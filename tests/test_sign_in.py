"""Sign-in, where the server asks for it: nobody else sees a page, and an account finds its own things again."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from niwt_core import accounts
from niwt_core.errors import InputError
from niwt_core.notebook import Database, create_notebook, open_notebook
from pages.shared import frame

ROOT = Path(__file__).parents[1]
PAGES = [file for pages in frame.PAGES.values() for file, _ in pages]
#: What Streamlit says of somebody where secrets.toml has an [auth] section; without one it says nothing at all.
STRANGER = {"is_logged_in": False}
ADA = {"is_logged_in": True, "iss": "http://localhost", "sub": "ada", "name": "Ada **L**"}


@pytest.fixture(autouse=True)
def asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIWT_SIGN_IN", "1")
    monkeypatch.setenv("NIWT_DATA", str(tmp_path))
    monkeypatch.setenv("NIWT_PROJECTS", str(tmp_path / "shelf"))


def open_as(user: dict[str, object], file: str = "app.py", **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / file), default_timeout=60)
    app.user = user
    if file != "app.py":
        app.session_state["framed"] = True  # as if it ran without app.py ever after
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def shown(app: AppTest) -> str:
    return " ".join(str(getattr(element, "value", "")) for element in app.main)


@pytest.mark.parametrize("file", ["app.py", *PAGES])
@pytest.mark.parametrize("user", [STRANGER, STRANGER | {"iss": "http://localhost", "sub": "ada"}])
def test_no_page_runs_for_a_stranger(file: str, user: dict[str, object]) -> None:
    app = open_as(user, file, text="a red bird", picks="back_color.red", notebook="n" * 32, shelf="a" * 32)
    assert not app.exception
    assert [title.value for title in app.title] == ["Choose Your Neuron"]
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.text_area and not app.text_input and "red" not in shown(app)


def test_switching_pages_does_not_get_past_it() -> None:
    app = open_as(STRANGER)
    for file in PAGES:
        assert [button.label for button in app.switch_page(file).run().button] == ["Sign in"], file


def test_without_the_setting_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIWT_SIGN_IN")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception and [title.value for title in app.title] != ["Choose Your Neuron"]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({}, "no [auth] section"),
        ({"is_logged_in": True, "iss": "http://localhost"}, "does not say who you are"),
        ({"is_logged_in": True, "sub": "ada"}, "does not say who you are"),
    ],
)
def test_what_is_missing_is_said_and_no_page_runs(user: dict[str, object], said: str) -> None:
    app = open_as(user)
    assert not app.exception and [said in error.value for error in app.error] == [True]
    assert [title.value for title in app.title] == ["Choose Your Neuron"]


def test_who_is_signed_in_sees_the_pages_and_the_way_out() -> None:
    app = open_as(ADA)
    assert not app.exception
    assert "Sign out" in [button.label for button in app.button]
    assert "Signed in as Ada \\*\\*L\\*\\*" in [caption.value for caption in app.caption]


def test_an_account_s_notebook_is_its_own_and_stands_in_no_address() -> None:
    somebody_s = "n" * 32
    app = open_as(ADA, text="a red bird with a black cap", notebook=somebody_s, shelf="a" * 32)
    app.query_params["picks"] = "back_color.red~crown_color.black"
    app.switch_page("pages/describe.py").run()
    assert not app.exception
    assert "notebook" not in app.query_params and "shelf" not in app.query_params
    again = open_as(ADA).switch_page("pages/notebook.py").run()
    assert [header.value for header in again.header][:1] == ["1 class"]
    assert not [box for box in again.expander if "own link" in box.label]
    other = open_as(ADA | {"sub": "eve"}).switch_page("pages/notebook.py").run()
    assert [header.value for header in other.header][:1] == ["Nothing here yet"]
    same_name = open_as(ADA | {"iss": "http://elsewhere"}).switch_page("pages/notebook.py").run()
    assert [header.value for header in same_name.header][:1] == ["Nothing here yet"]


def test_secrets_of_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = accounts.secret_of("iss ada", "notebook")
    assert len(first) == 32 and first == accounts.secret_of("iss ada", "notebook")
    others = [("iss eve", "notebook"), ("iss ada", "shelf"), ("iss", "ada notebook"), ("ada", "notebook iss")]
    assert len({first, *(accounts.secret_of(*other) for other in others)}) == 5
    key = tmp_path / accounts.FILE
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == accounts.KEY
    assert [path.name for path in tmp_path.iterdir()] == [accounts.FILE]
    key.unlink()
    assert accounts.secret_of("iss ada", "notebook") != first, "it says nothing without the key"
    key.write_bytes(b"short")
    with pytest.raises(InputError, match="5 bytes"):
        accounts.secret_of("iss ada", "notebook")
    monkeypatch.setenv("NIWT_DATA", str(key / "below"))
    with pytest.raises(InputError, match="cannot be read or written"):
        accounts.secret_of("iss ada", "notebook")


def test_a_notebook_with_a_given_secret_is_made_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'n.sqlite'}")
    assert create_notebook(database, "a" * 32) == "a" * 32
    first = open_notebook(database, "a" * 32)
    create_notebook(database, "a" * 32)
    assert open_notebook(database, "a" * 32).id == first.id
    with pytest.raises(ValueError, match="32 letters"):
        create_notebook(database, "short")
