"""The wall of neurons: one small picture each, all of them real links that open a card without leaving the session."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import streamlit as st

from niwt_core.neurons import Neuron
from pages.shared.neurons.neurons import SHEET_COLUMNS, cell

KEY = "wall"

_CSS = """
h3 { font: inherit; font-size: 1.05rem; font-weight: 600; margin: 1.4rem 0 0.5rem; color: var(--st-text-color); }
h3:first-child { margin-top: 0.25rem; }
h3::first-letter { text-transform: uppercase; }
h3 span { font-weight: 400; opacity: 0.75; }
ul { list-style: none; margin: 0; padding: 3px; display: grid; gap: 14px 10px;
  grid-template-columns: repeat(auto-fill, minmax(88px, 1fr)); }
a { display: block; color: var(--st-text-color); text-decoration: none; font-size: 0.82rem; line-height: 1.2;
  border-radius: 10px; outline-offset: 3px; font-family: var(--st-font); }
.picture { aspect-ratio: 1; border-radius: 10px; background-image: var(--cyn-wall); }
.facts { display: flex; justify-content: space-between; align-items: center; margin: 5px 1px 2px; font-size: 0.75rem; }
.number { opacity: 0.75; font-variant-numeric: tabular-nums; }
.mark { padding: 0 6px; border-radius: 9px; font-weight: 600; line-height: 1.4; color: #fff; }
.yes { background: #1a6fa8; }
.no { background: #b34d00; }
.name { display: block; margin: 0 1px; overflow-wrap: anywhere; text-wrap: balance; }
.unclear .name { opacity: 0.75; font-style: italic; }
a:hover .name { text-decoration: underline; text-underline-offset: 3px; }
a:focus-visible, a[aria-current] { outline: 3px solid #1f7fc0; }
a[aria-current] .name { font-weight: 700; }
@media (max-width: 640px) { ul { gap: 12px 8px; grid-template-columns: repeat(auto-fill, minmax(76px, 1fr)); } }
"""

# Everything is set as text or as a number; nothing that came in is ever read as HTML.
_JS = """
const shown = new WeakMap();  // root -> the data it was drawn from
let picked = null;  // the neuron whose card is awaited; kept here, because the page may make a new root meanwhile

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function link(neuron, data, pick) {
  const anchor = element('a', neuron.clear ? '' : 'unclear');
  const address = new URLSearchParams(window.location.search);
  address.set('neuron', neuron.n);
  anchor.href = '?' + address;
  anchor.setAttribute('aria-label', neuron.said);
  if (neuron.n === data.open) anchor.setAttribute('aria-current', 'true');
  const picture = element('div', 'picture');
  const columns = data.columns, rows = data.rows;
  picture.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  const x = neuron.n % columns, y = Math.floor(neuron.n / columns);
  picture.style.backgroundPosition = `${100 * x / Math.max(columns - 1, 1)}% ${100 * y / Math.max(rows - 1, 1)}%`;
  const facts = element('div', 'facts');
  facts.append(element('span', 'number', neuron.n));
  if (neuron.mark) facts.append(element('span', 'mark ' + (neuron.mark === '✓' ? 'yes' : 'no'), neuron.mark));
  anchor.append(picture, facts, element('span', 'name', neuron.name));
  anchor.addEventListener('click', (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    pick(neuron.n);
  });
  return anchor;
}

function toCard(tries) {
  const card = document.querySelector('.st-key-card h2');
  if (card && card.textContent.startsWith(`Neuron ${picked}:`)) {
    picked = null;
    card.scrollIntoView({ block: 'start' });
    card.tabIndex = -1;
    card.focus({ preventScroll: true });
  } else if (tries) setTimeout(() => toCard(tries - 1), 100);
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector('.wall');
  const now = JSON.stringify(data);
  if (shown.get(root) === now) return;
  shown.set(root, now);
  const pick = (n) => {
    picked = n;
    if (n === data.open) toCard(0);
    else setTriggerValue('picked', n);
  };
  root.replaceChildren(...data.sections.flatMap((section) => {
    const heading = element('h3', '', section.title + ' ');
    heading.append(element('span', '', section.cells.length));
    const list = element('ul');
    for (const neuron of section.cells) {
      const item = element('li');
      item.append(link(neuron, data, pick));
      list.append(item);
    }
    return [heading, list];
  }));
  if (picked !== null && picked === data.open) toCard(50);
}
"""

_wall = st.components.v2.component("neuron_wall", html='<div class="wall"></div>', css=_CSS, js=_JS)


def show(
    groups: Sequence[tuple[str, Sequence[Neuron]]],
    n_neurons: int,
    opened: int | None,
    sheet: bytes,
    on_pick: Callable[[int], None],
) -> None:
    """Draw the wall.

    Args:
        groups: headings, and the neurons under each.
        n_neurons: how many have a place on the sheet.
        opened: the neuron whose card is open.
        sheet: from `neurons.sheet`; it goes to the browser once, as a style.
        on_pick: called before the page runs again.
    """
    picture = base64.b64encode(sheet).decode()
    st.html(f"<style>:root {{ --cyn-wall: url(data:image/webp;base64,{picture}); }}</style>")

    def picked() -> None:
        number = st.session_state[KEY]["picked"]
        if isinstance(number, int) and 0 <= number < n_neurons:  # it comes from the browser
            on_pick(number)

    _wall(
        key=KEY,
        data={
            "sections": [{"title": title, "cells": [cell(n, title) for n in members]} for title, members in groups],
            "open": opened,
            "columns": SHEET_COLUMNS,
            "rows": -(-n_neurons // SHEET_COLUMNS),
        },
        on_picked_change=picked,
    )
