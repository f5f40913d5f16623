"""Sign-in with a real provider of OpenID Connect, a real server and a real browser."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving import free_port, served

pytest.importorskip("authlib", reason="sign-in needs Authlib")
from openid_provider import CLIENT, SECRET, provider

CLASS = "picks=size.small~crown_color.black&text=a small bird with a black cap"


@pytest.mark.browser
def test_two_people_sign_in_one_after_the_other(browser_page: Any, tmp_path: Path) -> None:
    page, port = browser_page, free_port()
    secrets = tmp_path / "secrets.toml"
    with provider() as openid:
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://localhost:{port}/oauth2callback"\ncookie_secret = "{"k" * 40}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{openid.url}/.well-known/openid-configuration"\n'
        )
        environment = {"NIWT_SIGN_IN": "1", "NIWT_DATA": str(tmp_path), "NIWT_PROJECTS": str(tmp_path / "shelf")}
        with served(tmp_path / "log", ("run", "app.py", "--secrets.files", str(secrets)), environment, port) as url:
            page.goto(f"{url}/importances?{CLASS}")  # a page's own address, on a server that nobody has visited
            page.get_by_role("button", name="Sign in").wait_for()
            assert not page.get_by_role("link", name="Notebook").count(), "a stranger sees no navigation"
            _sign_in(page, openid, "ada", "Ada", url)
            page.get_by_role("heading", name="What each neuron says").wait_for()  # the link that she came with
            page.get_by_text("Your bird: small size, black crown").wait_for()
            assert page.evaluate("sessionStorage.length") == 0, "whoever signs in next finds nothing of it"
            page.goto(f"{url}/notebook?notebook={'n' * 32}")  # somebody's link: nothing that an account looks at
            page.get_by_role("heading", name="Nothing here yet").wait_for()
            page.get_by_text("It is your account’s own").wait_for()
            page.get_by_role("button", name="Sign out").click()
            _sign_in(page, openid, "eve", "Eve", url)
            page.wait_for_load_state("networkidle")
            page.goto("about:blank")  # before the server ends: what a page still loads then would be missed


def _sign_in(page: Any, openid: Any, subject: str, name: str, url: str) -> None:
    openid.person = {"sub": subject, "name": name}
    page.get_by_role("button", name="Sign in").click(timeout=30_000)
    page.get_by_text(f"Signed in as {name}").wait_for()
    assert page.url.startswith(url)
